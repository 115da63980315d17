"""Group commit by hand: single callers become batches of everything downstream.

Signing, storing or publishing 250 items at once costs little more than one. A :class:`Collector` takes items one by
one, gathers them for a few milliseconds, runs one function over the batch and gives each caller its own result.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Generic, TypeVar

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.domain.together import Commit, Gather, Step, each_by_itself
from sealwright_common.runtime.app import App

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_WAIT = timedelta(milliseconds=5)
MAX_ITEMS = 250


class Collector(Generic[Item, Result]):
    """Gathers items for at most ``max_wait`` or until ``max_items`` are there, then runs ``batch`` over them.

    ``batch`` returns one result per item, in order; a result that is an exception is raised to its caller alone. An
    exception raised by ``batch`` itself is raised to every caller of that batch. At most ``in_flight`` batches run at
    once; while they do, items go on gathering, so batches grow with the load. After a batch of several the next one
    starts no sooner than ``pace`` later, unless ``max_items`` are there: who comes alone does not wait, a stream
    gathers. A caller that gives up before its batch starts is left out of it; later, the work is done without it.

    It is a part of the app: ``drain`` lets what was submitted finish and refuses more.
    """

    def __init__(
        self,
        name: str,
        batch: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        max_wait: timedelta = MAX_WAIT,
        max_items: int = MAX_ITEMS,
        in_flight: int = 4,
        pace: timedelta = timedelta(0),
    ) -> None:
        if max_items < 1 or in_flight < 1:
            raise ValueError("max_items and in_flight must be 1 or more")
        self.name = name
        self._batch = batch
        self._max_wait = max_wait.total_seconds()
        self._max_items = max_items
        self._pace = pace.total_seconds()
        self._earliest = 0.0
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._free = in_flight
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, item: Item) -> Result:
        """The result of ``item`` once its batch is done. Raises what ``batch`` gave for it; Unavailable if draining."""
        if self._closed:
            raise Unavailable(Reason.STOPPING, f"{self.name} is stopping; repeat the call")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.append((item, future))
        if len(self._waiting) >= self._max_items:
            self._start_batches()
        elif self._timer is None:
            wait = max(self._max_wait, self._earliest - loop.time())
            self._timer = loop.call_later(wait, self._time_is_up)
        return await future

    async def start(self) -> None:
        """Nothing to prepare; the first item starts the work."""

    async def drain(self) -> None:
        """Refuses new items and waits until those submitted are done."""
        self._closed = True
        while self._waiting or self._running:
            self._start_batches(all_of_them=True)
            if self._running:
                await asyncio.wait(self._running)

    async def stop(self) -> None:
        """The same as drain."""
        await self.drain()

    def _time_is_up(self) -> None:
        self._timer = None
        self._start_batches(all_of_them=True)

    def _start_batches(self, *, all_of_them: bool = False) -> None:
        while self._free and self._waiting and (all_of_them or len(self._waiting) >= self._max_items):
            batch, self._waiting = self._waiting[: self._max_items], self._waiting[self._max_items :]
            batch = [pair for pair in batch if not pair[1].done()]
            if batch:
                self._free -= 1
                self._earliest = asyncio.get_running_loop().time() + (self._pace if len(batch) > 1 else 0)
                task = asyncio.get_running_loop().create_task(self._run(batch), name=f"collector {self.name}")
                self._running.add(task)
                task.add_done_callback(self._finished)
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free += 1
        # What gathered while every slot was taken has waited long enough, but for the pace.
        if self._timer is None and self._waiting:
            loop = asyncio.get_running_loop()
            if self._closed or loop.time() >= self._earliest:
                self._start_batches(all_of_them=True)
            else:
                self._timer = loop.call_at(self._earliest, self._time_is_up)

    async def _run(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._batch([item for item, _ in batch])
            if len(results) != len(batch):
                raise RuntimeError(f"collector {self.name}: {len(results)} results for {len(batch)} items")
        except BaseException as error:
            for _, future in batch:
                if future.done():
                    continue
                if isinstance(error, Exception):
                    future.set_exception(error)
                else:
                    future.cancel()
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), result in zip(batch, results, strict=True):
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)


PACE = timedelta(milliseconds=100)


def gathering(app: App) -> Gather:
    """Steps of the app's calls that come while a commit is under way share the next one.

    One commit at a time: a second one would wait for the first anyway, at the head of the audit log. And under load ten
    of them in a second, since each sets relay, broker and consumers going, whose work is by the batch.
    """

    def gather(name: str, commit: Commit[Item, Result], /) -> Step[Item, Result]:
        return app.add(
            Collector(name, each_by_itself(commit), max_wait=timedelta(milliseconds=1), in_flight=1, pace=PACE)
        ).submit

    return gather
