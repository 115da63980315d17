"""did:web (W3C CCG method): where the document lies, fetching it safely, reading the keys out of it.

Documents are kept for a while, failures too, and one DID is fetched by one caller at a time. A key id that a kept
document lacks may be looked up anew, but not more often than every few seconds, so that nobody can make certify hammer
a host.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import unquote

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import FailedPrecondition, Problem, Reason, Unavailable
from sealwright_common.runtime.egress import Egress
from sealwright_common.verify.keys import PublicKey, from_jwk, from_multikey
from sealwright_common.verify.outcome import NotVerified

from sealwright_certify.ports import DidDocument

MAX_DOCUMENT = 256 * 1024
FAILURE_FRESH = 10.0
"""Seconds a failure is remembered."""
ANEW_EVERY = 3.0
"""Seconds between two fetches of one DID because of an unknown key, or because its host was away: a holder that comes
back and asks at once must not be told for long what a late delivery to it found out."""

_DID = re.compile(r"did:web:([A-Za-z0-9.-]+(?:%3[Aa][0-9]{1,5})?)((?::[A-Za-z0-9._~-]+)*)")
_RELATIONSHIPS = ("authentication", "assertionMethod", "capabilityInvocation", "capabilityDelegation", "keyAgreement")


@dataclass(slots=True)
class _Entry:
    fetched: float
    document: DidDocument | None
    problem: Problem | None


class DidWeb:
    """Resolves did:web DIDs."""

    def __init__(
        self, egress: Egress, clock: Clock, *, entries: int, fresh: timedelta, plain_hosts: frozenset[str]
    ) -> None:
        self._egress = egress
        self._clock = clock
        self._entries = entries
        self._fresh = fresh.total_seconds()
        self._plain_hosts = plain_hosts
        self._cache: OrderedDict[str, _Entry] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[_Entry]] = {}

    async def resolve(self, did: str, *, anew: bool = False) -> DidDocument:
        """The document of ``did``; see the port."""
        entry = self._cache.get(did)
        if entry is None or not self._usable(entry, anew):
            entry = await self._fetch(did)
        if entry.document is None:
            assert entry.problem is not None
            raise type(entry.problem)(
                entry.problem.reason, entry.problem.message, retry_after=entry.problem.retry_after
            )
        return entry.document

    def url_of(self, did: str) -> str:
        """Where the document of ``did`` lies; FailedPrecondition if it is no did:web."""
        match = _DID.fullmatch(did)
        if match is None or len(did) > 2048:
            raise FailedPrecondition(
                Reason.DID_UNRESOLVABLE, "only did:web identifiers with host and plain path are known"
            )
        host = unquote(match[1])
        parts = [part for part in match[2].split(":") if part]
        if any(part in (".", "..") for part in parts):
            raise FailedPrecondition(Reason.DID_UNRESOLVABLE, "a did:web path has no dot segments")
        plain = {host.lower(), host.lower().rpartition(":")[0]} & self._plain_hosts
        scheme = "http" if plain else "https"
        return f"{scheme}://{host}/{'/'.join(parts) if parts else '.well-known'}/did.json"

    def _usable(self, entry: _Entry, anew: bool) -> bool:
        age = self._clock.monotonic() - entry.fetched
        if entry.document is None:
            return age < (ANEW_EVERY if isinstance(entry.problem, Unavailable) else FAILURE_FRESH)
        return age < (ANEW_EVERY if anew else self._fresh)

    async def _fetch(self, did: str) -> _Entry:
        task = self._fetching.get(did)
        if task is None:
            task = asyncio.create_task(self._load(did), name="did:web")
            self._fetching[did] = task
            task.add_done_callback(lambda _: self._fetching.pop(did, None))
        # A caller that gives up must not take the others' fetch with it.
        entry = await asyncio.shield(task)
        self._cache[did] = entry
        self._cache.move_to_end(did)
        if len(self._cache) > self._entries:
            self._cache.popitem(last=False)
        return entry

    async def _load(self, did: str) -> _Entry:
        try:
            reply = await self._egress.get(
                self.url_of(did),
                headers={"accept": "application/did+json, application/json"},
                max_bytes=MAX_DOCUMENT,
            )
            if reply.status != 200:
                kind = Unavailable if reply.status >= 500 or reply.status == 429 else FailedPrecondition
                raise kind(Reason.DID_UNRESOLVABLE, f"the DID document was answered by status {reply.status}")
            return _Entry(self._clock.monotonic(), read_document(did, reply.body), None)
        except Problem as problem:
            return _Entry(self._clock.monotonic(), None, problem)


def read_document(did: str, body: bytes) -> DidDocument:
    """The document's keys, relationships and services; FailedPrecondition if it is another DID's or malformed."""
    try:
        document: Any = json.loads(body)
        if document.get("id") != did:
            raise FailedPrecondition(Reason.DID_UNRESOLVABLE, "the document's id is another DID")
        methods: dict[str, PublicKey] = {}
        listed: set[str] = set()
        for method in document.get("verificationMethod", []):
            _read_method(did, method, methods, listed)
        relationships = {
            name: frozenset(_related(did, document.get(name, []), methods, listed)) for name in _RELATIONSHIPS
        }
        services = {
            type_: service["serviceEndpoint"]
            for service in reversed(document.get("service", []))
            if isinstance(service.get("serviceEndpoint"), str)
            # DID Core: one type or a set of them.
            for type_ in (service["type"] if isinstance(service.get("type"), list) else [service.get("type")])
            if isinstance(type_, str)
        }
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError) as error:
        raise FailedPrecondition(Reason.DID_UNRESOLVABLE, "the DID document is malformed") from error
    return DidDocument(did, methods, frozenset(listed), relationships, services)


def _absolute(did: str, id_: str) -> str:
    return did + id_ if id_.startswith("#") else id_


def _read_method(did: str, method: Mapping[str, Any], methods: dict[str, PublicKey], listed: set[str]) -> str:
    id_ = _absolute(did, cast(str, method["id"]))
    listed.add(id_)
    # A document may only bring keys of its own DID; a foreign id would let it speak for others.
    if id_.split("#")[0] == did and method.get("controller", did) == did:
        try:
            if "publicKeyJwk" in method:
                methods[id_] = from_jwk(method["publicKeyJwk"])
            elif "publicKeyMultibase" in method:
                methods[id_] = from_multikey(method["publicKeyMultibase"])
        except NotVerified:
            pass  # a key of a kind we do not use; a token that names it is refused for want of a key
    return id_


def _related(did: str, entries: list[Any], methods: dict[str, PublicKey], listed: set[str]) -> list[str]:
    return [
        _absolute(did, entry) if isinstance(entry, str) else _read_method(did, entry, methods, listed)
        for entry in entries
    ]
