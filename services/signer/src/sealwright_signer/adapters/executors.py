"""Threads for what must not run on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Threads:
    """A pool of threads for blocking work."""

    def __init__(self, name: str, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

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

    def close(self) -> None:
        """Waits for running work and ends the threads."""
        self._pool.shutdown(wait=True)
