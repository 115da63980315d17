"""What a batch of 250 certificates costs the database when few and when very many are stored already.

Certificates are laid down by SQL with everything a finished one has (transaction, history); then one batch goes through
the door's transaction and the four hops' statements, without signer, registry and wallet. The figure is certificates a
second; the promise is that it stays flat: the goal allows a fifth for deeper indexes.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

import asyncpg
import uvloop
from pydantic import SecretStr
from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import (
    CertificateOrder,
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
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database
from sealwright_sandbox.wallet.keys import WalletKey
from sealwright_stamp.adapters import secrets as randomness
from sealwright_stamp.adapters.postgres import SESSION, PostgresWork
from sealwright_stamp.codec.events import encode_event
from sealwright_stamp.main import MIGRATIONS
from sealwright_stamp.ports import Move, Submission, SubmissionKind
from sealwright_stamp.usecases.accept import Accepted, AcceptOrders
from sealwright_stamp.usecases.backoff import Patience

from bench.framework import Row
from tests.support.stamp import AREA, REGISTRY, START

FEW, MANY = 1_000, int(os.environ.get("BENCH_STORED", "1000000"))
BATCH, ROUNDS = 250, 12
CALL = Call(caller="spiffe://sealwright/client", roles=frozenset({"client"}))

LARGE = {"max_wal_size": "16GB", "shared_buffers": "512MB"}
"""Laying a million down should not wait for checkpoints."""

LAY_DOWN = """with c as (
    insert into certificate (tenant, registry, certificate_id, recipient_id, key_id, metering_point_id, type, quantity,
        start_time, end_time, grid_area, clear_text, hashed, on_clash, allow_clear_text_quantity, digest, position,
        blinding, state, delivery, delivery_attempts, version, create_time, update_time)
    select 'default', 'sandbox', gen_random_uuid(), r.id, r.key_id, 'old-' || n / 100000, 'PRODUCTION', 500,
        timestamptz '2022-01-01' + n % 100000 * interval '1 minute',
        timestamptz '2022-01-01' + (n % 100000 + 1) * interval '1 minute',
        'DK1', '[["isTrial", "False"]]', '[["assetId", "571313180400001237", "00112233445566778899aabbccddeeff"]]',
        'OTHER_LANE', false, sha256(n::text::bytea), 1000000000 + n, sha256(n::text::bytea), 'ISSUED', 'DELIVERED', 1,
        5, now(), now()
    from generate_series($1::bigint, $2::bigint) n, (select id, key_id from recipient limit 1) r
    returning row_id),
s as (
    insert into submission (row_id, kind, signing_key_id, transaction_id, transaction, prepare_time, sent_time, sends)
    select row_id, 'ISSUE', 'key', md5(row_id::text), decode(repeat('ab', 1200), 'hex'), now(), now(), 1 from c)
insert into certificate_history (row_id, version, state, event, reason, time)
select row_id, v, 'ISSUED', 'SliceDelivered', '', now() from c, generate_series(1, 5) v"""


def bench() -> Iterator[Row]:
    """The row of the README."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        few, many = runner.run(_measured())
    yield Row(
        f"stamp: a batch's way through the database, {MANY:,} stored",
        many,
        f"{FEW:,} stored",
        few,
        0.8,
        "certificates/s",
    )


async def _measured() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "postgres", settings=LARGE) as server:
        dsn = create_database(server.dsn, "stamp")
        settings = DatabaseSettings(dsn=SecretStr(dsn))
        database = Database(
            settings, work=PostgresWork, encode_event=encode_event, migrations=MIGRATIONS, session=SESSION
        )
        await database.start()
        await database.wait_available()
        endpoint = WalletEndpoint("https://wallet.example/", EndpointKey(WalletKey().endpoint(0)))
        async with database.begin_system("bench") as work:
            recipient = await work.recipients.add("default", Recipient(uuid.uuid4(), endpoint, work.now))
        await _lay_down(dsn, 0, FEW)
        await _settle(dsn)
        few = await _rate(database, recipient.id, 0)
        middle = (FEW + MANY) // 2
        await asyncio.gather(_lay_down(dsn, FEW, middle), _lay_down(dsn, middle, MANY))
        await _settle(dsn)
        many = await _rate(database, recipient.id, ROUNDS)
        await database.stop()
        return few, many


async def _lay_down(dsn: str, start: int, end: int) -> None:
    connection = await asyncpg.connect(dsn)
    for first in range(start, end, 25_000):
        await connection.execute(LAY_DOWN, first, min(first + 25_000, end) - 1)
    await connection.close()


async def _settle(dsn: str) -> None:
    """What autovacuum has done by the time a database is large. No checkpoint: the first touch of each index page after
    one writes the whole page to the log, a price per page and checkpoint that a few batches would have to pay alone."""
    connection = await asyncpg.connect(dsn)
    for table in ("certificate", "submission", "certificate_history"):
        await connection.execute(f"vacuum (analyze) {table}")
    await connection.close()


async def _rate(database: Database[PostgresWork], recipient: uuid.UUID, first: int) -> float:
    """Certificates a second over some batches; the first two only warm up."""
    rates: list[float] = []
    for number in range(first, first + ROUNDS):
        started = time.perf_counter()
        await _batch(database, recipient, number)
        rates.append(BATCH / (time.perf_counter() - started))
    return median(rates[2:])


async def _batch(database: Database[PostgresWork], recipient: uuid.UUID, number: int) -> None:
    """What the door and the hops do to the database for one batch."""
    patience = Patience()
    rules = DoorRules(frozenset({REGISTRY}), {AREA: frozenset()})
    accept = AcceptOrders(database, rules, randomness.SYSTEM, patience)
    begin = [START + timedelta(minutes=number * BATCH + i) for i in range(BATCH)]
    orders = [
        CertificateOrder(
            recipient, REGISTRY, uuid.uuid4(), "bench", CertificateType.PRODUCTION, 5,
            start, start + timedelta(minutes=1), AREA,
        )
        for start in begin
    ]  # fmt: skip
    outcomes = await accept(CALL, orders)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    refs = [order.ref for order in orders]
    async with database.read() as work:
        rows = [item.row for item in await work.chain.items("default", refs)]
    async with database.begin_system("bench") as work:
        await work.chain.store_submissions(
            [(row, Submission(SubmissionKind.ISSUE, "key", secrets.token_hex(20), bytes(1200))) for row in rows]
        )
    states = CertificateState
    for step, source, target, delivery in (
        (Step.SENT, states.STORED, states.SENT, None),
        (Step.ISSUED, states.SENT, states.ISSUED, DeliveryState.PENDING),
    ):
        async with database.begin_system("bench") as work:
            await work.chain.items("default", refs)
            due = work.now + patience.event
            before = ((Step.COMMITTED, states.COMMITTED),) if delivery else ()
            move = Move(step, frozenset({source}), target, due, delivery, before=before)
            assert len(await work.chain.move(rows, move)) == BATCH
    async with database.begin_system("bench") as work:
        assert len(await work.chain.claim_deliveries("default", refs, patience.lease)) == BATCH
    async with database.begin_system("bench") as work:
        await work.chain.move(
            rows, Move(Step.DELIVERED, frozenset({states.ISSUED}), None, None, DeliveryState.DELIVERED)
        )
