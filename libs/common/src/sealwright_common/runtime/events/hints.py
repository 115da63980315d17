"""Events heard by every instance as they are published: for dropping what is kept in memory, and for nothing else.

A durable consumer shares its events among the instances and sees each one once; a cache must be told in every instance,
and only while it is there. So this is a plain subscription to the same subjects: nothing is stored at the broker, and
what is published while an instance is not connected is never told to it. For that reason everything is forgotten at
each connect, and a cache still needs an age of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import nats.errors
import structlog
from nats.aio.msg import Msg

from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.events.broker import Broker
from sealwright_common.runtime.events.client import BulkClient
from sealwright_common.runtime.events.event import Event, MalformedEvent, parse_event

log = structlog.get_logger(__name__)

Heard = Callable[[Event], None]


class Hints:
    """Calls a function for each event of the named types, of any service; a part of the app.

    ``missed`` is called at each connect, as events may have gone by.
    """

    def __init__(self, broker: Broker, heard: Mapping[str, Heard], missed: Callable[[], None]) -> None:
        self.name = "hints"
        self._broker = broker
        self._heard = heard
        self._missed = missed
        self._listening: BulkClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False
        broker.on_connected(self._connected)

    async def start(self) -> None:
        """Listens from the first connect on."""

    async def stop(self) -> None:
        """Listens no more."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _connected(self) -> None:
        if self._stopped:
            return
        task = asyncio.get_running_loop().create_task(self._listen(), name=self.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self) -> None:
        """Subscribes with a client that is new; one that reconnected has its subscriptions still."""
        try:
            client = self._broker.client
            if client is not self._listening:
                for subject in self._heard:
                    await client.subscribe(subject, cb=self._receive)
                await client.flush()
                self._listening = client
        except (Unavailable, nats.errors.Error, OSError, TimeoutError) as error:
            log.warning("not listening for hints; caches live their full age", error=type(error).__name__)
        self._missed()

    async def _receive(self, message: Msg) -> None:
        if self._stopped:
            return
        try:
            self._heard[message.subject](parse_event(message.subject, message.data, message.headers, 1))
        except MalformedEvent as error:
            log.warning("a hint that is no event", subject=message.subject, problem=str(error))
