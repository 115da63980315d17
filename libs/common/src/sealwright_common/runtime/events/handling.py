"""Having a batch handled: each event once, poison isolated by halving, order kept per aggregate."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from sealwright_common.domain.call import system_call
from sealwright_common.domain.errors import Code, Problem, Reason
from sealwright_common.runtime.db.database import Database
from sealwright_common.runtime.db.work import SEVERAL_TENANTS
from sealwright_common.runtime.events import inbox
from sealwright_common.runtime.events.event import Event, MalformedEvent, Subscription
from sealwright_common.runtime.faults import fault_point

log = structlog.get_logger(__name__)

FAULT_POINTS = ("consumer.taken", "consumer.handled", "consumer.committed", "consumer.acked")

_TRANSIENT = {Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.ABORTED, Code.DEADLINE_EXCEEDED}
_OURS_AWAY = {Reason.DATABASE_UNAVAILABLE, Reason.BROKER_UNAVAILABLE, Reason.TOKEN_UNAVAILABLE, Reason.STOPPING}
_OUTAGE_AFTER = 3


def is_transient(error: BaseException) -> bool:
    """Whether the same event may be handled later without anybody mending anything."""
    return isinstance(error, Problem) and error.code in _TRANSIENT


def is_permanent(error: BaseException) -> bool:
    """Whether trying again is pointless. What is neither is a fault of ours, tried up to the last attempt."""
    return isinstance(error, MalformedEvent) or (isinstance(error, Problem) and error.code not in _TRANSIENT)


class Outage(Exception):
    """What the handler needs is away for every event, not for one: wait instead of counting attempts."""

    def __init__(self, cause: Problem) -> None:
        super().__init__(cause.message)
        self.cause = cause


class _DoneElsewhere(Exception):
    """Another instance has done some of these events; the transaction must not apply them again."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch so far."""

    done: set[UUID] = field(default_factory=set)
    """Events whose effects are committed, or that need none."""
    failed: dict[UUID, Exception] = field(default_factory=dict)
    """Events that failed on their own, with their error."""
    stopped: set[tuple[str, str]] = field(default_factory=set)
    """Aggregates of the failed events (tenant, id); their later events are not tried."""
    failures_in_a_row: int = 0
    """Events that failed one after the other for something that is away."""


class Handling:
    """Runs the handler of one subscription over batches."""

    def __init__(self, database: Database[Any], subscription: Subscription) -> None:
        self._database = database
        self._durable = subscription.durable
        self._handler = subscription.handler

    async def run(self, events: Sequence[Event], outcome: Outcome) -> None:
        """Has ``events`` handled and tells in ``outcome`` what became of each; neither done nor failed: not tried,
        because an earlier event of its aggregate failed.

        A failing batch is halved until the events that fail stand alone; what their neighbours did is committed.
        Raises Outage if something that all need is away; ``outcome.done`` holds what was done until then.
        """
        events = [event for event in events if event.aggregate not in outcome.stopped]
        if not events:
            return
        try:
            await self._attempt(events, outcome)
        except Exception as error:
            rest = [event for event in events if event.id not in outcome.done]
            if isinstance(error, Problem) and error.reason in _OURS_AWAY:
                raise Outage(error) from error
            if not rest:
                # What is committed is done; the handler's own afterthoughts are lost, which somebody should know.
                log.error("handler failed after its commit", consumer=self._durable, exc_info=error)
                return
            if len(rest) == 1:
                self._failed(rest[0], error, outcome)
                return
            log.debug("batch failed; halving it", consumer=self._durable, events=len(rest), error=type(error).__name__)
            await self.run(rest[: len(rest) // 2], outcome)
            await self.run(rest[len(rest) // 2 :], outcome)
        else:
            outcome.failures_in_a_row = 0

    def _failed(self, event: Event, error: Exception, outcome: Outcome) -> None:
        outcome.failed[event.id] = error
        outcome.stopped.add(event.aggregate)
        outcome.failures_in_a_row = outcome.failures_in_a_row + 1 if is_transient(error) else 0
        if outcome.failures_in_a_row >= _OUTAGE_AFTER and not outcome.done and isinstance(error, Problem):
            raise Outage(error) from error

    async def _attempt(self, events: list[Event], outcome: Outcome) -> None:
        """One run of the handler; again without those that another instance did meanwhile."""
        while events:
            todo = events

            @asynccontextmanager
            async def begin(
                some: Sequence[Event] | None = None, /, todo: list[Event] = todo
            ) -> AsyncGenerator[Any, None]:
                async with self._begin(todo if some is None else some, outcome) as work:
                    yield work

            try:
                await self._handler(todo, begin)
            except _DoneElsewhere:
                async with self._database.connection() as connection:
                    outcome.done |= await inbox.done(connection, self._durable, [event.id for event in todo])
                events = [event for event in todo if event.id not in outcome.done]
            else:
                outcome.done.update(event.id for event in todo)
                return

    @asynccontextmanager
    async def _begin(self, events: Sequence[Event], outcome: Outcome) -> AsyncGenerator[Any, None]:
        events = [event for event in events if event.id not in outcome.done]
        if not events:
            raise RuntimeError(f"{self._durable}: begin() for events that are done already")
        tenants = {event.tenant for event in events}
        traces = {event.trace for event in events}
        call = system_call(
            f"consumer:{self._durable}",
            tenants.pop() if len(tenants) == 1 else SEVERAL_TENANTS,
            traces.pop() if len(traces) == 1 else "",
        )
        async with self._database.begin(call) as work:
            if not await inbox.mark(work.connection, self._durable, [event.id for event in events]):
                raise _DoneElsewhere
            yield work
            fault_point("consumer.handled")
        fault_point("consumer.committed")
        outcome.done.update(event.id for event in events)
