"""The audit log shows every change made to it afterwards."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from sealwright.stamp.v1 import events_pb2
from sealwright_common.domain.call import Call
from sealwright_common.runtime.audit import AuditHead
from sealwright_common.runtime.audit_heads import audit_heads
from sealwright_common.runtime.clock import ManualClock

from tests.integration.runtime_data.probe import make_database, running, value

CALL = Call(
    caller="spiffe://sealwright/operator", method="/x.Y/Destroy", trace="00-" + "a" * 32 + "-" + "b" * 16 + "-01"
)


async def fill(database, rows: int = 20) -> None:
    async with database.begin(CALL) as work:
        for n in range(rows):
            work.audit("key.destroy", f"key-{n}", reason='"quoted" größer', count=n, forced=n % 2 == 0)


@pytest.mark.promise(29)
@pytest.mark.parametrize(
    ("tampering", "first_bad", "problem"),
    [
        ("update audit_log set target = 'key-x' where seq = 7", 7, "changed"),
        ("update audit_log set detail = replace(detail, '1', '2') where seq = 12", 12, "changed"),
        ("update audit_log set occurred_at = occurred_at + interval '1 microsecond' where seq = 1", 1, "changed"),
        ("update audit_log set hash = sha256('x') where seq = 9", 9, "changed"),
        ("delete from audit_log where seq = 5", 5, "missing"),
        ("delete from audit_log where seq = 1", 1, "missing"),
        ("delete from audit_log where seq >= 19", 19, "missing"),
        ("delete from audit_log", 1, "missing"),
        (
            """update audit_log a set (target, detail, action) = (select target, detail, action from audit_log b
               where b.seq = 17 - a.seq) where a.seq in (8, 9)""",
            8,
            "changed",
        ),
        (
            """update audit_log set seq = -seq where seq in (8, 9);
               update audit_log set seq = case seq when -8 then 9 else 8 end where seq < 0""",
            8,
            "changed",
        ),
        (
            """insert into audit_log select 21, occurred_at, tenant, caller, method, request_id, trace, action, target,
               detail, hash from audit_log where seq = 20""",
            21,
            "changed",
        ),
        ("update audit_head set seq = 18", 19, "head"),
        ("delete from audit_head", 21, "head"),
    ],
)
async def test_a_tampered_row_is_named(database_dsn: str, tampering: str, first_bad: int, problem: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        await fill(database)
        assert (await database.verify_audit()).whole
        connection = await asyncpg.connect(database_dsn)
        await connection.execute("set session_replication_role = replica; " + tampering)
        await connection.close()
        verdict = await database.verify_audit()
    assert verdict.first_bad == first_bad
    assert problem in verdict.problem


@pytest.mark.promise(29)
async def test_a_chain_written_anew_is_shown_by_a_published_head(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        await fill(database, 5)
        published = await database.audit_head()
        assert published.seq == 5
        connection = await asyncpg.connect(database_dsn)
        await connection.execute(
            """set session_replication_role = replica; delete from audit_log;
               update audit_head set seq = 0, hash = decode(repeat('00', 32), 'hex')"""
        )
        await connection.close()
        await fill(database, 7)
        assert (await database.verify_audit()).whole
        verdict = await database.verify_audit((published,))
        assert (verdict.first_bad, "rewritten" in verdict.problem) == (5, True)
        verdict = await database.verify_audit((AuditHead(9, bytes(32)),))
        assert (verdict.first_bad, "missing" in verdict.problem) == (8, True)


@pytest.mark.promise(29)
async def test_heads_are_told_once_a_day_while_the_log_grows(database_dsn: str) -> None:
    clock = ManualClock()
    one, other = make_database(database_dsn, clock=clock), make_database(database_dsn, clock=clock)

    async def told(wanted: int) -> list[AuditHead]:
        async with asyncio.timeout(30):
            while True:
                payloads = await value(database_dsn, "select array_agg(payload order by seq) from outbox")
                heads = [events_pb2.AuditHeadTaken.FromString(payload) for payload in payloads or ()]
                if len(heads) >= wanted and clock.sleepers == 2:
                    return [AuditHead(head.seq, head.hash) for head in heads]
                await asyncio.sleep(0.02)

    async def pass_time(hours: int) -> None:
        """Both look at least once an hour, and have looked when this returns."""
        for _ in range(hours * 2):
            await clock.advance(timedelta(minutes=30))
            await told(0)

    async with running(one, other):
        workers = [audit_heads(d, events_pb2.AuditHeadTaken, timedelta(days=1), clock) for d in (one, other)]
        for worker in workers:
            await worker.start()
        assert await told(0) == []
        await fill(one, 3)
        await pass_time(3)
        first = await one.audit_head()
        assert await told(1) == [first], "one of the two tells it"
        await fill(other, 4)
        await pass_time(20)
        assert await told(1) == [first], "not before a day has passed"
        await pass_time(8)
        second = await one.audit_head()
        assert (first.seq, second.seq) == (3, 7)
        assert await told(2) == [first, second]
        await pass_time(30)
        assert await told(2) == [first, second], "the log did not grow"
        for worker in workers:
            await worker.stop()
        assert (await one.verify_audit((first, second))).whole


async def test_the_log_refuses_changes(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        await fill(database, 3)
        connection = await asyncpg.connect(database_dsn)
        for statement in ("update audit_log set target = ''", "delete from audit_log", "truncate audit_log"):
            with pytest.raises(asyncpg.PostgresError, match="append-only"):
                await connection.execute(statement)
        await connection.close()


async def test_writers_at_once_make_one_chain(database_dsn: str) -> None:
    one, other = make_database(database_dsn), make_database(database_dsn)
    async with running(one, other):
        await asyncio.gather(*(fill((one, other)[n % 2], 3) for n in range(40)))
        verdict = await one.verify_audit()
    assert verdict.whole
    assert verdict.rows == 120


async def test_nothing_is_logged_of_what_did_not_happen(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        with pytest.raises(RuntimeError):  # noqa: PT012
            async with database.begin(replace(CALL, method="/x.Y/Fails")) as work:
                work.audit("key.destroy", "key")
                raise RuntimeError
        assert (await database.audit_head()).seq == 0
    assert await value(database_dsn, "select count(*) from audit_log") == 0


@pytest.mark.promise(29)
async def test_a_hundred_thousand_rows_are_checked_in_time(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        for _ in range(20):
            await fill(database, 5000)
        # Processor time: what else runs on this machine does not count.
        began = time.process_time()
        verdict = await database.verify_audit()
        took = time.process_time() - began
    assert verdict.whole
    assert verdict.rows == 100_000
    assert took < 5
