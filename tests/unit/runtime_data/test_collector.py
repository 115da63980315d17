"""The collector makes batches of single callers and gives each its own result."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.collector import Collector


class Doubling:
    """A batch function that doubles numbers, refuses odd hundreds and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        await self.go.wait()
        return [ValueError(str(item)) if item % 200 == 100 else item * 2 for item in items]


async def test_callers_at_once_become_one_batch() -> None:
    double = Doubling()
    collector = Collector("test", double)
    assert await asyncio.gather(*(collector.submit(n) for n in range(50))) == [n * 2 for n in range(50)]
    assert double.batches == [list(range(50))]


async def test_a_full_batch_does_not_wait() -> None:
    double = Doubling()
    collector = Collector("test", double, max_items=10, max_wait=timedelta(hours=1))
    results = asyncio.gather(*(collector.submit(n) for n in range(25)))
    await asyncio.sleep(0)
    while len(double.batches) < 2:
        await asyncio.sleep(0)
    assert [len(batch) for batch in double.batches] == [10, 10]
    await collector.drain()
    assert await results == [n * 2 for n in range(25)]
    assert [len(batch) for batch in double.batches] == [10, 10, 5]


async def test_a_stream_keeps_the_pace_and_who_comes_alone_does_not_wait() -> None:
    double = Doubling()
    collector = Collector("test", double, max_wait=timedelta(0), max_items=3, in_flight=1, pace=timedelta(hours=1))
    for n in (1, 2):
        assert await collector.submit(n) == n * 2
    assert await asyncio.gather(*(collector.submit(n) for n in (3, 4))) == [6, 8]
    rest = asyncio.gather(*(collector.submit(n) for n in (5, 6)))
    await asyncio.sleep(0)
    assert double.batches == [[1], [2], [3, 4]], "the batch after several came before its time"
    assert await collector.submit(7) == 14, "a full batch waited"
    assert await rest == [10, 12]
    last = asyncio.ensure_future(collector.submit(8))
    await asyncio.sleep(0)
    await collector.drain()
    assert await last == 16, "draining waited for the pace"
    assert double.batches[3:] == [[5, 6, 7], [8]]

    quick = Collector("quick", double, max_wait=timedelta(0), in_flight=1, pace=timedelta(milliseconds=50))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for pair in ((10, 11), (12, 13), (14, 15)):
        await asyncio.gather(*(quick.submit(n) for n in pair))
    assert loop.time() - began >= 0.1
    assert double.batches[-3:] == [[10, 11], [12, 13], [14, 15]]


async def test_a_failing_item_fails_alone() -> None:
    collector = Collector("test", Doubling())
    results = await asyncio.gather(*(collector.submit(n) for n in (99, 100, 101)), return_exceptions=True)
    assert results[0] == 198
    assert isinstance(results[1], ValueError)
    assert results[2] == 202


async def test_a_failing_batch_fails_for_all_of_it() -> None:
    async def broken(items: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError("all of you")

    async def short(items: Sequence[int]) -> list[int | Exception]:
        return [1]

    for function in (broken, short):
        collector: Collector[int, int] = Collector("test", function)
        results = await asyncio.gather(*(collector.submit(n) for n in range(3)), return_exceptions=True)
        assert all(isinstance(result, RuntimeError) for result in results)


async def test_batches_grow_while_the_slots_are_taken() -> None:
    double = Doubling()
    double.go.clear()
    collector = Collector("test", double, in_flight=1, max_wait=timedelta(milliseconds=1))
    first = asyncio.create_task(collector.submit(0))
    while not double.batches:
        await asyncio.sleep(0.001)
    later = []
    for n in range(1, 30):
        later.append(asyncio.create_task(collector.submit(n)))
        await asyncio.sleep(0.001)
    double.go.set()
    assert await first == 0
    assert await asyncio.gather(*later) == [n * 2 for n in range(1, 30)]
    assert [len(batch) for batch in double.batches] == [1, 29]


async def test_a_caller_that_gave_up_is_left_out() -> None:
    double = Doubling()
    collector = Collector("test", double, max_wait=timedelta(milliseconds=20))
    gone, stays = (asyncio.create_task(collector.submit(n)) for n in (1, 2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 4
    assert double.batches == [[2]]


async def test_drain_finishes_and_then_refuses() -> None:
    collector = Collector("test", Doubling(), max_wait=timedelta(hours=1))
    waiting = asyncio.create_task(collector.submit(1))
    await asyncio.sleep(0)
    await collector.drain()
    assert await waiting == 2
    with pytest.raises(Unavailable):
        await collector.submit(2)
