"""Threads for what must not run on the event loop, and the coalescing of single calls into few hops.

A hop to a thread and back costs more than a signature. Calls that wait for a free thread are therefore taken over
together, up to :data:`TOGETHER` at a time, and those of one key are one piece of work.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
R = TypeVar("R")
TOGETHER = 16


@dataclass(slots=True, eq=False)
class _Waiting:
    """One item that waits for a hop."""

    group: Hashable
    work: Callable[[Sequence[Any]], list[Any]]
    item: Any
    future: asyncio.Future[Any]


class Threads:
    """A pool of threads for blocking work."""

    def __init__(self, name: str, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._waiting: deque[_Waiting] = deque()
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

    async def run_together(self, group: Hashable, work: Callable[[Sequence[T]], list[R]], item: T) -> R:
        """``work`` on ``item`` in a hop shared with whatever else waits; for short work that may be repeated.

        Items of one group are given to the work of the first of them at once. If it raises, each is tried by itself, so
        that everybody gets its own error.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(group, work, item, future))
        if self._hops < self.count:
            self._hops += 1
            self._hop()
        return await future

    def close(self) -> None:
        """Waits for running work and ends the threads."""
        self._pool.shutdown(wait=True)

    def _hop(self) -> None:
        groups: dict[Hashable, list[_Waiting]] = {}
        for _ in range(min(TOGETHER, len(self._waiting))):
            waiting = self._waiting.popleft()
            groups.setdefault(waiting.group, []).append(waiting)
        together = list(groups.values())
        hop = asyncio.get_running_loop().run_in_executor(self._pool, _run_all, together)
        hop.add_done_callback(lambda done: self._landed(together, done))

    def _landed(self, together: list[list[_Waiting]], done: asyncio.Future[list[list[_Outcome]]]) -> None:
        for group, outcomes in zip(together, done.result(), strict=True):
            for waiting, (value, error) in zip(group, outcomes, strict=True):
                if waiting.future.done():
                    continue
                if error is None:
                    waiting.future.set_result(value)
                else:
                    waiting.future.set_exception(error)
        if self._waiting:
            self._hop()
        else:
            self._hops -= 1


_Outcome: TypeAlias = tuple[Any, Exception | None]


def _run_all(together: list[list[_Waiting]]) -> list[list[_Outcome]]:
    return [_outcomes(group[0].work, [waiting.item for waiting in group]) for group in together]


def _outcomes(work: Callable[[Sequence[Any]], list[Any]], items: list[Any]) -> list[_Outcome]:
    try:
        return [(value, None) for value in work(items)]
    except Exception as error:  # noqa: BLE001 - each caller gets its own error
        if len(items) == 1:
            return [(None, error)]
    return [outcome for item in items for outcome in _outcomes(work, [item])]
