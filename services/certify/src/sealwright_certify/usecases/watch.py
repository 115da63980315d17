"""Watching processes: every change once, also those that other instances made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.issuance import IssuanceProcess

from sealwright_certify.ports import Store
from sealwright_certify.usecases.request_issuance import not_found

INTERVAL = 0.1
"""Seconds between two looks at the database."""

OVERLAP = timedelta(seconds=5)
"""How far each look goes back: a transaction may commit this much later than the time it wrote."""


class Watching:
    """Streams processes at each change of state."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def one(self, call: Call, id_: UUID) -> AsyncIterator[IssuanceProcess]:
        """The process as it is and at each change, until it is terminal; NotFound."""
        version = -1
        while True:
            async with self._store.read() as work:
                process = await work.processes.get(call.tenant, id_)
            if process is None:
                raise not_found(id_)
            if process.version != version:
                version = process.version
                yield process
            if process.state.terminal:
                return
            await asyncio.sleep(INTERVAL)

    async def all(self, call: Call) -> AsyncIterator[IssuanceProcess]:
        """Every change of the tenant's processes from now on, until the caller goes."""
        seen: dict[UUID, tuple[int, datetime]] = {}
        async with self._store.read() as work:
            since = work.now
        begun = since
        while True:
            async with self._store.read() as work:
                changed = await work.processes.changed(call.tenant, since - OVERLAP, 1000)
            for process in changed:
                if process.update_time >= begun and seen.get(process.id, (0, begun))[0] < process.version:
                    seen[process.id] = (process.version, process.update_time)
                    yield process
                since = max(since, process.update_time)
            seen = {id_: entry for id_, entry in seen.items() if entry[1] >= since - 2 * OVERLAP}
            if len(changed) < 1000:
                await asyncio.sleep(INTERVAL)
