"""Hints: every instance hears of an event, and forgets everything when it may have missed one."""

from __future__ import annotations

from collections.abc import Callable

from sealwright_common.runtime.events import Event, Hints, Relay
from sealwright_sandbox.embedded.nats import NatsServer

from tests.integration.runtime_data.probe import TYPE, decode, make_broker, make_database, running, until


class Memory:
    """What one instance was told."""

    def __init__(self, url: str) -> None:
        self.broker = make_broker(url)
        self.things: list[str] = []
        self.missed = 0
        self.hints = Hints(self.broker, {TYPE: self.hear}, self.forget)

    def hear(self, event: Event) -> None:
        self.things.append(decode(event).thing)

    def forget(self) -> None:
        self.missed += 1


async def test_every_instance_hears_of_each_event_once_also_after_the_broker_was_away(
    database_dsn: str, nats_factory: Callable[[], NatsServer]
) -> None:
    server = nats_factory()
    one, two = Memory(server.url), Memory(server.url)
    database, relaying = make_database(database_dsn), make_broker(server.url)
    relay = Relay(database, relaying, service="probe")
    async with running(one.broker, one.hints, two.broker, two.hints, database, relaying, relay):
        await until(lambda: (one.missed, two.missed) == (1, 1))
        async with database.begin_system("test") as work:
            await work.change("a")
        await until(lambda: one.things == ["a"] == two.things)
        server.stop()
        await until(lambda: one.broker.ready() is not None and two.broker.ready() is not None)
        server.start()
        await until(lambda: one.missed >= 2 and two.missed >= 2)
        async with database.begin_system("test") as work:
            await work.change("b")
        await until(lambda: one.things == ["a", "b"] == two.things)


async def test_what_is_no_event_is_passed_over(nats_factory: Callable[[], NatsServer]) -> None:
    memory = Memory(nats_factory().url)
    async with running(memory.broker, memory.hints):
        await until(lambda: memory.missed == 1)
        await memory.broker.client.publish(TYPE, b"no headers")
        good = {
            "ce-id": "0192d4e0-0000-7000-8000-000000000001",
            "ce-subject": "thing",
            "ce-sequence": "1",
            "ce-time": "2026-01-01T00:00:00+00:00",
            "sealwright-tenant": "default",
        }
        await memory.broker.client.publish(TYPE, b"\x0a\x01z", headers=good)
        await until(lambda: memory.things == ["z"])
