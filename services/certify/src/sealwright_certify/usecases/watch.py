"""Watching processes: every change once, also those that other instances made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.issuance import IssuanceProcess

from sealwright_certify.ports import Store
from sealwright_certify.usecases.request_issuance import not_found

SWEEP = 2.0
"""Seconds after which a watcher looks also without having been told: while the broker is away nobody tells."""

PACE = 0.1
"""Fewest seconds between two looks at all changes of a tenant."""

OVERLAP = timedelta(seconds=5)
"""How far each of these looks goes back: a transaction may commit this much later than the time it wrote."""


class Bell:
    """Wakes who waits for a change of one process, or of any process of a tenant."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], set[asyncio.Event]] = {}

    def ring(self, tenant: str, process_id: str) -> None:
        """A process changed."""
        for name in ((tenant, process_id), (tenant, "")):
            for waiting in self._waiting.get(name, ()):
                waiting.set()

    def ring_all(self) -> None:
        """Any may have changed."""
        for waiting in [one for some in self._waiting.values() for one in some]:
            waiting.set()

    @contextmanager
    def listening(self, tenant: str, process_id: str = "") -> Generator[asyncio.Event]:
        """An event that is set at each change of the process, or of any of the tenant's; who waits for it clears it."""
        waiting, name = asyncio.Event(), (tenant, process_id)
        self._waiting.setdefault(name, set()).add(waiting)
        try:
            yield waiting
        finally:
            self._waiting[name].discard(waiting)
            if not self._waiting[name]:
                del self._waiting[name]


class Watching:
    """Streams processes at each change of state."""

    def __init__(self, store: Store, bell: Bell) -> None:
        self._store = store
        self._bell = bell

    async def one(self, call: Call, id_: UUID) -> AsyncIterator[IssuanceProcess]:
        """The process as it is and at each change, until it is terminal; NotFound."""
        version = -1
        with self._bell.listening(call.tenant, str(id_)) as changed:
            while True:
                changed.clear()
                async with self._store.read() as work:
                    process = await work.processes.get(call.tenant, id_)
                if process is None:
                    raise not_found(id_)
                if process.version != version:
                    version = process.version
                    yield process
                if process.state.terminal:
                    return
                await _either(changed, SWEEP)

    async def all(self, call: Call) -> AsyncIterator[IssuanceProcess]:
        """Every change of the tenant's processes from now on, until the caller goes."""
        seen: dict[UUID, tuple[int, datetime]] = {}
        loop = asyncio.get_running_loop()
        with self._bell.listening(call.tenant) as changed:
            async with self._store.read() as work:
                since = begun = work.now
            while True:
                changed.clear()
                next_look = loop.time() + PACE
                async with self._store.read() as work:
                    found = await work.processes.changed(call.tenant, since - OVERLAP, 1000)
                for process in found:
                    if process.update_time >= begun and seen.get(process.id, (0, begun))[0] < process.version:
                        seen[process.id] = (process.version, process.update_time)
                        yield process
                    since = max(since, process.update_time)
                seen = {id_: entry for id_, entry in seen.items() if entry[1] >= since - 2 * OVERLAP}
                if len(found) < 1000:
                    await _either(changed, SWEEP)
                    await asyncio.sleep(max(0.0, next_look - loop.time()))


async def _either(changed: asyncio.Event, seconds: float) -> None:
    """Returns when it changed, or after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return
