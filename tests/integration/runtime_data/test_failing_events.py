"""Events that fail: poison is put aside, what is away is waited for, and the others flow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sealwright_common.domain.errors import InvalidArgument, Reason, Unavailable
from sealwright_common.runtime.events import Backoff, Event, dead_letters
from sealwright_sandbox.embedded.nats import NatsServer

from tests.integration.runtime_data.probe import (
    DEAD,
    DISTINCT_EFFECTS,
    EFFECTS,
    IN_ORDER,
    PENDING,
    TYPE,
    Mesh,
    acked,
    affect,
    decode,
    equals,
    running,
    until,
    value,
)


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


class Delays(Backoff):
    """Delays in the order they were set, else short ones."""

    given: Iterator[float] = iter(())

    def delay(self, attempt: int, luck: float) -> float:
        """The next one."""
        return next(Delays.given, 0.02)


async def test_what_was_sent_back_is_waited_for_too(mesh: Mesh) -> None:
    """The second event fails, the third waits behind it and is away for longer: the fourth must not overtake it."""
    failed = False

    async def handler(events: list[Event], begin: Any) -> None:
        nonlocal failed
        if not failed and any(event.aggregate_version == 2 for event in events):
            if len(events) == 1:
                failed, Delays.given = True, iter((0.02, 1.5))
            raise Unavailable(Reason.PEER_UNAVAILABLE, "come back later")
        await affect(events, begin)

    async with mesh.running(mesh.consumer(handler, backoff=Delays())):
        await mesh.change("slow", 3)
        await mesh.effects(2)
        await mesh.change("slow")
        await mesh.effects(4)
    assert failed
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


async def test_a_message_that_is_no_event_is_put_aside(mesh: Mesh) -> None:
    async with mesh.running(mesh.consumer()):
        await until(lambda: mesh.relay.ready() is None)
        await mesh.broker.client.publish(TYPE, b"what is this", headers={"ce-id": "not a uuid"})
        await mesh.broker.client.publish(TYPE, b"and this")
        await mesh.change("a")
        await mesh.effects(1)
        await until(lambda: equals(mesh.dsn, DEAD, 2))
        await until(lambda: acked(mesh))


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
