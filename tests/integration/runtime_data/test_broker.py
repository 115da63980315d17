"""The broker part against a real nats-server: late, away, wrong password, and streams as they should be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.events import Relay
from sealwright_common.runtime.events.broker import BrokerRefused
from sealwright_sandbox.embedded.nats import NatsServer

from tests.integration.runtime_data.probe import PENDING, make_broker, make_database, running, until, value


async def test_a_late_broker_is_waited_for_and_then_served(
    database_dsn: str, nats_factory: Callable[[], NatsServer]
) -> None:
    server = nats_factory()
    url = server.url
    server.stop()
    database, broker = make_database(database_dsn), make_broker(url)
    relay = Relay(database, broker, service="probe")
    async with running(database, broker, relay):
        await until(lambda: "unreachable" in (broker.ready() or ""))
        assert relay.ready()
        with pytest.raises(Unavailable):
            await broker.api("INFO", {})
        # What is committed meanwhile waits in the outbox.
        async with database.begin_system("test") as work:
            await work.change("a", 3)
        server.start()
        await until(lambda: broker.ready() is None and relay.ready() is None)
        await until(lambda: published(database_dsn))
        server.stop()
        await until(lambda: broker.ready() is not None)
        server.start()
        await until(lambda: broker.ready() is None)


async def published(dsn: str) -> bool:
    return await value(dsn, PENDING) == 0


async def test_a_refused_password_is_reported_without_it(nats: NatsServer) -> None:
    broker = make_broker(nats.url.replace(":", ":wrong-password-", 2).replace(":wrong-password-", ":", 1))
    async with running(broker):
        await until(lambda: "uthorization" in (broker.ready() or ""))
        assert "wrong-password" not in (broker.ready() or "")


async def test_a_stream_is_made_as_promised_and_mended(broker_url: str) -> None:
    broker = make_broker(broker_url)
    async with running(broker):
        await broker.wait_connected()
        assert await broker.ensure_stream("probe", own=True)
        assert not await broker.ensure_stream("probe", own=True)
        config = (await broker.api("STREAM.INFO.sealwright_probe", {}))["config"]
        assert config["subjects"] == ["sealwright.probe.>"]
        assert config["storage"] == "file"
        assert config["allow_atomic"]
        await broker.api("STREAM.UPDATE.sealwright_probe", {**config, "max_age": 3600 * 10**9})
        # Others leave the settings to the owner.
        await broker.ensure_stream("probe", own=False)
        assert (await broker.api("STREAM.INFO.sealwright_probe", {}))["config"]["max_age"] == 3600 * 10**9
        await broker.ensure_stream("probe", own=True)
        assert (await broker.api("STREAM.INFO.sealwright_probe", {}))["config"]["max_age"] == 7 * 86400 * 10**9
        with pytest.raises(BrokerRefused, match="stream not found"):
            await broker.api("STREAM.INFO.nothing", {})


async def test_a_broker_that_is_stopped_before_it_connects_ends(broker_url: str) -> None:
    broker = make_broker(broker_url)
    await broker.start()
    await broker.stop()
    assert broker.ready() == "stopped"
