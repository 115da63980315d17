"""Broker, database, prover and other instances fail or repeat themselves under a running stamp."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import nats
import pytest
from sealwright_common.runtime.events.event import stream_name
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database

from tests.support.stamp import Stage, StampClient, order, sql


async def exactly_once(stage: Stage, dsn: str, names: list[str]) -> None:
    """Every certificate issued once, and posted once to its wallet."""
    await stage.wallet.settled()
    ours = [received for received in stage.wallet.received if received.slice.stream_id in set(names)]
    assert len(ours) == len(names)
    assert {(received.status, received.deliveries) for received in ours} == {("matched", 1)}
    assert all(len(stage.registry.stream(name)) == 1 for name in names)
    (row,) = await sql(dsn, "select count(*) from submission")
    assert row["count"] == len(names)


@pytest.mark.promise(3)
@pytest.mark.timeout(300)
async def test_broker_killed_in_mid_chain(
    stage: Stage, database_dsn: str, nats_factory: Callable[[], NatsServer]
) -> None:
    broker = nats_factory()
    stamp = stage.stamp(database_dsn, nats=broker.url)
    stamp.start()
    await stamp.wait_ready()
    client = StampClient(stamp)
    recipient = await client.recipient(stage.wallet.create_endpoint())
    names: list[str] = []
    for round_ in range(3):
        orders = [order(recipient, 20 * round_ + hour) for hour in range(20)]
        names += [one.certificate_id for one in orders]
        await client.stamp_all(orders)
        broker.kill()
        await asyncio.sleep(0.2)
        broker.start()
    await client.delivered(*names)
    await exactly_once(stage, database_dsn, names)
    await client.close()
    stamp.stop()


@pytest.mark.promise(5)
@pytest.mark.timeout(300)
async def test_database_killed_in_mid_chain(stage: Stage, postgres_factory: Callable[[], PostgresServer]) -> None:
    server = postgres_factory()
    dsn = create_database(server.dsn, "stamp")
    stamp = stage.stamp(dsn)
    stamp.start()
    await stamp.wait_ready()
    client = StampClient(stamp)
    recipient = await client.recipient(stage.wallet.create_endpoint())
    orders = [order(recipient, 100 + hour) for hour in range(30)]
    await client.stamp_all(orders)
    server.kill()
    server.start()
    await stamp.wait_ready()
    names = [one.certificate_id for one in orders]
    await client.delivered(*names)
    await stage.wallet.settled()
    assert all(len(stage.registry.stream(name)) == 1 for name in names)
    ours = [received for received in stage.wallet.received if received.slice.stream_id in set(names)]
    assert {received.status for received in ours} == {"matched"}
    assert len(ours) == len(names)
    await client.close()
    stamp.stop()


@pytest.mark.promise(2)
@pytest.mark.timeout(300)
async def test_two_instances_and_every_event_again_three_times_shuffled(
    stage: Stage, database_dsn: str, nats_factory: Callable[[], NatsServer]
) -> None:
    broker = nats_factory()
    stamps = [stage.stamp(database_dsn, nats=broker.url) for _ in range(2)]
    for stamp in stamps:
        stamp.start()
    for stamp in stamps:
        await stamp.wait_ready()
    client = StampClient(stamps[0])
    recipient = await client.recipient(stage.wallet.create_endpoint())
    orders = [order(recipient, 200 + hour) for hour in range(40)]
    for start in range(0, 40, 5):
        await client.stamp_all(orders[start : start + 5])
    names = [one.certificate_id for one in orders]
    await client.delivered(*names)
    before = await sql(database_dsn, "select row_id, version from certificate order by row_id")
    connection = await nats.connect(broker.url)
    jetstream = connection.jetstream()
    info = await jetstream.stream_info(stream_name("stamp"))
    events = [
        await jetstream.get_msg(stream_name("stamp"), sequence)
        for sequence in range(info.state.first_seq, info.state.last_seq + 1)
    ]
    again = [event for event in events for _ in range(3)]
    random.Random(7).shuffle(again)
    for event in again:
        headers = {name: value for name, value in (event.headers or {}).items() if not name.startswith("Nats-")}
        assert event.subject is not None
        await jetstream.publish(event.subject, event.data or b"", headers=headers)
    last = (await jetstream.stream_info(stream_name("stamp"))).state.last_seq
    for durable in ("stamp-submit", "stamp-check", "stamp-deliver"):
        async with asyncio.timeout(60):
            while True:
                consumer = await jetstream.consumer_info(stream_name("stamp"), durable)
                if consumer.num_pending == 0 and consumer.num_ack_pending == 0:
                    break
                await asyncio.sleep(0.1)
    assert last >= 4 * len(events)
    await connection.close()
    assert await sql(database_dsn, "select row_id, version from certificate order by row_id") == before
    await exactly_once(stage, database_dsn, names)
    await client.close()
    for stamp in stamps:
        stamp.stop()


@pytest.mark.timeout(300)
async def test_prover_killed(stage: Stage, database_dsn: str) -> None:
    stamp = stage.stamp(database_dsn, {"PROVERS": "2"})
    stamp.start()
    await stamp.wait_ready()
    client = StampClient(stamp)
    recipient = await client.recipient(stage.wallet.create_endpoint())
    orders = [order(recipient, 300 + hour) for hour in range(60)]
    assert stamp.process is not None
    await client.stamp_all(orders)
    for child in _provers(stamp.process.pid):
        os.kill(child, signal.SIGKILL)
    names = [one.certificate_id for one in orders]
    await client.delivered(*names)
    await exactly_once(stage, database_dsn, names)
    await client.close()
    stamp.stop()


def _provers(parent: int) -> list[int]:
    """Processes that stamp has spawned for proofs."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]
