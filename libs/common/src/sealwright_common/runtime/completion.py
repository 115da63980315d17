"""The point of no return: work that must not be cut off once begun, also when the caller hangs up or the process stops.

gRPC cancels a handler when its caller gives up. Between "signed" and "recorded" that would lose the record, so a use
case marks the stretch that has to finish. Shutdown waits for everything marked (:func:`finish`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class DeadlinePassed(Exception):
    """The time given to :func:`cancellable` was over before the work was done."""


class CutOff(Exception):
    """The work was cancelled, and not by who waits for it: something it stands on is going away."""


_unfinished: set[asyncio.Future[Any]] = set()


class _Work(asyncio.Task[T]):
    """A task whose cancellation is held back while it is past its point of no return."""

    _depth = 0
    _asked = False

    def cancel(self, msg: object = None) -> bool:
        """Cancel, or remember to do so when it comes back from its point of no return."""
        if self._depth:
            self._asked = True
            return True
        return super().cancel(msg)

    def enter(self) -> None:
        self._depth += 1

    def leave(self) -> None:
        """A cancellation that was asked for meanwhile reaches the task at its next await."""
        self._depth -= 1
        if self._asked and not self._depth:
            self._asked = False
            self.cancel()


_work: ContextVar[_Work[Any] | None] = ContextVar("sealwright_work", default=None)


@asynccontextmanager
async def point_of_no_return() -> AsyncGenerator[None, None]:
    """What runs inside completes even if the caller gives up or its deadline passes; shutdown waits for it.

    Holds in whatever the runtime runs through :func:`cancellable`: RPC handlers, HTTP requests, workers. Keep the
    stretch short, it holds up shutdown. A cancellation asked for meanwhile is delivered after the block.
    """
    work = _work.get()
    pending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    _unfinished.add(pending)
    if work is not None:
        work.enter()
    try:
        yield
    finally:
        _unfinished.discard(pending)
        if not pending.done():
            pending.set_result(None)
        if work is not None:
            work.leave()


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end in its own task, whatever happens to the one who awaits it; shutdown waits for it."""
    task = asyncio.ensure_future(work)
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)
    return await asyncio.shield(task)


async def cancellable(work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
    """Run ``work`` so that :func:`point_of_no_return` holds inside it.

    A cancellation of the caller reaches the work only outside such a stretch, is waited for and then raised. After
    ``timeout`` seconds the work is cancelled the same way and DeadlinePassed raised. Raises CutOff if the work was
    cancelled by anyone else.
    """
    loop = asyncio.get_running_loop()
    context = copy_context()
    task = _Work(work, loop=loop, context=context)
    context.run(_work.set, task)
    expired = False

    def expire() -> None:
        nonlocal expired
        expired = True
        task.cancel()

    timer = loop.call_later(timeout, expire) if timeout is not None else None
    caller = asyncio.current_task()
    assert caller is not None
    before = caller.cancelling()
    try:
        result = await task
    except asyncio.CancelledError:
        if caller.cancelling() > before:
            raise
        raise DeadlinePassed if expired else CutOff from None
    finally:
        if timer is not None:
            timer.cancel()
        context.run(_work.set, None)  # else they would hold each other until the garbage collector comes
    if caller.cancelling() > before:
        raise asyncio.CancelledError
    return result


async def finish(timeout: float) -> int:
    """Wait until all marked work has come to its end; the number that had not after ``timeout`` seconds."""
    waiting = {future for future in _unfinished if not future.done()}
    if not waiting:
        return 0
    _, pending = await asyncio.wait(waiting, timeout=timeout)
    return len(pending)
