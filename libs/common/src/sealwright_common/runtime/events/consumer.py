"""The consumer part: takes batches of events, has them handled once each, puts poison aside.

One transaction holds the inbox rows, the effects and the new events of a batch; the broker hears of it after the
commit. If it never does, it delivers again and the inbox filters. An event that fails on its own comes back after a
growing delay, later events of its aggregate wait behind it, and all others flow; what fails for good, or for the last
time, becomes a dead letter. When something is away that every event needs, the batch is held and tried again without
counting attempts.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from opentelemetry import trace

from sealwright_common.domain.errors import Problem, Unavailable
from sealwright_common.runtime import completion
from sealwright_common.runtime.db.database import Database
from sealwright_common.runtime.events import dead_letters, inbox, metrics
from sealwright_common.runtime.events.broker import Broker, BrokerRefused
from sealwright_common.runtime.events.event import Event, Subscription, stream_name
from sealwright_common.runtime.events.handling import Handling, Outage, Outcome, is_permanent, is_transient
from sealwright_common.runtime.events.pulling import ConsumerGone, Delivery, Puller
from sealwright_common.runtime.events.waiting import Waiting
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.telemetry.context import parent, parse
from sealwright_common.runtime.worker import Worker

log = structlog.get_logger(__name__)
MAX_CRASHES = 200
"""Deliveries after which an event this process has not seen yet is put aside untried."""
_PATIENCE = 1.0
_STOP_SECONDS = 5.0
_REQUEUED_EVERY = timedelta(seconds=2)
_REQUEUED_BATCH = 100


class Consumer:
    """Feeds one subscription; a part of the app. Instances with the same durable name share the events."""

    def __init__(
        self,
        database: Database[Any],
        broker: Broker,
        subscription: Subscription,
        *,
        tracer: trace.Tracer | None = None,
    ) -> None:
        self.name = f"consumer {subscription.durable}"
        self._database = database
        self._broker = broker
        self._subscription = subscription
        self._tracer = tracer or trace.get_tracer("sealwright.events")
        self._handling = Handling(database, subscription)
        self._waiting = Waiting()
        self._leaving = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._batches: set[asyncio.Task[None]] = set()
        self._puller: Puller | None = None
        self._problem: str | None = "not started"
        self._requeued = Worker(f"{self.name} requeued", self._handle_requeued, _REQUEUED_EVERY)
        broker.on_connected(self._interrupt)

    # -- the part -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins; database and broker may come later."""
        self._problem = "waiting for database and broker"
        self._task = asyncio.create_task(self._run(), name=self.name)
        await self._requeued.start()

    async def drain(self) -> None:
        """Takes no more and finishes what it has."""
        self._leaving.set()
        self._interrupt()
        await self._requeued.drain()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def stop(self) -> None:
        """Gives back to the broker what is not finished."""
        self._leaving.set()
        self._interrupt()
        await self._requeued.stop()
        for batch in self._batches:
            batch.cancel()
        if self._task is not None:
            # It ends by itself once its batches have given back what they had.
            _, late = await asyncio.wait({self._task}, timeout=_STOP_SECONDS)
            if late:
                self._task.cancel()
                await asyncio.wait(late)
        self._problem = "stopped"

    def ready(self) -> str | None:
        """None while it takes events, else why not."""
        return self._problem

    def _interrupt(self) -> None:
        if self._puller is not None:
            self._puller.interrupt()

    # -- taking -------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Takes events until told to leave; makes stream and consumer again when they are gone."""
        failures = 0
        while not self._leaving.is_set():
            try:
                await self._until_leaving(self._database.wait_available())
                await self._until_leaving(self._broker.wait_connected())
                if self._leaving.is_set():
                    return
                await self._broker.ensure_stream(self._subscription.stream, own=False)
                await self._broker.ensure_consumer(self._subscription)
                async with Puller(self._broker, self._subscription) as puller:
                    self._puller = puller
                    self._problem = None
                    try:
                        failures = 0
                        await self._take(puller)
                    finally:
                        self._puller = None
            except ConsumerGone as error:
                log.warning("consumer gone; making it again", consumer=self._subscription.durable, status=str(error))
                # What it was to deliver again it will not; a new one begins with what is there.
                self._waiting = Waiting()
            except (Unavailable, BrokerRefused) as error:
                self._problem = str(error)
                failures += 1
                log.warning("cannot take events; still trying", consumer=self._subscription.durable, problem=str(error))
                await self._pause(min(5.0, 0.1 * 2 ** min(failures, 10)))
            except Exception as error:
                self._problem = type(error).__name__
                failures += 1
                log.error("taking events failed", consumer=self._subscription.durable, exc_info=error)
                await self._pause(min(30.0, 0.2 * 2 ** min(failures, 10)))

    async def _take(self, puller: Puller) -> None:
        """Takes batches and has up to ``concurrency`` of them handled at a time; on leaving waits for them."""
        try:
            while not self._leaving.is_set():
                deliveries = await puller.take(self._subscription.batch, _PATIENCE)
                metrics.LAG.labels(self._subscription.durable).set(deliveries[-1].pending if deliveries else 0)
                if not deliveries:
                    continue
                fault_point("consumer.taken")
                task = asyncio.create_task(
                    completion.cancellable(self._handle(puller, deliveries)), name=f"{self.name} batch"
                )
                self._batches.add(task)
                task.add_done_callback(self._batches.discard)
                while len(self._batches) >= self._subscription.concurrency:
                    await asyncio.wait(self._batches, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # Batches answer over this puller, so they end before it does.
            while self._batches:
                await asyncio.wait(self._batches)

    # -- one batch ----------------------------------------------------------------------------------------------------

    async def _handle(self, puller: Puller, deliveries: list[Delivery]) -> None:
        heartbeat = asyncio.create_task(self._extend(puller, deliveries))
        try:
            with metrics.HANDLING.labels(self._subscription.durable).time():
                await self._settle_all(puller, deliveries)
        except Exception as error:
            log.error("batch failed; it comes again", consumer=self._subscription.durable, exc_info=error)
            await self._send_back(puller, [delivery for delivery in deliveries if not delivery.settled])
        finally:
            heartbeat.cancel()
            # Cancelled at shutdown: another instance goes on at once.
            await puller.nak(deliveries, 0)

    async def _settle_all(self, puller: Puller, deliveries: list[Delivery]) -> None:
        outages = 0
        outcome = Outcome()
        while True:
            try:
                todo = await self._sort_out(puller, deliveries)
                if todo:
                    with self._span(todo):
                        await self._handling.run(todo, outcome)
            except (Outage, Unavailable) as away:
                cause = away.cause if isinstance(away, Outage) else away
                outages += 1
                outcome = Outcome(done=outcome.done)
                await self._settle(puller, deliveries, outcome)
                self._problem = cause.message
                log.warning("events wait for what is away", consumer=self._subscription.durable, problem=cause.message)
                await self._pause(self._delay(outages, cause))
                if self._leaving.is_set():
                    return
            else:
                self._problem = None
                await self._settle(puller, deliveries, outcome)
                return

    async def _sort_out(self, puller: Puller, deliveries: list[Delivery]) -> list[Event]:
        """Acks what is done already, puts the unreadable and the often crashed aside, sends back what has to wait."""
        open_ones = [delivery for delivery in deliveries if not delivery.settled]
        async with self._database.connection() as connection:
            ids = [delivery.event.id for delivery in open_ones]
            known = await inbox.done(connection, self._subscription.durable, [*ids, *self._waiting.first])
        self._waiting.resolved(known)
        repeated, behind, todo = [], [], {}
        for delivery in open_ones:
            event = delivery.event
            if event.id in known or event.id in todo:
                repeated.append(delivery)
            elif delivery.problem is not None:
                await self._bury(puller, delivery, delivery.problem)
            elif event.deliveries > MAX_CRASHES and not self._waiting.known(event):
                # Nobody ever came to an end with it: it takes the process down.
                await self._bury(
                    puller, delivery, RuntimeError(f"delivered {delivery.deliveries} times, never settled")
                )
            elif self._waiting.has_to_wait(delivery):
                behind.append(delivery)
            else:
                todo[event.id] = event
        # A message that is twice in one batch is done when its twin is: it comes again and is filtered then.
        twins = [delivery for delivery in repeated if delivery.event.id not in known]
        await puller.nak(twins, self._delay(1))
        await self._acked(puller, [delivery for delivery in repeated if delivery.event.id in known], "repeated")
        await self._send_back(puller, behind)
        return list(todo.values())

    async def _settle(self, puller: Puller, deliveries: list[Delivery], outcome: Outcome) -> None:
        """Tells the broker what became of each event; what failed comes back later or becomes a dead letter."""
        await self._acked(puller, [d for d in deliveries if d.event.id in outcome.done], "done")
        fault_point("consumer.acked")
        behind: list[Delivery] = []
        for delivery in deliveries:
            event = delivery.event
            error = outcome.failed.get(event.id)
            if delivery.settled:
                continue
            if error is None:
                if event.aggregate in outcome.stopped:
                    behind.append(delivery)
                continue
            attempts = self._waiting.refused(event) if is_transient(error) else self._waiting.attempts(event)
            if is_permanent(error) or attempts >= self._subscription.max_deliver:
                await self._bury(puller, delivery, error)
                continue
            self._waiting.failing(delivery)
            delay = self._delay(delivery.deliveries, error)
            log.warning(
                "event failed; it comes again",
                consumer=self._subscription.durable,
                type=event.type,
                event_id=str(event.id),
                deliveries=event.deliveries,
                delay=round(delay, 2),
                problem=_words(error),
            )
            await puller.nak([delivery], delay)
            metrics.HANDLED.labels(self._subscription.durable, "retried").inc()
        await self._send_back(puller, behind)

    async def _acked(self, puller: Puller, deliveries: list[Delivery], outcome: str) -> None:
        deliveries = [delivery for delivery in deliveries if not delivery.settled]
        await puller.ack(deliveries)
        metrics.HANDLED.labels(self._subscription.durable, outcome).inc(len(deliveries))
        for delivery in deliveries:
            self._waiting.settled(delivery.event)

    async def _send_back(self, puller: Puller, deliveries: list[Delivery]) -> None:
        """Events that were not tried come again later, in their order; that is no attempt of theirs."""
        for delivery in deliveries:
            self._waiting.passed(delivery)
        await puller.nak(deliveries, self._delay(1))

    async def _bury(self, puller: Puller, delivery: Delivery, error: Exception) -> None:
        """Puts the event aside for good, marks it done, and ends its delivery."""
        await self._put_aside(delivery.event, error)
        await puller.term([delivery])
        self._waiting.settled(delivery.event)

    async def _put_aside(self, event: Event, error: Exception) -> None:
        log.error(
            "event became a dead letter",
            consumer=self._subscription.durable,
            type=event.type,
            event_id=str(event.id),
            deliveries=event.deliveries,
            problem=_words(error),
        )
        async with self._database.begin_system(f"consumer:{self._subscription.durable}") as work:
            await dead_letters.put(work.connection, self._subscription.durable, event, error)
            await inbox.mark(work.connection, self._subscription.durable, [event.id])
        metrics.DEAD_LETTERS.labels(self._subscription.durable).inc()
        metrics.HANDLED.labels(self._subscription.durable, "dead").inc()

    # -- dead letters on their second chance --------------------------------------------------------------------------

    async def _handle_requeued(self) -> bool | None:
        """Handles dead letters that somebody asked to have tried again, one by one."""
        if self._database.ready() is not None:
            return None
        async with self._database.connection() as connection:
            letters = await dead_letters.requeued(connection, self._subscription.durable, _REQUEUED_BATCH)
        for letter in letters:
            outcome = Outcome()
            with suppress(Outage):
                await self._handling.run([letter.event], outcome)
            if letter.event.id in outcome.done:
                async with self._database.connection() as connection:
                    await dead_letters.close(connection, letter)
            elif (error := outcome.failed.get(letter.event.id)) is not None:
                await self._put_aside(dead_letters.died_again(letter), error)
        return None

    # -- small things -------------------------------------------------------------------------------------------------

    def _span(self, events: Sequence[Event]):
        """Continues the trace of the events if they share one; else a new trace with links to theirs."""
        traces = sorted({event.trace for event in events if event.trace})
        alone = traces[0] if len(traces) == 1 else None
        return self._tracer.start_as_current_span(
            f"process {stream_name(self._subscription.stream)}",
            context=parent(alone),
            kind=trace.SpanKind.CONSUMER,
            links=[trace.Link(remote) for one in traces if one != alone and (remote := parse(one)) is not None],
            attributes={
                "messaging.system": "nats",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": stream_name(self._subscription.stream),
                "messaging.consumer.group.name": self._subscription.durable,
                "messaging.batch.message_count": len(events),
            },
        )

    async def _extend(self, puller: Puller, deliveries: list[Delivery]) -> None:
        while True:
            await asyncio.sleep(self._subscription.ack_wait.total_seconds() / 3)
            with suppress(Unavailable):
                await puller.extend(deliveries)

    def _delay(self, attempt: int, error: BaseException | None = None) -> float:
        delay = self._subscription.backoff.delay(attempt, random.random())  # noqa: S311 - jitter, not a secret
        asked = error.retry_after if isinstance(error, Problem) else None
        return max(delay, asked.total_seconds()) if asked is not None else delay

    async def _pause(self, seconds: float) -> None:
        """Waits ``seconds``, or less when it is time to leave."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._leaving.wait()

    async def _until_leaving(self, wait: Any) -> None:
        waiting = asyncio.ensure_future(wait)
        leaving = asyncio.ensure_future(self._leaving.wait())
        try:
            await asyncio.wait({waiting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            leaving.cancel()


def _words(error: BaseException) -> str:
    """What may be logged of an error: problems are made to be seen, the text of others may hold data."""
    return str(error) if isinstance(error, Problem) else type(error).__name__
