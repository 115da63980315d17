"""Keys remembered for half a second, so that signing does not query the database each time.

What another process changes is seen within :data:`TTL`; what this process changes, at once. Windows are judged by the
caller's clock at every use, so that a key change on schedule is never late.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason
from sealwright_common.domain.keys import KeyState
from sealwright_common.runtime.db import Database

from sealwright_signer.adapters.postgres import SignerWork
from sealwright_signer.ports import Issuer, StoredKey

TTL = 0.5
"""Seconds for which a read is taken as true."""
_LIMIT = 10_000
_ISSUER_KEYS = 1000

K = TypeVar("K")
V = TypeVar("V")


class _Memory(Generic[K, V]):
    """Values by key for TTL seconds; callers that miss at once share one read."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._reading: dict[K, asyncio.Task[V]] = {}

    def fresh(self, key: K) -> V | None:
        found = self._values.get(key)
        return None if found is None or self._clock.monotonic() - found[0] > TTL else found[1]

    async def get(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        value = self.fresh(key)
        if value is not None:
            return value
        task = self._reading.get(key)
        if task is None:
            task = self._reading[key] = asyncio.ensure_future(self._read(key, read))
        return await asyncio.shield(task)

    async def _read(self, key: K, read: Callable[[], Awaitable[V]]) -> V:
        mine = asyncio.current_task()
        began = self._clock.monotonic()
        try:
            value = await read()
        finally:
            current: Any = self._reading.get(key)
            kept = current is mine
            if kept:
                del self._reading[key]
        if kept:
            self._values[key] = (began, value)
            while len(self._values) > _LIMIT:
                self._values.popitem(last=False)
        return value

    def drop(self, key: K) -> None:
        """Forgets the value, and does not keep one that is being read."""
        self._values.pop(key, None)
        self._reading.pop(key, None)

    def drop_all(self) -> None:
        self._values.clear()
        self._reading.clear()


class CachedKeyBook:
    """The KeyBook port."""

    def __init__(self, database: Database[SignerWork], clock: Clock) -> None:
        self._database = database
        self._keys: _Memory[tuple[str, UUID], StoredKey] = _Memory(clock)
        self._unexpired: _Memory[tuple[str, str, int], list[StoredKey]] = _Memory(clock)
        self._issuers: _Memory[tuple[str, str], Issuer] = _Memory(clock)

    async def key(self, tenant: str, key_id: UUID) -> StoredKey:
        """The key. NotFound KEY_NOT_FOUND."""

        async def read() -> StoredKey:
            async with self._database.read() as work:
                found = await work.keys.get(tenant, [key_id])
            if key_id not in found:
                raise NotFound(Reason.KEY_NOT_FOUND, f"key {key_id} does not exist; list keys with ListKeys")
            return found[key_id]

        return await self._keys.get((tenant, key_id), read)

    async def active(self, tenant: str, issuer_type: str, cohort: int, now: datetime) -> StoredKey:
        """The issuer's key whose window began last; see the port."""

        keys = await self.unexpired(tenant, issuer_type, cohort, now)
        for stored in reversed(keys):
            if not stored.key.disabled and stored.key.state_at(now) is KeyState.ACTIVE:
                return stored
        raise FailedPrecondition(
            Reason.NO_ACTIVE_KEY,
            f"issuer {issuer_type} cohort {cohort} has no active key now; see its schedule in the rotator",
        )

    async def unexpired(self, tenant: str, issuer_type: str, cohort: int, now: datetime) -> list[StoredKey]:
        """The cohort's unexpired keys, earliest window first. NotFound ISSUER_UNKNOWN if it never had any."""

        async def read() -> list[StoredKey]:
            async with self._database.read() as work:
                keys = await work.keys.unexpired(tenant, issuer_type, cohort, now, _ISSUER_KEYS)
                if not keys and not await work.keys.of_cohort(tenant, issuer_type, cohort):
                    raise _unknown(f"{issuer_type} cohort {cohort}")
            return keys

        keys = await self._unexpired.get((tenant, issuer_type, cohort), read)
        return [stored for stored in keys if stored.key.slot is not None and now < stored.key.slot.window.end]

    async def issuer(self, tenant: str, issuer_type: str) -> Issuer:
        """The issuer. NotFound ISSUER_UNKNOWN."""

        async def read() -> Issuer:
            async with self._database.read() as work:
                issuer = await work.schedule.issuer(tenant, issuer_type)
            if issuer is None:
                raise _unknown(issuer_type)
            return issuer

        return await self._issuers.get((tenant, issuer_type), read)

    async def settle(self) -> None:
        """Waits for as long as any instance takes a read as true."""
        await asyncio.sleep(TTL)

    def forget(self, tenant: str, key_ids: Iterable[UUID]) -> None:
        """Drops the keys and every issuer's list, since any of them may name them."""
        for key_id in key_ids:
            self._keys.drop((tenant, key_id))
        self._unexpired.drop_all()
        self._issuers.drop_all()


def _unknown(issuer: str) -> NotFound:
    return NotFound(
        Reason.ISSUER_UNKNOWN, f"issuer {issuer} is not known here; create it with the rotator, or wait a moment"
    )
