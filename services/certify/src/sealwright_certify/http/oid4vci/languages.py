"""Documents in the reader's language (OpenID4VCI 1.0 section 12.2.2): ``Accept-Language`` chooses among ``display``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

_MOST = 32


def wanted_languages(header: str) -> list[str]:
    """The language ranges of an Accept-Language header, best first (RFC 9110 section 12.5.4); malformed ones are
    left out."""
    ranges: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST]:
        tag, _, weight = part.strip().partition(";")
        name, _, value = weight.strip().partition("=")
        try:
            quality = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if tag.strip() and quality > 0:
            ranges.append((-quality, tag.strip().lower()))
    return [tag for _, tag in sorted(ranges, key=lambda entry: entry[0])]


def localized(document: Mapping[str, Any], wanted: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The document with each ``display`` cut down to the language wanted most, and the languages it then has.

    A ``display`` that has none of them stays whole, so that nothing is left without a name.
    """
    chosen: dict[str, None] = {}

    def cut(value: Any) -> Any:
        if isinstance(value, Mapping):
            members = cast(Mapping[str, Any], value)
            return {name: shown(member) if name == "display" else cut(member) for name, member in members.items()}
        if isinstance(value, list):
            return [cut(entry) for entry in cast(list[Any], value)]
        return value

    def shown(display: Any) -> Any:
        if not isinstance(display, list):
            return cut(display)
        entries = cast(list[Any], display)
        for language in wanted:
            fitting = [entry for entry in entries if isinstance(entry, Mapping) and _fits(_locale(entry), language)]
            if fitting:
                chosen.update(dict.fromkeys(_locale(entry) for entry in fitting))
                return fitting
        return entries

    return cut(document), list(chosen)


def _locale(entry: Mapping[str, Any]) -> str:
    return str(entry.get("locale", ""))


def _fits(locale: str, language: str) -> bool:
    """Basic filtering and its reverse (RFC 4647): ``de`` wants ``de-CH``, and ``de-CH`` is content with ``de``."""
    tag = locale.lower()
    return bool(tag) and (tag == language or tag.startswith(f"{language}-") or language.startswith(f"{tag}-"))
