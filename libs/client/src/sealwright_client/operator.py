"""What operators' verbs work on directly: a service's own database and the broker, opened for one command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NoReturn

from pydantic import SecretStr
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.config import DatabaseSettings, NatsSettings
from sealwright_common.runtime.db import Database, UnitOfWork
from sealwright_common.runtime.events import Broker

from sealwright_client.connection import Profile

PATIENCE = 10.0
"""Seconds until the broker must be connected."""


@asynccontextmanager
async def open_database(profile: Profile, service: str, dsn: str | None) -> AsyncIterator[Database[Any]]:
    """The database of ``service``: ``dsn`` if given, else the profile's.

    Raises Unavailable if it is not known or away.
    """
    address = dsn or profile.databases.get(service)
    if address is None:
        raise Unavailable(
            Reason.DATABASE_UNAVAILABLE, f"no database of {service} is known: start ./mesh up, or pass --dsn"
        )
    settings = DatabaseSettings(dsn=SecretStr(address), pool_size=2)
    database: Database[Any] = Database(settings, work=UnitOfWork, encode_event=_encodes_nothing)
    await database.start()
    try:
        if (why := database.ready()) is not None:
            raise Unavailable(Reason.DATABASE_UNAVAILABLE, why)
        yield database
    finally:
        await database.stop()


@asynccontextmanager
async def open_broker(profile: Profile, url: str | None) -> AsyncIterator[Broker]:
    """The broker at ``url`` if given, else the profile's. Raises Unavailable if it is unknown or away."""
    address = url or profile.nats
    if address is None:
        raise Unavailable(Reason.BROKER_UNAVAILABLE, "no broker is known: start ./mesh up, or pass --nats")
    broker = Broker(NatsSettings(url=SecretStr(address)))
    await broker.start()
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(broker.wait_connected(), PATIENCE)
        if (why := broker.ready()) is not None:
            raise Unavailable(Reason.BROKER_UNAVAILABLE, why)
        yield broker
    finally:
        await broker.stop()


def _encodes_nothing(event: object) -> NoReturn:
    raise TypeError(f"operators' verbs emit no events, and this is one: {event!r}")
