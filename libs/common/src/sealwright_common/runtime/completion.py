"""The point of no return: work that must not be cut off once begun, also when the caller hangs up or the process stops.

gRPC cancels a handler when its caller gives up. Between "signed" and "recorded" that would lose the record, so a use case
marks the stretch that has to finish. Shutdown waits for everything marked (:func:`finish`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")

_unfinished: set[asyncio.Future[Any]] = set()


class Cancellation:
    """Holds back the cancellation of one task while it is past its point of no return."""

    __slots__ = ("_depth", "_requested", "_task")

    def __init__(self) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._depth = 0
        self._requested = False

    def guard(self, task: asyncio.Task[Any]) -> None:
        """Make ``task`` the one whose cancellation is held back."""
        self._task = task

    @property
    def held(self) -> bool:
        """Whether the task is past its point of no return now."""
        return self._depth > 0

    def cancel(self) -> None:
        """Cancel the task, or remember to do so when it comes back from its point of no return."""
        if self._depth:
            self._requested = True
        elif self._task is not None:
            self._task.cancel()

    def enter(self) -> None:
        """The task passes its point of no return."""
        self._depth += 1

    def leave(self) -> None:
        """The task is back; a cancellation that was asked for meanwhile reaches it at its next await."""
        self._depth -= 1
        if self._requested and not self._depth and self._task is not None:
            self._requested = False
            self._task.cancel()


current: ContextVar[Cancellation | None] = ContextVar("sealwright_cancellation", default=None)
"""The cancellation that governs the running handler; set by whoever runs handlers in tasks of their own."""


@asynccontextmanager
async def point_of_no_return() -> AsyncIterator[None]:
    """What runs inside completes even if the caller gives up or its deadline passes; shutdown waits for it.

    Works in whatever the runtime runs (RPC handlers, HTTP requests, event handlers, workers). Keep the stretch short: it holds up
    shutdown. A cancellation asked for meanwhile is delivered after the block.
    """
    cancellation = current.get()
    pending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    _unfinished.add(pending)
    if cancellation is not None:
        cancellation.enter()
    try:
        yield
    finally:
        _unfinished.discard(pending)
        pending.cancel() if pending.cancelled() else pending.set_result(None)
        if cancellation is not None:
            cancellation.leave()


async def shielded(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` to its end in a task of its own, whatever happens to the one who awaits it; shutdown waits for it."""
    task = asyncio.ensure_future(work)
    _unfinished.add(task)
    task.add_done_callback(_unfinished.discard)
    return await asyncio.shield(task)


async def cancellable(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` so that :func:`point_of_no_return` holds inside it: a cancellation of the caller reaches it only outside.

    The caller's cancellation is passed on and waited for, then raised.
    """
    cancellation = Cancellation()
    token = current.set(cancellation)
    try:
        task = asyncio.ensure_future(work)
    finally:
        current.reset(token)
    assert isinstance(task, asyncio.Task)
    cancellation.guard(task)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise
        cancellation.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error from None
        raise


async def finish(timeout: float) -> int:
    """Wait until all marked work has come to its end; the number that had not after ``timeout`` seconds."""
    waiting = {future for future in _unfinished if not future.done()}
    if not waiting:
        return 0
    _, pending = await asyncio.wait(waiting, timeout=timeout)
    return len(pending)
