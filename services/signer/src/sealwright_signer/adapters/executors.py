"""Threads for what must not run on the event loop, and the coalescing of single calls into few hops.

A hop to a thread and back costs more than a signature. Calls that wait for a free thread are therefore taken over
together, up to :data:`TOGETHER` at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
TOGETHER = 16


class Threads:
    """A pool of threads for blocking work."""

    def __init__(self, name: str, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._hops = 0

    async def run(self, work: Callable[[], T]) -> T:
        """``work`` in a thread of its own hop."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def run_split(self, work: Callable[[Sequence[T]], list[R]], items: Sequence[T]) -> list[R]:
        """``work`` over ``items`` in equal parts, one per thread; results in order."""
        if not items:
            return []
        size = -(-len(items) // self.count)
        if size == len(items):
            return await self.run(lambda: work(items))
        loop = asyncio.get_running_loop()
        parts = [items[start : start + size] for start in range(0, len(items), size)]
        results = await asyncio.gather(*(loop.run_in_executor(self._pool, work, part) for part in parts))
        return [result for part in results for result in part]

    async def run_together(self, work: Callable[[], T]) -> T:
        """``work`` in a hop shared with whatever else waits; for short work."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, future))
        if self._hops < self.count:
            self._hops += 1
            self._hop()
        return await future

    def close(self) -> None:
        """Waits for running work and ends the threads."""
        self._pool.shutdown(wait=True)

    def _hop(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        loop = asyncio.get_running_loop()
        hop = loop.run_in_executor(self._pool, _run_all, [work for work, _ in batch])
        hop.add_done_callback(lambda done: self._landed(batch, done))

    def _landed(
        self, batch: list[tuple[Callable[[], Any], asyncio.Future[Any]]], done: asyncio.Future[list[Any]]
    ) -> None:
        for (_, future), (value, error) in zip(batch, done.result(), strict=True):
            if future.done():
                continue
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)
        if self._waiting:
            self._hop()
        else:
            self._hops -= 1


def _run_all(works: list[Callable[[], Any]]) -> list[tuple[Any, Exception | None]]:
    results: list[tuple[Any, Exception | None]] = []
    for work in works:
        try:
            results.append((work(), None))
        except Exception as error:  # noqa: BLE001 - each caller gets its own error
            results.append((None, error))
    return results
