"""Status entries taken ahead in blocks, so that no credential waits for the one row that hands them out.

An entry belongs to a credential only when the credential is recorded. A block that is lost with its process is never
given out again; with 131072 entries a list and indices in random order, neither matters.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from sealwright_common.domain.credentials import StatusKind, StatusPlace, StatusPurpose

from sealwright_certify.ports import Store

BLOCK = 256
"""Entries taken beyond those that are wanted."""

_Name = tuple[str, StatusKind, StatusPurpose]
_Ready = defaultdict[_Name, deque[StatusPlace]]


@dataclass(frozen=True, slots=True)
class StatusPool:
    """Entries by tenant, kind of list and purpose."""

    store: Store
    base_uri: str
    list_size: int
    _ready: _Ready = field(default_factory=lambda: _Ready(deque))
    _filling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, tenant: str, kind: StatusKind, purpose: StatusPurpose, count: int) -> list[StatusPlace]:
        """``count`` entries that nobody else has."""
        places = self._ready[tenant, kind, purpose]
        if len(places) < count:
            async with self._filling:
                if len(places) < count:
                    places += await self._block(tenant, kind, purpose, BLOCK + count)
        return [places.popleft() for _ in range(count)]

    def give_back(self, tenant: str, places: Iterable[StatusPlace]) -> None:
        """Takes back entries of credentials that were never signed, for others to have."""
        for place in places:
            self._ready[tenant, place.kind, place.purpose].append(place)

    async def _block(self, tenant: str, kind: StatusKind, purpose: StatusPurpose, count: int) -> list[StatusPlace]:
        async with self.store.begin_system("status entries", tenant) as work:
            return await work.status.reserve(tenant, kind, purpose, count, self.base_uri, self.list_size, work.now)
