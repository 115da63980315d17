"""JSON-LD with bundled contexts only, and RDF dataset canonicalization (RDFC-1.0) by PyLD.

Nothing is ever fetched: a context that is not bundled is refused. A member that no context defines is refused too: it
would be dropped before hashing and so travel unsigned. PyLD's URDNA2015 is RDFC-1.0 but for the escapes of control
characters in literals, so literals with those are refused; data sets made to be slow (RDFC-1.0 section 7.1) stop at a
fixed amount of work.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib import resources
from typing import Any, cast

from pyld import jsonld  # pyright: ignore[reportMissingTypeStubs]
from pyld.canon import URDNA2015  # pyright: ignore[reportMissingTypeStubs]

from sealwright_common.verify.outcome import NotVerified

BUNDLED: Mapping[str, str] = {
    "https://www.w3.org/2018/credentials/v1": "credentials-v1",
    "https://www.w3.org/ns/credentials/v2": "credentials-v2",
    "https://www.w3.org/ns/credentials/examples/v2": "examples-v2",
    "https://www.w3.org/ns/credentials/undefined-terms/v2": "undefined-terms-v2",
    "https://w3id.org/security/data-integrity/v2": "data-integrity-v2",
    "https://w3id.org/security/multikey/v1": "multikey-v1",
    "https://w3id.org/vc/status-list/2021/v1": "status-list-2021-v1",
}
"""Contexts that are known, by URL, as published by the W3C (document license)."""

_KEYWORDS = frozenset(
    {
        "@context",
        "@id",
        "@type",
        "@value",
        "@language",
        "@direction",
        "@list",
        "@set",
        "@graph",
        "@reverse",
    }
)
"""Keywords of JSON-LD whose meaning goes into the statements that are signed."""

_UNESCAPED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MAX_DEEP_HASHES = 500
_MAX_QUADS = 5000


def canonical(document: Mapping[str, Any], sha: str = "sha256") -> bytes:
    """The canonical N-Quads (RDFC-1.0) of a JSON-LD document, UTF-8; ``sha`` is the hash that labels blank nodes.

    NotVerified for whatever would leave no trace in them, so that nothing in the document stands there unsigned.
    """
    _demand_traces(document, top=True)
    dropped: list[str] = []
    options: dict[str, Any] = {"documentLoader": _load, "base": "", "processingMode": "json-ld-1.1"}
    try:
        # Expansion tells what it drops; the dataset is then made from the expanded form.
        expanded = cast(Any, jsonld).expand(dict(document), options, on_property_dropped=dropped.append)
        unknown = sorted({name for name in dropped if not name.startswith("@")})
        if unknown:
            raise NotVerified(
                "context", f"no context defines {', '.join(map(repr, unknown[:5]))}; add a context that does"
            )
        dataset = cast(Any, jsonld).to_rdf(expanded, options)
        return _Canonical(sha).main(dataset, {"format": "application/n-quads"}).encode()
    except NotVerified:
        raise
    except (jsonld.JsonLdError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotVerified("context", f"the document is not JSON-LD that we can read: {_why(error)}") from error


def demand_known(contexts: object, known: Collection[object]) -> None:
    """Refuses inline contexts that define terms, unless they are among ``known``.

    What is signed are the statements, not the contexts: with terms of one's own the members of a signed document could
    be given each other's names. A plain vocabulary cannot do that, nor can contexts that are bundled.
    """
    for context in cast(list[Any], contexts) if isinstance(contexts, list) else [contexts]:
        plain = isinstance(context, str) or (isinstance(context, Mapping) and set(cast(Any, context)) <= {"@vocab"})
        if not plain and context not in known:
            raise NotVerified("context", "an inline context defines terms; it must be given as a known one")


def _demand_traces(value: object, *, top: bool = False) -> None:
    """Refuses null, empty arrays, keywords that say nothing and contexts below the top: anybody could add or change
    them after the signing."""
    if value is None or value == []:
        raise NotVerified("context", "null and empty arrays leave no trace in what is signed; leave them out")
    if isinstance(value, Mapping):
        for name, member in cast(Mapping[str, Any], value).items():
            if name.startswith("@") and name not in _KEYWORDS:
                raise NotVerified("context", f"the member {name[:40]} is not signed; leave it out")
            if name == "@context" and not top:
                raise NotVerified("context", "a context stands at the top of the document only")
            if name != "@context":
                _demand_traces(member)
    elif isinstance(value, list):
        for element in cast(list[Any], value):
            _demand_traces(element)


def _why(error: BaseException) -> str:
    """The innermost refusal of ours, else the outer library's short text."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, NotVerified):
            return cause.message
        cause = getattr(cause, "cause", None) or cause.__cause__
    return str(error).split("\n", 1)[0][:200]


class _Canonical(URDNA2015):
    """RDFC-1.0 with a chosen hash and bounded work."""

    def __init__(self, sha: str) -> None:
        super().__init__()
        self._sha: Callable[[], Any] = hashlib.sha384 if sha == "sha384" else hashlib.sha256
        self._deep = 0

    def main(self, dataset: dict[str, list[dict[str, Any]]], options: dict[str, str]) -> Any:
        quads = [quad for graph in dataset.values() for quad in graph]
        if len(quads) > _MAX_QUADS:
            raise NotVerified("context", f"more than {_MAX_QUADS} statements")
        if any(_UNESCAPED.search(quad["object"]["value"]) for quad in quads):
            raise NotVerified(
                "context", "a literal holds a control character other than tab, line feed, carriage return"
            )
        return cast(Any, super()).main(dataset, options)

    def create_hash(self) -> Any:
        return self._sha()

    def hash_n_degree_quads(self, id_: str, issuer: Any) -> Any:
        self._deep += 1
        if self._deep > _MAX_DEEP_HASHES:
            raise NotVerified("context", "the blank nodes of the document take too much work to tell apart")
        return cast(Any, super()).hash_n_degree_quads(id_, issuer)


@cache
def _context(name: str) -> dict[str, Any]:
    text = resources.files("sealwright_common.verify").joinpath("contexts", f"{name}.jsonld").read_text("utf-8")
    return cast(dict[str, Any], json.loads(text))


def _load(url: str, _options: object = None) -> dict[str, Any]:
    name = BUNDLED.get(url)
    if name is None:
        raise NotVerified("context", f"the context {url[:200]} is not bundled and never fetched")
    return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": _context(name)}
