"""Serving status lists: signed anew when an entry changed or the validity runs out, with an ETag."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import StatusKind
from sealwright_common.domain.errors import Internal, NotFound, Reason

from sealwright_certify.ports import SignedStatusList, Signer, SigningKey, StatusList, Store, Tenant, Unsigned
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_certify.usecases.request_issuance import tenant_of

FRESH = 1.0
"""Seconds a list is answered from memory without asking the database: a change is visible within this time."""

VALIDITY = timedelta(hours=24)
"""How long a signed list is valid; it is signed anew after half of it."""

_CACHED = 64


@dataclass(frozen=True, slots=True)
class ListDraft:
    """A status list about to be signed."""

    list: StatusList
    issuer: Tenant
    key: SigningKey
    values: dict[int, int]
    """Entries that are not 0."""
    valid_from: datetime
    valid_until: datetime


class StatusListWriter(Protocol):
    """Writes status lists of some kinds."""

    @property
    def kinds(self) -> frozenset[StatusKind]:
        """The kinds it writes."""
        ...

    @property
    def media_type(self) -> str:
        """Media type of what it writes."""
        ...

    def prepare(self, draft: ListDraft) -> Unsigned:
        """The bytes to sign."""
        ...

    def complete(self, unsigned: Unsigned, signature: bytes) -> str:
        """The finished list."""
        ...

    def check(self, payload: str, draft: ListDraft) -> None:
        """Verifies a finished list by code that did not write it; Internal (SIGNATURE_FAULTY) otherwise."""
        ...


class StatusLists:
    """Answers what verifiers ask."""

    def __init__(self, store: Store, signer: Signer, keys: KeyCopy, clock: Clock, *writers: StatusListWriter) -> None:
        self._store = store
        self._signer = signer
        self._keys = keys
        self._clock = clock
        self._writers = {kind: writer for writer in writers for kind in writer.kinds}
        self._cache: dict[UUID, tuple[float, SignedStatusList]] = {}

    async def get(self, list_id: UUID) -> SignedStatusList:
        """The list as it stands, at most a second old; NotFound. Signed by whoever asks first after a change."""
        cached = self._cache.get(list_id)
        if cached is not None and self._clock.monotonic() - cached[0] < FRESH:
            return cached[1]
        asked = self._clock.monotonic()
        async with self._store.read() as work:
            found = await work.status.get(list_id)
            if found is None:
                raise NotFound(Reason.CREDENTIAL_NOT_FOUND, f"no status list {list_id}")
            published = await work.status.published(list_id)
            if published is None or published.version != found.version or self._clock.now() >= published.renew_time:
                issuer = await tenant_of(work, found.tenant)
                values = await work.status.values(list_id)
            else:
                issuer, values = None, {}
        if issuer is not None:
            published = await self._publish(found, issuer, values)
        assert published is not None
        if len(self._cache) >= _CACHED:
            self._cache.pop(next(iter(self._cache)))
        self._cache[list_id] = (asked, published)
        return published

    async def _publish(self, found: StatusList, issuer: Tenant, values: dict[int, int]) -> SignedStatusList:
        writer = self._writers.get(found.kind)
        if writer is None:
            raise Internal(Reason.INTERNAL_ERROR, f"status lists of kind {found.kind} cannot be written here")
        now = self._clock.now().replace(microsecond=0)
        draft = ListDraft(found, issuer, await self._keys.active(issuer, now), values, now, now + VALIDITY)
        unsigned = writer.prepare(draft)
        signature = (await self._signer.sign(found.tenant, draft.key, [unsigned.signing_input]))[0]
        payload = writer.complete(unsigned, signature)
        writer.check(payload, draft)
        signed = SignedStatusList(
            version=found.version,
            payload=payload,
            etag=f'"{hashlib.sha256(payload.encode()).hexdigest()[:32]}"',
            media_type=writer.media_type,
            renew_time=now + VALIDITY / 2,
        )
        async with self._store.begin_system("status-list", found.tenant) as work:
            await work.status.publish(found.id, signed)
        return signed
