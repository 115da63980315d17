"""The local copy of the key schedule: which key signs now, and which are listed in the DID document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.domain.keys import KeyState

from sealwright_certify.ports import CertifyWork, IssuerKey, KeyDirectory, SigningKey, Store, Tenant

FRESH = timedelta(seconds=10)
"""How long keys read from the database are used before they are read again. Key events shorten it to nothing."""

SIGNING_STATES = frozenset({KeyState.PUBLISHED, KeyState.ACTIVE})
"""States in which the window alone decides whether a key signs."""

LISTED_STATES = frozenset(
    {KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.VERIFY_ONLY, KeyState.DESTROY_SCHEDULED, KeyState.DESTROYED}
)
"""States in which a key may stand in the DID document; a compromised key leaves it at once."""


def method_of(tenant: Tenant, key_id: str) -> str:
    """The verification method of a key: DID, ``#``, key id."""
    return f"{tenant.did}#{key_id}"


class KeyCopy:
    """Answers from the copy, and fetches it from the rotator where it is missing."""

    def __init__(self, store: Store, directory: KeyDirectory, clock: Clock) -> None:
        self._store = store
        self._directory = directory
        self._clock = clock
        self._cache: dict[str, tuple[datetime, list[IssuerKey]]] = {}
        self._forgotten = 0
        """Counts what was forgotten: what was being read meanwhile may be older, and is not kept."""

    def forget(self, tenant: str) -> None:
        """Reads the tenant's keys anew at the next question; called when key events came or a key did not sign."""
        self._forgotten += 1
        self._cache.pop(tenant, None)

    def forget_all(self) -> None:
        """Reads every tenant's keys anew; called when events may have been missed."""
        self._forgotten += 1
        self._cache.clear()

    async def active(self, tenant: Tenant, at: datetime) -> SigningKey:
        """The key that signs at ``at``: of several active ones the youngest, which verifies longest.

        Raises Unavailable (NO_ACTIVE_KEY) if the schedule has none, also after asking the rotator.
        """
        return (await self.signing(tenant, at))[0]

    async def signing(self, tenant: Tenant, at: datetime) -> list[SigningKey]:
        """Every key that signs at ``at``, the youngest first; at least one. Raises as ``active`` does."""
        now = self._clock.now()
        for attempt in range(2):
            keys = await self._keys(tenant, refresh=attempt > 0)
            fitting = [key for key in keys if key.state in SIGNING_STATES and key.window.start <= now < key.window.end]
            if fitting:
                fitting.sort(key=lambda key: (key.window.start, key.slot), reverse=True)
                return [
                    SigningKey(key.key_id, method_of(tenant, key.key_id), key.algorithm, key.public_key)
                    for key in fitting
                ]
        raise Unavailable(
            Reason.NO_ACTIVE_KEY,
            f"issuer {tenant.key_issuer} has no key that signs at {at.isoformat()}; see its schedule in the rotator",
            retry_after=timedelta(seconds=5),
        )

    async def listed(self, tenant: Tenant) -> list[IssuerKey]:
        """The keys of the DID document: future ones, active ones, and old ones until the last credential expired.

        They are those of every issuer that signs for the tenant, at any door.
        """
        now = self._clock.now()
        async with self._store.read() as work:
            keys = await work.keys.every(tenant.name)
            named = await work.keys.named_issuers(tenant.name)
            until = await work.keys.signed_until(tenant.name, [method_of(tenant, key.key_id) for key in keys])
        listed: list[IssuerKey] = []
        for key in keys:
            method = method_of(tenant, key.key_id)
            open_ = now < key.window.end or (key.verify_until is not None and now < key.verify_until)
            last = until.get(method, now)
            if key.state in LISTED_STATES and ((open_ and key.issuer in named) or last is None or now < last):
                listed.append(key)
        return sorted(listed, key=lambda key: key.window.start)

    async def fetch(self, tenant: Tenant) -> list[IssuerKey]:
        """The keys as the rotator has them now."""
        return await self._directory.keys(tenant.name, tenant.key_issuer)

    async def _keys(self, tenant: Tenant, *, refresh: bool = False) -> list[IssuerKey]:
        cached = self._cache.get(tenant.name)
        now = self._clock.now()
        if not refresh and cached is not None and now - cached[0] < FRESH:
            return cached[1]
        forgotten = self._forgotten
        if refresh:
            fetched = await self.fetch(tenant)
            async with self._store.begin_system("keys", tenant.name) as work:
                await work.keys.put(fetched)
        async with self._store.read() as work:
            keys = await work.keys.list(tenant.name, tenant.key_issuer)
        if forgotten == self._forgotten:
            self._cache[tenant.name] = (now, keys)
        return keys


async def apply_keys(work: CertifyWork, keys: Sequence[IssuerKey]) -> list[IssuerKey]:
    """Takes key events into the copy; older versions than the copy's are ignored. Returns what changed."""
    return await work.keys.put(keys)
