"""Events from commit to effect: outbox, relay, JetStream with fsync on every write, batch consumer with inbox.

Compared with the most the broker takes in the same run: atomic batches from a client that does nothing else.
"""

from __future__ import annotations

import asyncio
import json
import logging
import multiprocessing
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import nats
import structlog
import uvloop
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from pydantic import SecretStr
from sealwright_common.runtime.config import DatabaseSettings, NatsSettings
from sealwright_common.runtime.db import Database, EventRecord, UnitOfWork
from sealwright_common.runtime.events import Broker, Consumer, Event, Relay, Subscription
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.postgres import PostgresServer

from bench.framework import Row, alternate

EVENTS = 20_000
BATCH = 500
PAYLOAD = 512
GOAL = 0.3
TYPE = "sealwright.bench.v1.Happened"


def _message_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="sealwright/bench/v1/bench.proto", package="sealwright.bench.v1")
    message = file.message_type.add(name="Happened")
    message.field.add(name="body", number=1, type=descriptor_pb2.FieldDescriptorProto.TYPE_BYTES, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[attr-defined] - missing in the stubs
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(TYPE))


Happened = _message_class()
BODY = bytes(PAYLOAD)


def _encode(event: object) -> EventRecord:
    return EventRecord(Happened(body=BODY), str(event), 1)


def _database(dsn: str) -> Database[UnitOfWork]:
    settings = DatabaseSettings(dsn=SecretStr(dsn), pool_size=4)
    return Database(settings, work=UnitOfWork, encode_event=_encode)


async def _handle(events: list[Event], begin: Any) -> None:
    async with begin():
        pass


async def _run_part(role: str, dsn: str, url: str) -> None:
    database, broker = _database(dsn), Broker(NatsSettings(url=SecretStr(url)))
    subscription = Subscription(
        durable="bench", stream="bench", types=[TYPE], handler=_handle, batch=BATCH, concurrency=2
    )
    part = Relay(database, broker, service="bench") if role == "relay" else Consumer(database, broker, subscription)
    for each in (database, broker, part):
        await each.start()
    await asyncio.Event().wait()


def _process(role: str, dsn: str, url: str) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvloop.run(_run_part(role, dsn, url))


async def _produce(dsn: str, events: int) -> float:
    """Events per second from the first insert to the last inbox row."""
    database = _database(dsn)
    await database.start()
    watch = await asyncpg.connect(dsn)
    before = await watch.fetchval("select count(*) from inbox")
    started = time.perf_counter()

    async def write(share: int) -> None:
        for start in range(0, share, BATCH):
            async with database.begin_system("bench") as work:
                work.emit(*range(start, start + BATCH))

    await asyncio.gather(write(events // 2), write(events // 2))
    while await watch.fetchval("select count(*) from inbox") < before + events:
        await asyncio.sleep(0.02)
    took = time.perf_counter() - started
    await watch.close()
    await database.stop()
    return events / took


async def _raw(url: str, events: int) -> float:
    """Messages per second of atomic batches and nothing else."""
    client = await nats.connect(url)
    stream = {"name": "raw", "subjects": ["raw.>"], "storage": "file", "num_replicas": 1, "allow_atomic": True}
    await client.request(
        "$JS.API.STREAM.CREATE.raw", json.dumps({**stream, "duplicate_window": 120 * 10**9}).encode(), timeout=5
    )
    started = time.perf_counter()
    for _ in range(0, events, BATCH):
        batch = uuid.uuid4().hex
        for number in range(1, BATCH + 1):
            headers = {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number), "Nats-Msg-Id": f"{batch}{number}"}
            if number < BATCH:
                await client.publish("raw.a", BODY, headers=headers)
                continue
            answer = await client.request("raw.a", BODY, headers={**headers, "Nats-Batch-Commit": "1"}, timeout=10)
            assert json.loads(answer.data).get("count") == BATCH, answer.data
    took = time.perf_counter() - started
    await client.close()
    return events / took


def bench() -> Iterator[Row]:
    """The row of the README."""
    spawn = multiprocessing.get_context("spawn")
    settings = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
    with tempfile.TemporaryDirectory(prefix="sealwright-bench-") as folder:
        with (
            PostgresServer(Path(folder, "pg"), settings=settings) as postgres,
            NatsServer(Path(folder, "nats")) as broker,
        ):
            dsn = postgres.create_database("bench")
            uvloop.run(_migrate(dsn))
            roles = [
                spawn.Process(target=_process, args=(role, dsn, broker.url), daemon=True)
                for role in ("relay", "consumer")
            ]
            for process in roles:
                process.start()
            try:
                uvloop.run(_produce(dsn, BATCH * 2))
                figures = alternate(
                    {
                        "raw": lambda: uvloop.run(_raw(broker.url, EVENTS)),
                        "ours": lambda: uvloop.run(_produce(dsn, EVENTS)),
                    }
                )
            finally:
                for process in roles:
                    process.terminate()
                    process.join()
    yield Row(
        name="events: outbox, relay, JetStream with fsync, consumer with inbox",
        ours=figures["ours"],
        against=f"atomic batches of {BATCH} alone",
        figure=figures["raw"],
        goal=GOAL,
        unit="events/s",
    )


async def _migrate(dsn: str) -> None:
    database = _database(dsn)
    await database.start()
    await database.stop()
