"""A batch's statements read the batch and nothing else, also in a young database of which no statistics exist, and with
plans that were made when it was nearly empty."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sealwright_common.domain.call import system_call
from sealwright_common.domain.certificates import (
    CertificateOrder,
    CertificateRef,
    CertificateState,
    CertificateType,
    DeliveryState,
    DoorRules,
    EndpointKey,
    Recipient,
    Step,
    WalletEndpoint,
)
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_sandbox.wallet.keys import WalletKey
from sealwright_stamp.adapters import secrets
from sealwright_stamp.adapters.postgres import SESSION, PostgresWork
from sealwright_stamp.codec.events import encode_event
from sealwright_stamp.main import MIGRATIONS
from sealwright_stamp.ports import Move, Submission, SubmissionKind
from sealwright_stamp.usecases.accept import AcceptOrders
from sealwright_stamp.usecases.backoff import Patience

from tests.support.stamp import AREA, REGISTRY, START

STORED, CALL, BATCH = 2000, 200, 20
GENERIC_AFTER = 6
"""Executions after which the server may keep a plan."""
TABLES = ("certificate", "submission", "certificate_due", "certificate_history")
READ = """select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::int from pg_stat_xact_user_tables
where relname = any($1)"""
# Autovacuum stays away, so that nothing is known of the tables.
BLIND = "".join(f"alter table {table} set (autovacuum_enabled = off);" for table in TABLES)

Statement = Callable[[PostgresWork, list[CertificateRef], list[int]], Awaitable[object]]


@pytest.fixture(scope="module")
async def filled(module_database_dsn: str) -> AsyncIterator[tuple[Database[PostgresWork], list[CertificateOrder]]]:
    # One connection, so that all plans are made and kept there.
    settings = DatabaseSettings(dsn=SecretStr(module_database_dsn), pool_size=1)
    database = Database(settings, work=PostgresWork, encode_event=encode_event, migrations=MIGRATIONS, session=SESSION)
    await database.start()
    await database.wait_available()
    async with database.connection() as connection:
        await connection.execute(BLIND)
    async with database.begin_system("test") as work:
        endpoint = WalletEndpoint("https://wallet.example/", EndpointKey(WalletKey().endpoint(0)))
        recipient = await work.recipients.add("default", Recipient(uuid.uuid4(), endpoint, work.now))
    accept = AcceptOrders(database, DoorRules(frozenset({REGISTRY}), {AREA: frozenset()}), secrets.SYSTEM, Patience())
    orders = [
        CertificateOrder(
            recipient.id, REGISTRY, uuid.uuid4(), "meter", CertificateType.PRODUCTION, 5,
            START + timedelta(hours=hour), START + timedelta(hours=hour + 1), AREA,
        )
        for hour in range(STORED)
    ]  # fmt: skip
    for start in range(0, STORED, CALL):
        await accept(system_call("test"), orders[start : start + CALL])
        for _ in range(GENERIC_AFTER if start == 0 else 0):
            for statement in STATEMENTS:
                await _read_by(database, statement, orders[:BATCH])
            await _read_at_the_door(database, orders[:BATCH])
    yield database, orders
    await database.stop()


@pytest.mark.parametrize("statement", ["items", "pending", "known", "rows", "claim", "send", "put_off", "issue"])
async def test_reads_its_batch(filled: tuple[Database[PostgresWork], list[CertificateOrder]], statement: str) -> None:
    database, orders = filled
    assert 0 < await _read_by(database, statement, orders[-BATCH:]) <= 5 * BATCH


async def test_the_door_looks_for_its_batch_alone(
    filled: tuple[Database[PostgresWork], list[CertificateOrder]],
) -> None:
    database, orders = filled
    assert 0 < await _read_at_the_door(database, orders[-BATCH:]) <= 5 * BATCH


async def _read_by(database: Database[PostgresWork], statement: str, orders: list[CertificateOrder]) -> int:
    """Rows a statement reads for a batch; what it does is rolled back."""
    refs = [order.ref for order in orders]
    async with database.read() as work:
        rows = [item.row for item in await work.chain.items("default", refs)]
    assert len(rows) == BATCH
    read = 0
    with contextlib.suppress(_Undone):
        async with database.begin_system("test") as work:
            before = await _read(work)
            await STATEMENTS[statement](work, refs, rows)
            read = await _read(work) - before
            raise _Undone
    return read


async def _read_at_the_door(database: Database[PostgresWork], orders: list[CertificateOrder]) -> int:
    async with database.begin_system("test") as work:
        keys = await work.certificates.lock_keys("default", [orders[0].recipient_id])
        (key,) = keys.values()
        positions = [item.position for item in await work.chain.items("default", [order.ref for order in orders])]
        before = await _read(work)
        assert len(await work.certificates.measured("default", orders)) == BATCH
        assert len(await work.certificates.taken([(key, position) for position in positions])) == BATCH
        return await _read(work) - before


async def _read(work: PostgresWork) -> int:
    """Rows read so far by this connection and not yet handed to the statistics."""
    return int(await work.connection.fetchval(READ, list(TABLES)) or 0)


class _Undone(Exception):
    """Rolls a statement back, so that the next one finds everything as it was."""


async def _pending(work: PostgresWork, refs: list[CertificateRef], rows: list[int]) -> None:
    assert await work.chain.pending("default", refs) == []


async def _send(work: PostgresWork, refs: list[CertificateRef], rows: list[int]) -> None:
    await work.chain.store_submissions(
        [(row, Submission(SubmissionKind.ISSUE, "key", f"id {row}", b"transaction")) for row in rows]
    )
    move = Move(Step.SENT, frozenset({CertificateState.STORED}), CertificateState.SENT, work.now)
    assert len(await work.chain.move(rows, move)) == BATCH


async def _issue(work: PostgresWork, refs: list[CertificateRef], rows: list[int]) -> None:
    move = Move(
        Step.ISSUED, frozenset({CertificateState.STORED}), CertificateState.ISSUED, None, DeliveryState.PENDING,
        before=((Step.COMMITTED, CertificateState.COMMITTED),),
    )  # fmt: skip
    assert len(await work.chain.move(rows, move, [f"reason {row}" for row in rows])) == BATCH


async def _put_off(work: PostgresWork, refs: list[CertificateRef], rows: list[int]) -> None:
    await work.chain.put_off([(row, work.now + timedelta(seconds=row), f"note {row}") for row in rows])
    items = await work.chain.items("default", refs)
    assert {item.attempts for item in items} == {1}


STATEMENTS: dict[str, Statement] = {
    "items": lambda work, refs, rows: work.chain.items("default", refs),
    "pending": _pending,
    "known": lambda work, refs, rows: work.certificates.known("default", refs),
    "rows": lambda work, refs, rows: work.certificates.rows("default", refs),
    "claim": lambda work, refs, rows: work.chain.claim_deliveries("default", refs, timedelta(seconds=60)),
    "send": _send,
    "put_off": _put_off,
    "issue": _issue,
}
