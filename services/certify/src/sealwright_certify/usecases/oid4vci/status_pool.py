"""Status entries taken ahead in blocks, so that no wallet waits for the one row that hands them out.

An entry belongs to a credential only when the credential is recorded. A block that is lost with its process is never
given out again; with 131072 entries a list and indices in random order, neither matters.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from sealwright_common.domain.credentials import StatusKind, StatusPlace, StatusPurpose

from sealwright_certify.usecases.oid4vci.ports import Oid4vciStore

BLOCK = 64
"""Entries taken at once."""

_Name = tuple[str, StatusKind]


@dataclass(frozen=True, slots=True)
class StatusPool:
    """Entries by tenant and kind of list."""

    store: Oid4vciStore
    base_uri: str
    list_size: int
    _ready: dict[_Name, deque[StatusPlace]] = field(default_factory=dict[_Name, deque[StatusPlace]])
    _filling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take(self, tenant: str, kind: StatusKind, count: int) -> list[StatusPlace]:
        """``count`` entries that nobody else has."""
        places = self._ready.setdefault((tenant, kind), deque())
        if len(places) < count:
            async with self._filling:
                if len(places) < count:
                    await self._fill(tenant, kind, places, max(BLOCK, count))
        return [places.popleft() for _ in range(count)]

    async def _fill(self, tenant: str, kind: StatusKind, places: deque[StatusPlace], count: int) -> None:
        async with self.store.begin_system("oid4vci status", tenant) as work:
            places += await work.status.reserve(
                tenant, kind, StatusPurpose.REVOCATION, count, self.base_uri, self.list_size, work.now
            )
