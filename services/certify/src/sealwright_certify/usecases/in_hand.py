"""Work that goes on after the call that began it: waited for when the app drains, cut off when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class InHand:
    """The tasks of one part of the app."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Nothing runs before it is begun."""

    async def drain(self) -> None:
        """Waits for what is in hand."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def stop(self) -> None:
        """Cuts off what still runs; its lease ends, and whoever claims it then goes on."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running))

    def run_on(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Begins ``work``, which sees to its own failures."""
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
