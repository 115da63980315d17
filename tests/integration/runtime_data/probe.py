"""A tiny service of its own for these tests: a counter per thing, one event per change, one effect per event.

Run as a program it is a process that tests kill: ``python -m tests.integration.runtime_data.probe ROLE DSN NATS_URL``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from pydantic import SecretStr
from sealwright_common.runtime import faults
from sealwright_common.runtime.config import DatabaseSettings, NatsSettings
from sealwright_common.runtime.db import Database, EventRecord, UnitOfWork
from sealwright_common.runtime.events import Backoff, Broker, Consumer, Event, Handler, Relay, Subscription
from sealwright_common.runtime.events.broker import BrokerRefused

TYPE = "sealwright.probe.v1.Changed"
EAGER = Backoff(first=timedelta(milliseconds=20), factor=1.5, ceiling=timedelta(milliseconds=200))


def _message_class() -> type[Message]:
    """``message Changed { string thing = 1; int64 version = 2; string note = 3; }``, made at run time."""
    file = descriptor_pb2.FileDescriptorProto(name="sealwright/probe/v1/probe.proto", package="sealwright.probe.v1")
    message = file.message_type.add(name="Changed")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate(
        (("thing", kinds.TYPE_STRING), ("version", kinds.TYPE_INT64), ("note", kinds.TYPE_STRING)), 1
    ):
        message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[attr-defined] - missing in the stubs
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(TYPE))


_Changed: Any = _message_class()


@dataclass(frozen=True)
class Changed:
    """A thing has a new version."""

    thing: str
    version: int
    note: str = ""


def encode_event(event: object) -> EventRecord:
    """The message of a domain event."""
    assert isinstance(event, Changed)
    return EventRecord(_Changed(thing=event.thing, version=event.version, note=event.note), event.thing, event.version)


def decode(event: Event) -> Any:
    """The message in an event."""
    return _Changed.FromString(event.payload)


class ProbeWork(UnitOfWork):
    """The probe's tables."""

    async def change(self, thing: str, times: int = 1, note: str = "") -> None:
        """Raises the thing's version ``times`` times, with an event each."""
        version: Any = await self.connection.fetchval(
            """insert into thing (id, version) values ($1, $2)
               on conflict (id) do update set version = thing.version + $2 returning version""",
            thing,
            times,
        )
        self.emit(*(Changed(thing, v, note) for v in range(version - times + 1, version + 1)))

    async def affect(self, events: Sequence[Event]) -> None:
        """One row per event; a second one for the same event is visible as a second row."""
        await self.connection.execute(
            """insert into effect (event_id, thing, version)
               select * from unnest($1::uuid[], $2::text[], $3::bigint[])""",
            [event.id for event in events],
            [event.aggregate_id for event in events],
            [event.aggregate_version for event in events],
        )


MIGRATIONS = Path(__file__).parent / "migrations"


def make_database(dsn: str, **more: Any) -> Database[ProbeWork]:
    """The probe's database part."""
    settings = DatabaseSettings(dsn=SecretStr(dsn), pool_size=6)
    return Database(settings, work=ProbeWork, encode_event=encode_event, migrations=MIGRATIONS, **more)


def make_broker(url: str) -> Broker:
    """The broker part."""
    return Broker(NatsSettings(url=SecretStr(url)))


def subscription(handler: Handler | None = None, **more: Any) -> Subscription:
    """A subscription to the probe's events that leaves one effect each."""
    defaults: dict[str, Any] = {"durable": "probe", "types": [TYPE], "ack_wait": timedelta(seconds=2), "backoff": EAGER}
    return Subscription(stream="probe", handler=handler or affect, **{**defaults, **more})


async def affect(events: list[Event], begin: Any) -> None:
    """The plain handler."""
    async with begin() as work:
        await work.affect(events)


@asynccontextmanager
async def running(*parts: Any) -> AsyncIterator[None]:
    """The parts started in order; drained and stopped in reverse at the end."""
    started: list[Any] = []
    try:
        for part in parts:
            await part.start()
            started.append(part)
        yield
    finally:
        for part in reversed(started):
            if hasattr(part, "drain"):
                await part.drain()
        for part in reversed(started):
            await part.stop()


async def until(check: Callable[[], Awaitable[bool]] | Callable[[], bool], seconds: float = 15) -> None:
    """Returns once ``check`` holds, asking every 10 ms; fails after ``seconds``. For states only a query can show."""
    async with asyncio.timeout(seconds):
        while True:
            result = check()
            if (await result) if isinstance(result, Awaitable) else result:
                return
            await asyncio.sleep(0.01)


async def value(dsn: str, query: str, *arguments: object) -> Any:
    """One value read over a connection of its own, from outside the parts under test."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


EFFECTS = "select count(*) from effect"
DISTINCT_EFFECTS = "select count(distinct event_id) from effect"
EVENTS = "select count(*) from outbox"
PENDING = "select count(*) from outbox_pending"
DEAD = "select count(*) from dead_letter where state = 'dead'"
IN_ORDER = """select coalesce(bool_and(version > previous), false) from (
    select version, lag(version, 1, 0::bigint) over (partition by thing order by position) as previous from effect) e"""


async def _serve(role: str, dsn: str, url: str) -> None:
    """Runs relay, consumer, or both until SIGTERM; ``writer`` changes things until killed."""
    faults.arm("development")
    database, broker = make_database(dsn), make_broker(url)
    parts: list[Any] = [database, broker]
    if role in ("relay", "both"):
        parts.append(Relay(database, broker, service="probe"))
    if role in ("consumer", "both"):
        parts.append(Consumer(database, broker, subscription(batch=20)))
    leave = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, leave.set)
    async with running(*parts):
        print("started", flush=True)
        await leave.wait()


if __name__ == "__main__":
    _, _role, _dsn, _url = sys.argv
    asyncio.run(_serve(_role, os.environ.get("PROBE_DSN", _dsn), _url))


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


async def acked(mesh: Mesh) -> bool:
    """Whether the broker holds nothing more for the consumer."""
    try:
        state = await mesh.broker.api("CONSUMER.INFO.sealwright_probe.probe", {})
    except BrokerRefused:
        return False  # not made yet
    return state["num_pending"] == 0 and state["num_ack_pending"] == 0
