"""Processes, broker and database killed in the middle: nothing accepted is lost, nothing is done twice.

CHAOS_KILLS raises the number of kills of broker and database for a nightly run.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.events import Consumer, Relay
from sealwright_common.runtime.events.handling import FAULT_POINTS as CONSUMER_POINTS
from sealwright_common.runtime.events.relay import FAULT_POINTS as RELAY_POINTS
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.postgres import PostgresServer

from tests.integration.runtime_data.probe import (
    DISTINCT_EFFECTS,
    EFFECTS,
    EVENTS,
    PENDING,
    ProbeWork,
    make_broker,
    make_database,
    running,
    subscription,
    until,
    value,
)

KILLS = int(os.environ.get("CHAOS_KILLS", "3"))
PROBE = "tests.integration.runtime_data.probe"
ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def process(dsn: str, url: str, fault: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """Relay and consumer in a process of their own, told to die at ``fault``; ended by SIGTERM if it still lives."""
    environment = {**os.environ, "SEALWRIGHT_FAULT": fault}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", PROBE, "both", dsn, url, cwd=ROOT, env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()


async def settled(dsn: str) -> bool:
    return await value(dsn, f"select ({PENDING}) = 0 and ({EVENTS}) = ({DISTINCT_EFFECTS})")


@pytest.mark.promise(1)
async def test_a_process_killed_at_any_step_loses_and_doubles_nothing(
    database_dsn: str, nats_factory: Callable[[], NatsServer]
) -> None:
    url = nats_factory().url
    database = make_database(database_dsn)
    async with running(database):
        for number, point in enumerate((*RELAY_POINTS, *CONSUMER_POINTS)):
            # Half of them die at their second pass, with work of the first one done.
            fault = f"{point}:{1 + number % 2}"
            async with process(database_dsn, url, fault) as child, asyncio.timeout(20):
                while child.returncode is None:
                    async with database.begin_system("test") as work:
                        await work.change(f"thing {number}", 5)
                    await asyncio.wait({asyncio.ensure_future(child.wait())}, timeout=0.05)
            assert child.returncode == -signal.SIGKILL, fault
        async with process(database_dsn, url):
            await until(lambda: settled(database_dsn), 20)
    assert await value(database_dsn, EFFECTS) == await value(database_dsn, EVENTS)


class Load:
    """Changes at about 200 a second; remembers how many were accepted."""

    def __init__(self, dsn: str) -> None:
        self.database = make_database(dsn)
        self.accepted = 0
        self.refused = 0
        self.told_when_to_retry = True
        self._ended = False

    async def run(self) -> None:
        """Changes until ended; the only refusal allowed is Unavailable."""
        while not self._ended:
            try:
                async with self.database.begin_system("load") as work:
                    assert isinstance(work, ProbeWork)
                    await work.change(f"thing {self.accepted % 10}")
                self.accepted += 1
            except Unavailable as refusal:
                self.refused += 1
                self.told_when_to_retry &= refusal.retry_after is not None
            await asyncio.sleep(0.005)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The load during the body."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self._ended = True
            await task


@pytest.mark.promise(3)
async def test_a_broker_killed_under_load_costs_nothing(
    database_dsn: str, nats_factory: Callable[[], NatsServer]
) -> None:
    server = nats_factory()
    load = Load(database_dsn)
    broker = make_broker(server.url)
    relay = Relay(load.database, broker, service="probe")
    consumer = Consumer(load.database, broker, subscription())
    async with running(load.database, broker, relay, consumer):
        async with load.running():
            for _ in range(KILLS):
                before = await value(database_dsn, EFFECTS)
                await until(lambda before=before: more_effects(database_dsn, before + 100), 20)
                await asyncio.to_thread(server.kill)
                accepted = load.accepted
                await until(lambda accepted=accepted: load.accepted > accepted + 50)
                await asyncio.to_thread(server.start)
        # The backlog is gone soon after the last kill.
        await until(lambda: settled(database_dsn), 10)
    assert load.refused == 0
    assert await value(database_dsn, EVENTS) == load.accepted
    assert await value(database_dsn, EFFECTS) == load.accepted


async def more_effects(dsn: str, than: int) -> bool:
    return await value(dsn, EFFECTS) > than


@pytest.mark.promise(5)
async def test_a_database_killed_under_load_loses_nothing_it_acknowledged(
    postgres_factory: Callable[[], PostgresServer], nats_factory: Callable[[], NatsServer]
) -> None:
    server, url = postgres_factory(), nats_factory().url
    dsn = server.create_database("probe")
    load = Load(dsn)
    broker = make_broker(url)
    relay = Relay(load.database, broker, service="probe")
    consumer = Consumer(load.database, broker, subscription(concurrency=2))
    async with running(load.database, broker, relay, consumer):
        async with load.running():
            for _ in range(KILLS):
                before = await value(dsn, EFFECTS)
                await until(lambda before=before: more_effects(dsn, before + 100), 20)
                await asyncio.to_thread(server.kill)
                refused = load.refused
                await until(lambda refused=refused: load.refused > refused + 3)
                await asyncio.to_thread(server.start)
                accepted = load.accepted
                await until(lambda accepted=accepted: load.accepted > accepted, 5)
        await until(lambda: settled(dsn), 20)
    stored = await value(dsn, EVENTS)
    assert load.told_when_to_retry
    # Each kill may have cut off the acknowledgement of one commit.
    assert load.accepted <= stored <= load.accepted + KILLS
    assert await value(dsn, EFFECTS) == stored
