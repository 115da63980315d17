"""The end of the key log, looked at once for all watchers of this process."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sealwright_common.domain.call import system_call
from sealwright_common.runtime.worker import Worker

from sealwright_rotator.ports import Store

POLL = timedelta(milliseconds=500)
"""How soon a change made by another replica is seen."""


class LogTail:
    """A part of the app: knows the log's size, and wakes those who wait for it to grow."""

    name = "log tail"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._size = 0
        self._grown = asyncio.Condition()
        self._worker = Worker(self.name, self._look, POLL)

    @property
    def size(self) -> int:
        """Entries in the log when it was looked at last."""
        return self._size

    def wake(self) -> None:
        """Look now: something was committed here."""
        self._worker.wake()

    async def start(self) -> None:
        """Begin to look."""
        await self._worker.start()

    async def stop(self) -> None:
        """Look no more."""
        await self._worker.stop()

    async def beyond(self, position: int, timeout: float) -> bool:
        """True once the log has more than ``position`` entries, False after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout), self._grown:
                await self._grown.wait_for(lambda: self._size > position)
        except TimeoutError:
            return False
        return True

    async def _look(self) -> None:
        async with self._store.read(system_call("tail")) as work:
            size = await work.log.size()
        if size != self._size:
            async with self._grown:
                self._size = size
                self._grown.notify_all()
