"""Which of several representations a request wants (RFC 9110 section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

_MOST = 32


def best_type(accept: str, offered: Sequence[str]) -> str:
    """The media type of ``offered`` that an Accept header likes best; the first one if it likes none or all alike.

    Among types of the same weight one that is named wins over one that a wildcard covers, then the one named first.
    """
    ranked = [(-weight, wildcard, place, kind) for kind in offered for weight, wildcard, place in _marks(accept, kind)]
    return min(ranked, key=lambda mark: mark[:3])[3] if ranked else offered[0]


def _marks(accept: str, kind: str) -> list[tuple[float, int, int]]:
    """Weight, vagueness and place of the most specific range that covers a media type; empty if none does."""
    marks: list[tuple[int, int, float]] = []
    main = kind.partition("/")[0]
    for place, part in enumerate(accept.split(",")[:_MOST]):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name in (kind, f"{main}/*", "*/*"):
            marks.append(((kind, f"{main}/*", "*/*").index(name), place, _weight(parameters)))
    if not marks:
        return []
    vagueness, place, weight = min(marks)
    return [(weight, vagueness, place if vagueness == 0 else 0)] if weight > 0 else []


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return max(0.0, min(1.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
