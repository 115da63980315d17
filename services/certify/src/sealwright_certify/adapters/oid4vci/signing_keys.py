"""The keys of the schedule as the formats want them, with certificates, and the signer behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sealwright_common.domain.errors import FailedPrecondition, Reason
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.domain.keys import KeyAlgorithm

from sealwright_certify.adapters.public_keys import verification_key
from sealwright_certify.ports import IssuerKey as ScheduledKey
from sealwright_certify.ports import KeyDirectory, Signer, SigningKey
from sealwright_certify.usecases.keys import LISTED_STATES, SIGNING_STATES
from sealwright_certify.usecases.oid4vci.ports import Oid4vciStore

FRESH = timedelta(seconds=10)
"""How long keys read from the database are used; key events make it shorter by ``forget``."""


class ScheduledKeys:
    """Answers from certify's copy of the key schedule; asks the rotator where the copy has no fitting key."""

    def __init__(self, store: Oid4vciStore, directory: KeyDirectory, signer: Signer) -> None:
        self._store = store
        self._directory = directory
        self._signer = signer
        self._cache: dict[tuple[str, str], tuple[datetime, list[tuple[ScheduledKey, IssuerKey]]]] = {}
        self._forgotten = 0
        """Counts what was forgotten: what was being read meanwhile may be older, and is not kept."""

    def forget(self) -> None:
        """Reads everything anew; called when key events came or certificates were stored."""
        self._forgotten += 1
        self._cache.clear()

    async def active(
        self, tenant: str, key_issuer: str, algorithms: frozenset[KeyAlgorithm], now: datetime
    ) -> IssuerKey:
        """The youngest key that signs now and has one of the algorithms; one with certificates goes before one without.

        So where keys overlap, the old key signs on until the new one has its certificate.
        """
        for refresh in (False, True):
            fitting = [
                (bool(key.chain), scheduled.window.start, scheduled.slot, key)
                for scheduled, key in await self._keys(tenant, key_issuer, now, refresh=refresh)
                if scheduled.state in SIGNING_STATES
                and scheduled.window.start <= now < scheduled.window.end
                and scheduled.algorithm in algorithms
            ]
            if fitting:
                return max(fitting, key=lambda entry: entry[:3])[3]
        wanted = ", ".join(sorted(algorithms))
        raise FailedPrecondition(
            Reason.NO_ACTIVE_KEY,
            f"issuer {key_issuer} has no active key for {wanted}; look at its schedule in the rotator",
        )

    async def published(self, tenant: str, key_issuer: str, now: datetime) -> list[IssuerKey]:
        """Keys whose signatures may be met: future, active and old ones; compromised ones left out."""
        return [
            key
            for scheduled, key in await self._keys(tenant, key_issuer, now, refresh=False)
            if scheduled.state in LISTED_STATES
        ]

    async def sign(self, tenant: str, key: IssuerKey, messages: Sequence[bytes]) -> list[bytes]:
        """Raw signatures, all or none."""
        chosen = SigningKey(key.key_id, key.method, key.algorithm, b"")
        return await self._signer.sign(tenant, chosen, messages)

    async def _keys(
        self, tenant: str, key_issuer: str, now: datetime, *, refresh: bool
    ) -> list[tuple[ScheduledKey, IssuerKey]]:
        cached = self._cache.get((tenant, key_issuer))
        if not refresh and cached is not None and now - cached[0] < FRESH:
            return cached[1]
        forgotten = self._forgotten
        fetched = await self._directory.keys(tenant, key_issuer) if refresh else []
        if fetched:
            async with self._store.begin_system("oid4vci keys", tenant) as work:
                await work.keys.put(fetched)
        async with self._store.read() as work:
            rows = await work.keys.list(tenant, key_issuer)
            chains = await work.certificates.chains(tenant, [row.key_id for row in rows])
            owner = await work.tenants.get(tenant)
        did = owner.did if owner else f"did:web:{tenant}"
        keys: list[tuple[ScheduledKey, IssuerKey]] = []
        for row in rows:
            jwk = verification_key(row.algorithm, row.public_key).jwk
            chain = chains.get(row.key_id, ())
            keys.append((row, IssuerKey(row.key_id, row.algorithm, jwk, did, f"{did}#{row.key_id}", chain)))
        if forgotten == self._forgotten:
            self._cache[tenant, key_issuer] = (now, keys)
        return keys
