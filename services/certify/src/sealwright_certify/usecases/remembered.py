"""Answers that doors ask for with every request, kept for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from sealwright_common.domain.clock import Clock

FRESH = 1.0
"""Seconds an answer is kept. What this instance changes, and what it hears of, shortens it to nothing."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers by question, at most a second old; what raises is never remembered."""

    def __init__(self, clock: Clock, most: int) -> None:
        """``most`` answers are kept."""
        self._clock = clock
        self._most = most
        self._kept: dict[K, tuple[float, V]] = {}
        self._locks: dict[K, asyncio.Lock] = {}
        self._forgotten = 0
        """Counts what was forgotten: what was being read meanwhile may be older, and is not kept."""

    async def get(self, question: K, read: Callable[[], Awaitable[V]]) -> V:
        """What ``read`` said a moment ago, or says now; raises what it does."""
        kept = self._fresh(question)
        if kept is None:
            # Those who ask for the same at the same moment wait for the first of them.
            try:
                async with self._locks.setdefault(question, asyncio.Lock()):
                    kept = self._fresh(question) or await self._read(question, read)
            finally:
                self._locks.pop(question, None)
        return kept[1]

    def forget(self) -> None:
        """Reads anew at the next question."""
        self._forgotten += 1
        self._kept.clear()

    def _fresh(self, question: K) -> tuple[float, V] | None:
        kept = self._kept.get(question)
        return kept if kept is not None and self._clock.monotonic() - kept[0] <= FRESH else None

    async def _read(self, question: K, read: Callable[[], Awaitable[V]]) -> tuple[float, V]:
        now, forgotten = self._clock.monotonic(), self._forgotten
        answer = now, await read()
        if forgotten == self._forgotten:
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[question] = answer
        return answer
