"""Stored answers: one call works, equal calls get its answer, other calls under its id are refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import AlreadyExists, Reason
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.idempotency import Replay

from tests.integration.runtime_data.probe import EVENTS, ProbeWork, make_database, running, value


def call(request_id: str | None = "r1", digest: bytes = b"same", **more: Any) -> Call:
    return Call(
        caller="spiffe://sealwright/test",
        method="/sealwright.probe.v1.ProbeService/Change",
        request_id=request_id,
        digest=digest,
        encode=lambda answer: str(answer).encode(),
        **more,
    )


async def change(database: Database[ProbeWork], request: Call, answer: str) -> str:
    try:
        async with database.begin(request) as work:
            await work.change("a")
            return work.answer(answer)
    except Replay as replay:
        return replay.answer.decode()


@pytest.mark.promise(10)
async def test_a_hundred_equal_calls_on_two_instances_work_once(database_dsn: str) -> None:
    one, other = make_database(database_dsn), make_database(database_dsn)
    async with running(one, other):
        answers = await asyncio.gather(*(change((one, other)[n % 2], call(), f"answer {n}") for n in range(100)))
        assert len(set(answers)) == 1
        assert await one.find_answer(call()) == answers[0].encode()
    assert await value(database_dsn, "select version from thing") == 1
    assert await value(database_dsn, EVENTS) == 1


async def test_another_body_under_the_same_id_is_refused(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        await change(database, call(), "first")
        for attempt in (change(database, call(digest=b"other"), "x"), database.find_answer(call(digest=b"other"))):
            with pytest.raises(AlreadyExists) as refused:
                await attempt
            assert refused.value.reason is Reason.REQUEST_ID_REUSED
        # Another tenant or caller has request ids of its own.
        assert await change(database, call(digest=b"other", tenant="acme"), "second") == "second"
    assert await value(database_dsn, "select version from thing") == 2


async def test_a_call_that_failed_may_be_repeated(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        with pytest.raises(RuntimeError):  # noqa: PT012
            async with database.begin(call()) as work:
                work.answer("never")
                raise RuntimeError
        assert await database.find_answer(call()) is None
        assert await change(database, call(), "now") == "now"


async def test_an_equal_call_waits_for_the_first_and_takes_over_when_it_fails(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        inside, go = asyncio.Event(), asyncio.Event()

        async def first() -> None:
            async with database.begin(call()) as work:
                work.answer("lost")
                inside.set()
                await go.wait()
                raise RuntimeError

        failing = asyncio.create_task(first())
        await inside.wait()
        second = asyncio.create_task(change(database, call(), "taken over"))
        while not await value(database_dsn, "select exists(select from pg_locks where not granted)"):
            assert not second.done()
        go.set()
        with pytest.raises(RuntimeError):
            await failing
        assert await second == "taken over"


async def test_calls_without_id_are_independent(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        for n in range(3):
            assert await change(database, call(request_id=None), str(n)) == str(n)
        assert await database.find_answer(call(request_id=None)) is None
    assert await value(database_dsn, "select count(*) from idempotency") == 0


async def test_an_answer_without_encoder_is_a_programming_error(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        with pytest.raises(ValueError, match="no encoder"):
            async with database.begin(Call(caller="x", method="m", request_id="r")) as work:
                work.answer("x")
