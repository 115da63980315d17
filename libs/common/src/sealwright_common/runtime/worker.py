"""A loop that does work at intervals or when woken, survives its errors and backs off."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from sealwright_common.domain.errors import Code, Problem
from sealwright_common.runtime import completion
from sealwright_common.runtime.clock import SleepingClock, SystemClock
from sealwright_common.runtime.telemetry import metrics

log = structlog.get_logger(__name__)

FIRST_PAUSE, MAX_PAUSE = 0.2, 30.0
"""Seconds between rounds that fail: doubled each time, from the first to the longest."""

Run = Callable[[], Awaitable[bool | timedelta | None]]
"""One round: True when there is more work at once, a timedelta until the next round, None for the usual interval."""


class Worker:
    """Runs ``run`` again and again until stopped; a part of the app.

    An exception never ends the loop: the next round comes after 0.2 s, doubled with each failure in a row up to 30 s.
    A round that is running at shutdown is cancelled after its ``drain`` (the app's grace); work past a point of no
    return completes.
    """

    def __init__(
        self, name: str, run: Run, interval: timedelta, *, clock: SleepingClock | None = None, jitter: float = 0.1
    ) -> None:
        self.name = name
        self._run = run
        self._interval = interval
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._woken = asyncio.Event()
        self._leaving = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failures = 0

    @property
    def failures(self) -> int:
        """Failed rounds in a row; 0 after a good one."""
        return self._failures

    def wake(self) -> None:
        """Start the next round now, or right after the one that is running."""
        self._woken.set()

    async def start(self) -> None:
        """Begin with a first round at once."""
        self._task = asyncio.create_task(self._loop(), name=self.name)

    async def drain(self) -> None:
        """Begin no further round and wait for the running one."""
        self._leaving.set()
        self._woken.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def stop(self) -> None:
        """Cancel what still runs."""
        self._leaving.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _loop(self) -> None:
        while not self._leaving.is_set():
            self._woken.clear()
            delay = await self._round()
            if delay > 0:
                # After a failure a wake-up does not cut the pause short: nothing is retried in a hot loop.
                await self._rest(delay, self._leaving if self._failures else self._woken)

    async def _round(self) -> float:
        """One round; seconds until the next."""
        try:
            outcome = await completion.cancellable(self._awaited())
        except Problem as problem:
            self._failed()
            say = log.warning if problem.code is Code.UNAVAILABLE else log.error
            say("round failed", worker=self.name, reason=problem.reason.value, problem=problem.message)
        except Exception as error:
            self._failed()
            log.error("round failed", worker=self.name, exc_info=error)
        else:
            self._failures = 0
            metrics.worker_rounds.labels(self.name, "done").inc()
            if outcome is True:
                return 0
            pause = outcome if isinstance(outcome, timedelta) else self._interval
            return pause.total_seconds() * (1 + random.uniform(-self._jitter, self._jitter))  # noqa: S311 - no secret
        return min(MAX_PAUSE, FIRST_PAUSE * 2 ** min(self._failures - 1, 10))

    def _failed(self) -> None:
        self._failures += 1
        metrics.worker_rounds.labels(self.name, "failed").inc()

    async def _awaited(self) -> bool | timedelta | None:
        return await self._run()

    async def _rest(self, seconds: float, until: asyncio.Event) -> None:
        sleep = asyncio.ensure_future(self._clock.sleep(seconds))
        event = asyncio.ensure_future(until.wait())
        try:
            await asyncio.wait({sleep, event}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            event.cancel()
