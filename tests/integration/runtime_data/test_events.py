"""Events from commit to effect: once each, in order per aggregate, whatever comes twice, late, shuffled or poisoned."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sealwright_common.domain.errors import InvalidArgument, Reason, Unavailable
from sealwright_common.runtime.db.housekeeping import Retention, clean
from sealwright_common.runtime.events import Backoff, Consumer, Event, Relay, dead_letters, handling
from sealwright_common.runtime.events.broker import BrokerRefused
from sealwright_common.runtime.events.event import parse_event
from sealwright_common.runtime.events.publishing import COLUMNS, Outgoing, header_fields
from sealwright_common.runtime.events.replay import replay
from sealwright_sandbox.embedded.nats import NatsServer

from tests.integration.runtime_data.conftest import delete_stream
from tests.integration.runtime_data.probe import (
    DISTINCT_EFFECTS,
    EFFECTS,
    EVENTS,
    PENDING,
    TYPE,
    Changed,
    affect,
    decode,
    make_broker,
    make_database,
    running,
    subscription,
    until,
    value,
)

IN_ORDER = """select coalesce(bool_and(version > previous), false) from (
    select version, lag(version, 1, 0::bigint) over (partition by thing order by position) as previous from effect) e"""
DEAD = "select count(*) from dead_letter where state = 'dead'"


async def equals(dsn: str, query: str, expected: object) -> bool:
    return await value(dsn, query) == expected


class Mesh:
    """Database, broker, relay and consumers of one test."""

    def __init__(self, dsn: str, url: str) -> None:
        self.dsn = dsn
        self.database, self.broker = make_database(dsn), make_broker(url)
        self.relay = Relay(self.database, self.broker, service="probe")

    def consumer(self, handler: Any = None, **more: Any) -> Consumer:
        return Consumer(self.database, self.broker, subscription(handler, **more))

    def running(self, *consumers: Consumer):
        return running(self.database, self.broker, self.relay, *consumers)

    async def change(self, thing: str, times: int = 1, note: str = "") -> None:
        async with self.database.begin_system("test") as work:
            await work.change(thing, times, note)

    async def effects(self, expected: int, seconds: float = 15) -> None:
        await until(lambda: equals(self.dsn, EFFECTS, expected), seconds)


@pytest.fixture
def mesh(database_dsn: str, broker_url: str) -> Mesh:
    return Mesh(database_dsn, broker_url)


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


async def acked(mesh: Mesh) -> bool:
    """Whether the broker holds nothing more for the consumer."""
    try:
        state = await mesh.broker.api("CONSUMER.INFO.sealwright_probe.probe", {})
    except BrokerRefused:
        return False  # not made yet
    return state["num_pending"] == 0 and state["num_ack_pending"] == 0


@pytest.mark.promise(36)
async def test_poison_becomes_a_dead_letter_while_others_flow(mesh: Mesh) -> None:
    attempts: dict[str, int] = {}

    async def handler(events: list[Event], begin: Any) -> None:
        async with begin() as work:
            for event in events:
                note = decode(event).note
                if note:
                    attempts[note] = attempts.get(note, 0) + 1
                if note == "permanent":
                    raise InvalidArgument.of("note", "something else")
                if note == "bug":
                    raise KeyError("secret value")
            await work.affect(events)

    async with mesh.running(mesh.consumer(handler, max_deliver=4)):
        async with mesh.database.begin_system("test") as work:
            for n in range(2000):
                await work.change(f"thing {n}", 1, {700: "permanent", 1700: "bug"}.get(n, ""))
        await mesh.effects(1998)
        await until(lambda: equals(mesh.dsn, DEAD, 2))
        await until(lambda: acked(mesh))
        letters = {decode(letter.event).note: letter for letter in await dead_letters.listed(mesh.database)}
    assert set(letters) == {"permanent", "bug"}
    assert letters["permanent"].reason == "FIELD_INVALID"
    assert letters["permanent"].event.deliveries == 1
    assert letters["bug"].reason == "KeyError"
    assert letters["bug"].event.deliveries == 4
    assert letters["bug"].event.aggregate_id == "thing 1700"
    assert await value(mesh.dsn, EFFECTS) == 1998


async def test_a_dead_letter_gets_a_second_chance(mesh: Mesh) -> None:
    mended = asyncio.Event()

    async def handler(events: list[Event], begin: Any) -> None:
        if not mended.is_set():
            raise InvalidArgument.of("note", "something else")
        await affect(events, begin)

    async with mesh.running(mesh.consumer(handler)):
        await mesh.change("a")
        await until(lambda: equals(mesh.dsn, DEAD, 1))
        (letter,) = await dead_letters.listed(mesh.database, consumer="probe")
        assert await dead_letters.requeue(mesh.database, [letter.id]) == 1
        await until(lambda: equals(mesh.dsn, "select deliveries from dead_letter where state = 'dead'", 2))
        mended.set()
        assert await dead_letters.requeue(mesh.database, [letter.id]) == 1
        assert await dead_letters.requeue(mesh.database, [letter.id]) == 0
        await until(lambda: equals(mesh.dsn, "select state from dead_letter", "done"))
    assert await value(mesh.dsn, EFFECTS) == 1


async def test_later_events_of_an_aggregate_wait_for_a_failed_one(mesh: Mesh) -> None:
    refusals = iter(range(3))

    async def handler(events: list[Event], begin: Any) -> None:
        second = any(event.aggregate_id == "slow" and event.aggregate_version == 2 for event in events)
        if second and next(refusals, None) is not None:
            raise Unavailable(Reason.PEER_UNAVAILABLE, "come back later")
        await affect(events, begin)

    async with mesh.running(mesh.consumer(handler, batch=7)):
        for _ in range(5):
            await mesh.change("slow")
            await mesh.change("fast", 10)
        await mesh.effects(55)
    assert await value(mesh.dsn, IN_ORDER)
    assert await value(mesh.dsn, DEAD) == 0


async def test_an_outage_costs_no_attempts(mesh: Mesh) -> None:
    away, refused = True, 0

    async def handler(events: list[Event], begin: Any) -> None:
        nonlocal refused
        if away:
            refused += 1
            raise Unavailable(Reason.PEER_UNAVAILABLE, "the registry is away")
        await affect(events, begin)

    consumer = mesh.consumer(handler, max_deliver=2, ack_wait=timedelta(milliseconds=300))
    async with mesh.running(consumer):
        async with mesh.database.begin_system("test") as work:
            for n in range(40):
                await work.change(f"thing {n}")
        # Many more refusals than attempts, and longer than the broker waits before it delivers again.
        await until(lambda: refused > 60)
        assert consumer.ready() == "the registry is away"
        away = False
        await mesh.effects(40)
        await until(lambda: consumer.ready() is None)
    assert await value(mesh.dsn, DEAD) == 0
    assert await value(mesh.dsn, DISTINCT_EFFECTS) == 40


async def test_what_is_away_for_one_event_alone_ends_as_a_dead_letter_only_while_others_work(mesh: Mesh) -> None:
    refused = 0

    async def handler(events: list[Event], begin: Any) -> None:
        nonlocal refused
        if any(event.aggregate_id == "bad" for event in events):
            refused += 1
            raise Unavailable(Reason.PEER_UNAVAILABLE, "the wallet is away")
        await affect(events, begin)

    async with mesh.running(mesh.consumer(handler, max_deliver=3)):
        await mesh.change("bad")
        # On a quiet stream nobody can tell an outage from poison: it is tried on.
        await until(lambda: refused >= 8)
        assert await value(mesh.dsn, DEAD) == 0

        async def buried() -> bool:
            await mesh.change("good")
            return await value(mesh.dsn, DEAD) == 1

        await until(buried)
    (letter,) = await _letters(mesh)
    assert letter == "PEER_UNAVAILABLE"


async def _letters(mesh: Mesh) -> list[str]:
    return await value(mesh.dsn, "select array_agg(reason) from dead_letter")


async def test_what_takes_processes_down_is_put_aside_untried(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    async def handler(events: list[Event], begin: Any) -> None:
        calls.append(events[0].deliveries)
        raise Unavailable(Reason.PEER_UNAVAILABLE, "as if the process had died")

    async with mesh.running():
        await mesh.change("a")
        async with running(mesh.consumer(handler)):
            await until(lambda: len(calls) > 4)
        # A new process finds an event that was delivered often and never settled.
        monkeypatch.setattr("sealwright_common.runtime.events.consumer.MAX_CRASHES", 4)
        calls.clear()
        async with running(mesh.consumer(handler)):
            await until(lambda: equals(mesh.dsn, DEAD, 1))
    assert calls == []


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


async def test_a_message_that_is_no_event_is_put_aside(mesh: Mesh) -> None:
    async with mesh.running(mesh.consumer()):
        await until(lambda: mesh.relay.ready() is None)
        await mesh.broker.client.publish(TYPE, b"what is this", headers={"ce-id": "not a uuid"})
        await mesh.broker.client.publish(TYPE, b"and this")
        await mesh.change("a")
        await mesh.effects(1)
        await until(lambda: equals(mesh.dsn, DEAD, 2))
        await until(lambda: acked(mesh))


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


async def test_an_event_too_large_for_the_broker_does_not_block_the_others(database_dsn: str, tmp_path: Path) -> None:
    with NatsServer(tmp_path / "small", max_payload_bytes=64 * 1024) as small:
        mesh = Mesh(database_dsn, small.url)
        async with mesh.running(mesh.consumer()):
            async with mesh.database.begin_system("test") as work:
                await work.change("a")
                await work.change("large", note="x" * 70_000)
                await work.change("b")
            await mesh.effects(2)
            await until(lambda: equals(mesh.dsn, PENDING, 0))
            (letter,) = await dead_letters.listed(mesh.database, consumer="relay")
    assert letter.event.aggregate_id == "large"
    assert "max_payload" in letter.detail


async def test_an_event_of_another_service_is_put_aside(mesh: Mesh) -> None:
    async with mesh.running(mesh.consumer()):
        await mesh.change("a")
        await mesh.effects(1)
        connection = await asyncpg.connect(mesh.dsn)
        await connection.execute(
            """with foreign_event as (
                insert into outbox (id, type, aggregate_id, aggregate_version, tenant, occurred_at, trace, payload)
                values (gen_random_uuid(), 'sealwright.other.v1.Happened', 'x', 1, 'default', now(), '', '')
                returning seq)
               insert into outbox_pending select seq from foreign_event"""
        )
        await connection.close()
        await mesh.change("b")
        await mesh.effects(2)
        (letter,) = await dead_letters.listed(mesh.database, consumer="relay")
    assert "publishes only its own" in letter.detail


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
