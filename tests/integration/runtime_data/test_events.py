"""Events from commit to effect: once each, in order per aggregate, whatever comes twice, late or shuffled."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.runtime.db.housekeeping import Retention, clean
from sealwright_common.runtime.events import Backoff, Consumer, Event, Relay, handling
from sealwright_common.runtime.events.event import parse_event
from sealwright_common.runtime.events.publishing import COLUMNS, Outgoing, header_fields
from sealwright_common.runtime.events.replay import replay

from tests.integration.runtime_data.conftest import delete_stream
from tests.integration.runtime_data.probe import (
    DEAD,
    DISTINCT_EFFECTS,
    EFFECTS,
    EVENTS,
    IN_ORDER,
    PENDING,
    TYPE,
    Changed,
    Mesh,
    acked,
    affect,
    decode,
    equals,
    running,
    subscription,
    until,
    value,
)


async def test_an_event_arrives_as_it_was_emitted(mesh: Mesh) -> None:
    seen: list[Event] = []

    async def handler(events: list[Event], begin: Any) -> None:
        seen.extend(events)
        await affect(events, begin)

    thing = 'grün 100%\r\nsealwright-tenant: evil"'
    async with mesh.running(mesh.consumer(handler)):
        await mesh.change(thing, 2, note="hello")
        await mesh.effects(2)
    first, second = seen
    assert (first.type, first.aggregate_id, first.aggregate_version, first.tenant) == (TYPE, thing, 1, "default")
    assert second.aggregate_version == 2
    assert decode(second).note == "hello"
    assert abs(datetime.now(UTC) - first.time) < timedelta(minutes=1)
    assert first.headers["ce-specversion"] == "1.0"
    assert first.headers["ce-source"] == "/sealwright/probe"
    assert first.headers["ce-type"] == TYPE
    assert first.headers["ce-id"] == str(first.id)


async def test_order_per_aggregate_with_two_relays(mesh: Mesh) -> None:
    other = Mesh(mesh.dsn, mesh.broker._url.get_secret_value())
    async with mesh.running(mesh.consumer()), running(other.database, other.broker, other.relay):
        for _ in range(20):
            await asyncio.gather(*((mesh, other)[n % 2].change(f"thing {n}", 5) for n in range(5)))
        await mesh.effects(500)
    assert await value(mesh.dsn, IN_ORDER)
    assert await value(mesh.dsn, PENDING) == 0


async def test_the_consumer_may_start_first(mesh: Mesh) -> None:
    consumer = mesh.consumer()
    async with running(consumer):
        assert consumer.ready()
        async with running(mesh.broker):
            assert consumer.ready()
            async with running(mesh.database):
                await until(lambda: consumer.ready() is None)
                async with running(mesh.relay):
                    await mesh.change("a", 3)
                    await mesh.effects(3)
            await consumer.drain()


@pytest.mark.promise(2)
async def test_duplicates_in_any_order_on_two_instances_have_one_effect_each(mesh: Mesh) -> None:
    count = 2000
    other = Mesh(mesh.dsn, mesh.broker._url.get_secret_value())
    async with running(mesh.database, mesh.broker):
        await mesh.change("a", count)
        async with mesh.database.connection() as connection:
            events = [Outgoing.of(row) for row in await connection.fetch(f"select {COLUMNS} from outbox")]
            await connection.execute("delete from outbox_pending")
        await mesh.broker.wait_connected()
        await mesh.broker.ensure_stream("probe", own=True)
        copies = [(event, copy) for event in events for copy in range(3)]
        random.Random(7).shuffle(copies)
        for event, copy in copies:
            headers = {**header_fields("/sealwright/probe", event), "Nats-Msg-Id": f"{event.id} {copy}"}
            await mesh.broker.client.publish(event.type, event.payload, headers=headers)
        await mesh.broker.client.flush()
        async with running(other.database, other.broker):
            consumers = [m.consumer(batch=100, concurrency=2) for m in (mesh, other)]
            async with running(*consumers):
                await until(lambda: acked(mesh), 30)
    assert await value(mesh.dsn, EFFECTS) == count
    assert await value(mesh.dsn, DISTINCT_EFFECTS) == count


@pytest.mark.promise(33)
async def test_the_outbox_stays_small(mesh: Mesh) -> None:
    connection = await asyncpg.connect(mesh.dsn)
    sizes: list[int] = []
    async with mesh.running():
        for _ in range(4):
            await mesh.change("a", 3000)
            await until(lambda: equals(mesh.dsn, PENDING, 0))
            await clean(connection, Retention(timedelta(0), timedelta(0), timedelta(0)))
            # What autovacuum does in its own time.
            await connection.execute("vacuum outbox")
            await connection.execute("vacuum outbox_pending")
            sizes.append(
                await value(
                    mesh.dsn, "select pg_total_relation_size('outbox') + pg_total_relation_size('outbox_pending')"
                )
            )
    await connection.close()
    assert await value(mesh.dsn, EVENTS) == 0
    assert sizes[3] <= sizes[1]


async def test_a_long_handler_is_not_interrupted_by_a_second_delivery(mesh: Mesh) -> None:
    calls = 0

    async def handler(events: list[Event], begin: Any) -> None:
        nonlocal calls
        calls += 1
        await asyncio.sleep(1)  # what is tested: three times as long as the broker waits
        await affect(events, begin)

    async with mesh.running(mesh.consumer(handler, ack_wait=timedelta(milliseconds=300))):
        await mesh.change("a", 3)
        await mesh.effects(3)
        await until(lambda: acked(mesh))
    assert calls == 1


async def test_a_handler_that_fails_after_its_commit_is_not_run_again(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[str] = []
    monkeypatch.setattr(handling.log, "error", lambda message, **_: errors.append(message))

    async def handler(events: list[Event], begin: Any) -> None:
        await affect(events, begin)
        raise RuntimeError("afterthought")

    async with mesh.running(mesh.consumer(handler)):
        await mesh.change("a", 3)
        await mesh.effects(3)
        await until(lambda: acked(mesh))
    assert errors == ["handler failed after its commit"]
    assert await value(mesh.dsn, DEAD) == 0


async def test_parts_of_a_batch_may_commit_on_their_own(mesh: Mesh) -> None:
    runs: list[int] = []

    async def handler(events: list[Event], begin: Any) -> None:
        runs.append(len(events))
        good = [event for event in events if event.aggregate_id != "bad"]
        if good:
            async with begin(good) as work:
                await work.affect(good)
        if len(good) < len(events):
            raise InvalidArgument.of("thing", "anything but bad")

    async with mesh.running(mesh.consumer(handler)):
        async with mesh.database.begin_system("test") as work:
            for thing in ("a", "bad", "b", "c"):
                await work.change(thing)
        await until(lambda: equals(mesh.dsn, DEAD, 1))
        await until(lambda: acked(mesh))
    assert await value(mesh.dsn, EFFECTS) == 3
    assert runs == [4]


@pytest.mark.promise(4)
async def test_a_lost_stream_is_replayed_without_double_effects(mesh: Mesh) -> None:
    url = mesh.broker._url.get_secret_value()
    async with mesh.running():
        consumer = mesh.consumer()
        async with running(consumer):
            began = datetime.now(UTC) - timedelta(seconds=1)
            await mesh.change("a", 1500)
            await mesh.effects(1500)
        # Published, but nobody has taken them yet when the stream is lost.
        await mesh.change("b", 700)
        await until(lambda: equals(mesh.dsn, PENDING, 0))
        await delete_stream(url)
        async with running(mesh.consumer()):
            await mesh.change("c", 10)
            await mesh.effects(1510)
            result = await replay(mesh.database, mesh.broker, "probe", began)
            await mesh.effects(2210)
            await until(lambda: acked(mesh))
    assert result.events == 2210
    assert await value(mesh.dsn, DISTINCT_EFFECTS) == 2210
    assert await value(mesh.dsn, EFFECTS) == 2210


async def test_what_was_published_but_not_marked_is_not_stored_twice(mesh: Mesh) -> None:
    async with running(mesh.database, mesh.broker):
        await mesh.change("a", 300)
        await mesh.broker.wait_connected()
        async with running(mesh.relay):
            await until(lambda: equals(mesh.dsn, PENDING, 0))
        # As if the relay had died before the mark, and more was written since: no batch fits what went out.
        connection = await asyncpg.connect(mesh.dsn)
        await connection.execute("insert into outbox_pending select seq from outbox where seq > 100")
        await connection.close()
        await mesh.change("b", 50)
        again = Relay(mesh.database, mesh.broker, service="probe")
        async with running(again):
            await until(lambda: equals(mesh.dsn, PENDING, 0))
        state = (await mesh.broker.api("STREAM.INFO.sealwright_probe", {}))["state"]
    assert state["messages"] == 350


async def test_a_lost_consumer_is_made_again(mesh: Mesh) -> None:
    async with mesh.running(mesh.consumer()):
        await mesh.change("a", 3)
        await mesh.effects(3)
        await mesh.broker.api("CONSUMER.DELETE.sealwright_probe.probe", {})
        await mesh.change("b", 3)
        await mesh.effects(6)
    assert await value(mesh.dsn, DISTINCT_EFFECTS) == 6


@pytest.mark.promise(33)
async def test_events_are_published_promptly(mesh: Mesh) -> None:
    arrivals: dict[int, datetime] = {}

    async def handler(events: list[Event], begin: Any) -> None:
        now = datetime.now(UTC)
        await affect(events, begin)
        arrivals.update((event.aggregate_version, now) for event in events)

    async with mesh.running(mesh.consumer(handler)):
        await until(lambda: mesh.relay.ready() is None)
        sent: dict[int, datetime] = {}
        for version in range(1, 201):
            await mesh.change("a")
            sent[version] = datetime.now(UTC)
        await mesh.effects(200)
    delays = sorted((arrivals[version] - sent[version]).total_seconds() for version in sent)
    # From the commit to the handler, which is more than to the stream.
    assert delays[197] < 1


async def test_drain_finishes_what_is_in_hand(mesh: Mesh) -> None:
    entered, go = asyncio.Event(), asyncio.Event()

    async def handler(events: list[Event], begin: Any) -> None:
        entered.set()
        await go.wait()
        await affect(events, begin)

    consumer = mesh.consumer(handler)
    async with mesh.running():
        await consumer.start()
        await mesh.change("a")
        await entered.wait()
        draining = asyncio.create_task(consumer.drain())
        go.set()
        await draining
        await consumer.stop()
        await until(lambda: acked(mesh))
    assert await value(mesh.dsn, EFFECTS) == 1


async def test_a_stopped_consumer_gives_back_what_it_had(mesh: Mesh) -> None:
    entered = asyncio.Event()

    async def stuck(events: list[Event], begin: Any) -> None:
        entered.set()
        await asyncio.Event().wait()

    consumer = mesh.consumer(stuck, ack_wait=timedelta(minutes=10))
    async with mesh.running():
        await consumer.start()
        await mesh.change("a")
        await entered.wait()
        await consumer.stop()
        async with running(mesh.consumer(ack_wait=timedelta(minutes=10))):
            await mesh.effects(1, 5)


@pytest.mark.promise(34)
async def test_one_trace_from_the_change_to_its_effect(mesh: Mesh) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    follow_ups: list[str] = []

    async def handler(events: list[Event], begin: Any) -> None:
        async with begin() as work:
            await work.affect(events)
            if events[0].aggregate_id == "a":
                # What a handler emits goes on with the trace it was called in.
                work.emit(Changed("follow-up", 1))
                follow_ups.append(work.call.trace)

    tracer = provider.get_tracer("test")
    consumer = Consumer(mesh.database, mesh.broker, subscription(handler, batch=1), tracer=tracer)
    async with mesh.running():
        with tracer.start_as_current_span("request") as request:
            await mesh.change("a")
        async with running(consumer):
            await mesh.effects(2)
        emitted = await value(mesh.dsn, "select trace from outbox where aggregate_id = 'follow-up'")
    trace_id = format(request.get_span_context().trace_id, "032x")
    process = next(span for span in exporter.get_finished_spans() if span.name == "process sealwright_probe")
    assert process.parent is not None
    assert process.context is not None
    assert process.parent.span_id == request.get_span_context().span_id
    assert format(process.context.trace_id, "032x") == trace_id
    assert follow_ups[0].split("-")[1] == trace_id
    assert emitted.split("-")[1:3] == [trace_id, format(process.context.span_id, "016x")]


def test_backoff_grows_and_stays_within_its_ceiling() -> None:
    backoff = Backoff(first=timedelta(seconds=1), factor=2, ceiling=timedelta(seconds=10), jitter=0.5)
    assert [backoff.delay(n, 0.5) for n in (1, 2, 3, 4, 5, 60)] == [1, 2, 4, 8, 10, 10]
    assert (backoff.delay(1, 0), backoff.delay(1, 0.999)) == (0.5, pytest.approx(1.5, abs=0.01))


def test_subscriptions_name_what_they_want() -> None:
    for wrong in ({"types": []}, {"types": ["sealwright.stamp.v1.X"]}, {"batch": 0}, {"concurrency": 0}):
        with pytest.raises(ValueError, match="probe"):
            subscription(**{"types": [TYPE], **wrong})


def test_headers_survive_what_applications_put_into_them() -> None:
    now = datetime.now(UTC)
    outgoing = Outgoing(1, uuid4(), TYPE, "a%20b\nü", 3, "tenant", now, "", b"", now)
    headers = header_fields("/sealwright/probe", outgoing)
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert parse_event(TYPE, b"", headers, 1).aggregate_id == "a%20b\nü"
