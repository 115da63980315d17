"""Serving status lists in the form asked for: signed anew when an entry, the key or its certificates changed, or the
validity runs out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import StatusKind
from sealwright_common.domain.errors import Internal, NotFound, Reason, Unavailable
from sealwright_common.domain.issuing import SignedStatusList

from sealwright_certify.ports import Signer, SigningKey, StatusList, Store, Tenant, Unsigned
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_certify.usecases.tenants import tenant_of

FRESH = 1.0
"""Seconds a list is answered from memory without asking the database: a change is visible within this time."""

VALIDITY = timedelta(hours=24)
"""How long a signed list is valid; it is signed anew after half of it."""

_CACHED = 64

Choose = Callable[[Sequence[str]], str]
"""Picks one of the media types a list can be had in; the first is the usual one."""


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
    chain: tuple[bytes, ...] = ()
    """Certificates of the key, leaf first."""


class StatusListWriter(Protocol):
    """Writes status lists of some kinds in one form."""

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

    def complete(self, unsigned: Unsigned, signature: bytes) -> bytes:
        """The finished list."""
        ...

    def check(self, payload: bytes, draft: ListDraft) -> None:
        """Verifies a finished list by code that did not write it; Internal (SIGNATURE_FAULTY) otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class _Copy:
    """A list in memory, as it stood when it was asked for."""

    asked: float
    kind: StatusKind
    forms: dict[str, SignedStatusList] = field(default_factory=dict[str, SignedStatusList])


class StatusLists:
    """Answers what verifiers ask. Of several writers for a kind the first one's form is the usual one."""

    def __init__(self, store: Store, signer: Signer, keys: KeyCopy, clock: Clock, *writers: StatusListWriter) -> None:
        self._store = store
        self._signer = signer
        self._keys = keys
        self._clock = clock
        self._writers = writers
        self._cache: dict[UUID, _Copy] = {}

    async def get(self, list_id: UUID, choose: Choose) -> SignedStatusList:
        """The list as it stands, at most a second old; NotFound. Signed by whoever asks first after a change."""
        cached = self._cache.get(list_id)
        if cached is not None and self._clock.monotonic() - cached.asked < FRESH:
            form = cached.forms.get(self._writer(cached.kind, choose).media_type)
            if form is not None:
                return form
        asked = self._clock.monotonic()
        async with self._store.read() as work:
            found = await work.status.get(list_id)
            if found is None:
                raise NotFound(Reason.CREDENTIAL_NOT_FOUND, f"no status list {list_id}")
            writer = self._writer(found.kind, choose)
            published = await work.status.published(list_id, writer.media_type)
            issuer = await tenant_of(work, found.tenant)
        now = self._clock.now().replace(microsecond=0)
        current = published is not None and published.version == found.version
        fresh = published if current and published is not None and now < published.renew_time else None
        try:
            form = await self._signed(writer, found, issuer, fresh, now)
        except Unavailable:
            # No key or no signer now: what was signed before is still true, unless an entry changed or it ended.
            if published is None or not current or now >= published.renew_time + VALIDITY / 2:
                raise
            form = published
        self._keep(list_id, _Copy(asked, found.kind, {writer.media_type: form}))
        return form

    async def _signed(
        self, writer: StatusListWriter, found: StatusList, issuer: Tenant, fresh: SignedStatusList | None, now: datetime
    ) -> SignedStatusList:
        """``fresh`` if the key that signs now signed it, else the list signed anew."""
        keys = await self._keys.signing(issuer, now)
        async with self._store.read() as work:
            chains = await work.certificates.chains(found.tenant, [key.key_id for key in keys])
            # As with credentials, a key that has certificates goes before a younger one that has none yet.
            key = next((key for key in keys if key.key_id in chains), keys[0])
            chain = chains.get(key.key_id, ())
            signed_by = f"{key.method} {hashlib.sha256(b''.join(chain)).hexdigest()[:32]}"
            if fresh is not None and fresh.signed_by == signed_by:
                return fresh
            values = await work.status.values(found.id)
        return await self._publish(writer, ListDraft(found, issuer, key, values, now, now + VALIDITY, chain), signed_by)

    def _keep(self, list_id: UUID, copy: _Copy) -> None:
        if len(self._cache) >= _CACHED:
            self._cache.pop(next(iter(self._cache)))
        known = self._cache.get(list_id)
        if known is not None and copy.asked - known.asked < FRESH:
            # The other forms stay as fresh as they were: the older time counts for all.
            copy = _Copy(known.asked, copy.kind, {**known.forms, **copy.forms})
        self._cache[list_id] = copy

    def _writer(self, kind: StatusKind, choose: Choose) -> StatusListWriter:
        able = {writer.media_type: writer for writer in self._writers if kind in writer.kinds}
        if not able:
            raise Internal(Reason.INTERNAL_ERROR, f"status lists of kind {kind} cannot be written here")
        return able[choose(list(able))]

    async def _publish(self, writer: StatusListWriter, draft: ListDraft, signed_by: str) -> SignedStatusList:
        unsigned = writer.prepare(draft)
        signature = (await self._signer.sign(draft.list.tenant, draft.key, [unsigned.signing_input]))[0]
        payload = writer.complete(unsigned, signature)
        writer.check(payload, draft)
        signed = SignedStatusList(
            version=draft.list.version,
            payload=payload,
            etag=f'"{hashlib.sha256(payload).hexdigest()[:32]}"',
            media_type=writer.media_type,
            renew_time=draft.valid_from + VALIDITY / 2,
            signed_by=signed_by,
        )
        async with self._store.begin_system("status-list", draft.list.tenant) as work:
            await work.status.publish(draft.list.id, signed)
        return signed
