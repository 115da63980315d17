"""Time that tests move by hand, and the loop that lives by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.completion import point_of_no_return
from sealwright_common.runtime.worker import Worker

START = datetime(2025, 1, 31, tzinfo=UTC)


async def reached(condition: Callable[[], bool]) -> None:
    """Let other tasks run until the condition holds."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("not reached")


async def test_advancing_wakes_sleepers_each_at_its_own_moment() -> None:
    clock = ManualClock(START)
    woken: list[tuple[str, datetime]] = []

    async def sleep(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.now()))

    tasks = [asyncio.create_task(sleep(name, seconds)) for name, seconds in (("late", 20), ("soon", 10), ("never", 99))]
    await reached(lambda: clock.sleepers == 3)
    await clock.advance(timedelta(seconds=30))
    assert woken == [("soon", START + timedelta(seconds=10)), ("late", START + timedelta(seconds=20))]
    assert (clock.now(), clock.monotonic()) == (START + timedelta(seconds=30), 30)
    tasks[2].cancel()
    with pytest.raises(ValueError, match="never goes back"):
        await clock.advance(timedelta(seconds=-1))
    clock.set_wall(START)
    assert (clock.now(), clock.monotonic()) == (START, 30)


async def test_a_worker_runs_at_its_interval_sooner_when_there_is_more_and_when_woken() -> None:
    clock = ManualClock(START)
    rounds: list[float] = []
    answers: list[bool | timedelta | None] = [True, True, None, timedelta(seconds=3), None, None]

    async def run() -> bool | timedelta | None:
        rounds.append(clock.monotonic())
        return answers.pop(0) if answers else None

    worker = Worker("w", run, timedelta(seconds=10), clock=clock, jitter=0)
    await worker.start()
    await reached(lambda: len(rounds) == 3 and clock.sleepers == 1)
    await clock.advance(timedelta(seconds=10))
    await reached(lambda: len(rounds) == 4 and clock.sleepers == 1)
    await clock.advance(timedelta(seconds=3))
    await reached(lambda: len(rounds) == 5 and clock.sleepers == 1)
    worker.wake()
    await reached(lambda: len(rounds) == 6)
    assert rounds == [0, 0, 0, 10, 13, 13]
    await worker.drain()
    await worker.stop()


async def test_a_worker_survives_errors_and_backs_off_whoever_wakes_it() -> None:
    clock = ManualClock(START)
    rounds: list[float] = []

    async def run() -> None:
        rounds.append(clock.monotonic())
        if len(rounds) < 4:
            raise Unavailable(Reason.DATABASE_UNAVAILABLE, "gone") if len(rounds) % 2 else ValueError("bad")

    worker = Worker("w", run, timedelta(seconds=100), clock=clock, jitter=0)
    await worker.start()
    for expected in (1, 2, 3):
        await reached(lambda: len(rounds) == expected and clock.sleepers >= 1)  # noqa: B023 - awaited at once
        assert worker.failures == expected
        worker.wake()
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(rounds) == expected
        await clock.advance(timedelta(seconds=0.2 * 2 ** (expected - 1)))
    await reached(lambda: len(rounds) == 4)
    assert [round(moment, 3) for moment in rounds] == [0, 0.2, 0.6, 1.4]
    await reached(lambda: worker.failures == 0)
    await worker.stop()


async def test_a_worker_s_round_completes_past_its_point_of_no_return() -> None:
    inside, go = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def run() -> None:
        async with point_of_no_return():
            inside.set()
            await go.wait()
            done.append("recorded")
        await asyncio.sleep(60)
        done.append("went on")

    worker = Worker("w", run, timedelta(seconds=1))
    await worker.start()
    await inside.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    go.set()
    await stopping
    assert done == ["recorded"]
