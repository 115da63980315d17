"""Rates hold over instances, and a refusal says when to come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sealwright_common.domain.errors import Reason, ResourceExhausted
from sealwright_common.runtime.config import DatabaseSettings, LimitSettings
from sealwright_common.runtime.db import Database, UnitOfWork
from sealwright_common.runtime.loading import ConfigError
from sealwright_common.runtime.ratelimit import RateLimiter

from tests.support.echo import EchoRequest, calling, serving


@pytest.fixture
async def databases(database_dsn: str) -> AsyncIterator[list[Database[UnitOfWork]]]:
    """Two instances of a service on one database."""
    settings = DatabaseSettings(dsn=SecretStr(database_dsn), pool_size=2)

    def no_events(event: object) -> object:
        raise AssertionError(event)

    opened = [Database(settings, work=UnitOfWork, encode_event=no_events) for _ in range(2)]  # pyright: ignore
    for database in opened:
        await database.start()
        await database.wait_available()
    yield opened
    for database in opened:
        await database.stop()


@pytest.mark.promise(30)
@pytest.mark.parametrize("rate", [50.0, 1000.0])
async def test_the_rate_holds_over_two_instances(databases: list[Database[UnitOfWork]], rate: float) -> None:
    limiters = [RateLimiter(database, {"write": rate}) for database in databases]
    seconds = 4.0
    admitted = 0
    reasons: set[Reason] = set()
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def hammer(limiter: RateLimiter) -> None:
        nonlocal admitted
        while loop.time() - started < seconds:
            try:
                await limiter.admit("write", "spiffe://sealwright/client")
                admitted += 1
            except ResourceExhausted as refused:
                reasons.add(refused.reason)
                await asyncio.sleep(min((refused.retry_after or timedelta(hours=1)).total_seconds(), 0.01))

    await asyncio.gather(*(hammer(limiter) for limiter in limiters for _ in range(4)))
    elapsed = loop.time() - started
    assert reasons == {Reason.RATE_LIMITED}
    allowed = rate * elapsed + rate  # one second's worth may come at once at the beginning
    assert abs(admitted - allowed) <= 0.02 * rate * elapsed


async def test_callers_and_classes_do_not_share_a_rate(databases: list[Database[UnitOfWork]]) -> None:
    limiter = RateLimiter(databases[0], {"write": 1.0})
    await limiter.admit("write", "a")
    await limiter.admit("write", "b")
    for _ in range(50):
        await limiter.admit("read", "a")
    with pytest.raises(ResourceExhausted):
        await limiter.admit("write", "a")


async def test_who_is_known_to_have_to_wait_is_refused_without_asking(databases: list[Database[UnitOfWork]]) -> None:
    limiter = RateLimiter(databases[0], {"write": 0.01})
    limiter.demand("write", "a")
    await limiter.admit("write", "a")
    limiter.demand("write", "a")
    with pytest.raises(ResourceExhausted):
        await limiter.admit("write", "a")
    with pytest.raises(ResourceExhausted) as refused:
        limiter.demand("write", "a")
    assert refused.value.retry_after is not None
    limiter.demand("write", "b")


async def test_a_server_limits_as_its_settings_say(databases: list[Database[UnitOfWork]]) -> None:
    limits = LimitSettings(drain_delay=timedelta(0), rates={"write": 2})
    async with serving(database=databases[0], limits=limits) as server, calling(server.address) as stub:
        for _ in range(2):
            await stub.Echo(EchoRequest(text="x"))
        with pytest.raises(ResourceExhausted, match="more than 2 calls of class write per second") as refused:
            await stub.Echo(EchoRequest(text="x"))
        assert refused.value.retry_after is not None
        assert timedelta(0) < refused.value.retry_after < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("rates", "message"),
    [({"wrte": 1.0}, "no rate class"), ({"write": 0.0}, "positive"), ({"write": 1.0}, "no database")],
)
async def test_limits_that_cannot_be_kept_are_refused_at_start(rates: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        async with serving(
            database=None if message == "no database" else NoDatabaseAnswers(), limits=LimitSettings(rates=rates)
        ):
            pass


class NoDatabaseAnswers:
    """Never asked: the settings are refused before."""

    async def find_answer(self, call: object) -> None: ...

    def connection(self) -> object: ...
