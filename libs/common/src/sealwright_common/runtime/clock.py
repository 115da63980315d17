"""The two clocks: the machine's, and one that tests move by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from sealwright_common.domain.clock import Clock


class SleepingClock(Clock, Protocol):
    """A clock one can wait on; what workers and pollers use instead of ``asyncio.sleep``."""

    async def sleep(self, seconds: float) -> None:
        """Return once ``seconds`` have passed on this clock's monotonic time."""
        ...


class SystemClock:
    """The machine's wall clock (UTC) and monotonic clock."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only ever grow."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds``."""
        await asyncio.sleep(seconds)


class ManualClock:
    """A clock that stands still until a test advances it, which wakes whoever sleeps on it in order of due time."""

    def __init__(self, start: datetime = datetime(2025, 6, 1, tzinfo=UTC)) -> None:
        if start.tzinfo is None:
            raise ValueError("start must be timezone-aware")
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now(self) -> datetime:
        """The moment the test has set."""
        return self._now

    def monotonic(self) -> float:
        """Seconds advanced since the clock was made."""
        return self._monotonic

    @property
    def sleepers(self) -> int:
        """How many coroutines wait on this clock; tests await it to reach a number before they advance."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def sleep(self, seconds: float) -> None:
        """Return once the clock has been advanced by ``seconds``."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), future))
        await future

    async def advance(self, delta: timedelta) -> None:
        """Move both times forward, stopping at every due sleeper so that each wakes at its own moment."""
        if delta < timedelta(0):
            raise ValueError("a monotonic clock never goes back; use set_wall for a step of the wall clock")
        target = self._monotonic + delta.total_seconds()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            self._move(due)
            if not future.done():
                future.set_result(None)
                # Twice: once for the sleeper to run, once for what it starts.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        self._move(target)
        await asyncio.sleep(0)

    def set_wall(self, now: datetime) -> None:
        """Step the wall clock, also backwards, while the monotonic one goes on: what an NTP correction does."""
        self._now = now.astimezone(UTC)

    def _move(self, monotonic: float) -> None:
        self._now += timedelta(seconds=monotonic - self._monotonic)
        self._monotonic = monotonic
