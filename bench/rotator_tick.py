"""A tick of the rotation job: its time depends on the issuers that are due, not on those stored, and its number of SQL
statements does not grow with either.

The keys come from a signer in memory, so that the tick alone is measured; `rotator_create` has the token in it.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from pydantic import SecretStr
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_rotator.adapters.postgres import RotatorWork
from sealwright_rotator.codec.resources import encode_event
from sealwright_rotator.main import MIGRATIONS
from sealwright_rotator.ports import World
from sealwright_rotator.usecases.rotate import rotate
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database

from bench.framework import Row, alternate
from tests.support.rotation import MemorySigner

STORED = (1_000, 10_000, 100_000)
DUE = 100
GOAL = 1 / 1.3
START = datetime(2026, 1, 1, tzinfo=UTC)

_ISSUERS = """
insert into time_aware_issuer (id, tenant, issuer_type, cohorts, created_at, valid_from, max_tokens, buffer, overlap,
    duration, mode, publish_lead, algorithm, purpose, protection, verify_for, destroy_delay, allow_legacy_protocol,
    state, version, created_by, creation_digest, due_at)
select gen_random_uuid(), 'default', 'issuer-' || n, '{1}', $1, $1, 40, 2, 1, 'P1D', 'SPARE', interval '1 day', 'EdDSA',
    'transaction', 'HSM', interval '30 days', interval '30 days', false, 'ACTIVE', 1, 'bench', '',
    $1::timestamptz + interval '100 years'
from generate_series(1, $2::integer) as n
"""
_KEYS = """
insert into time_aware_keys (id, time_aware_issuer_id, created_at, start_at, end_at, signing_key, public_key, cohort,
    slot, state, version, batch, published_at)
select gen_random_uuid(), i.id, $1, $1::timestamptz + slot * interval '1 day',
    $1::timestamptz + (slot + 1) * interval '1 day', gen_random_uuid()::text, '\\x00', 1, slot,
    case when slot = 0 then 'ACTIVE' else 'PUBLISHED' end, 3, gen_random_uuid(), $1
from time_aware_issuer i cross join generate_series(0, 2) as slot
"""


class _Bench:
    """One database with so many issuers, of which some are made due before each tick."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dsn: str, stored: int) -> None:
        self._loop = loop
        self._statements = 0
        self._database = Database(
            DatabaseSettings(dsn=SecretStr(dsn), pool_size=1),
            work=RotatorWork,
            encode_event=encode_event,
            migrations=MIGRATIONS,
            clock=ManualClock(START + timedelta(days=1)),
        )
        self._world = World(self._database, _Keys(), ManualClock(START + timedelta(days=1)))
        loop.run_until_complete(self._fill(stored))

    async def _fill(self, stored: int) -> None:
        await self._database.start()
        await self._database.wait_available()
        async with self._database.connection() as connection:
            # Filling takes longer than a service's statement may.
            await connection.execute("set statement_timeout = 0")
            await connection.execute(_ISSUERS, START, stored, timeout=300)
            await connection.execute(_KEYS, START, timeout=300)
            await connection.execute("vacuum analyze time_aware_issuer", timeout=300)
            await connection.execute("vacuum analyze time_aware_keys", timeout=300)

    def rate(self) -> float:
        """Issuers per second in a tick with :data:`DUE` due."""
        return self._loop.run_until_complete(self._rate())

    async def _rate(self) -> float:
        spent, issuers = 0.0, 0
        while spent < 1.0:
            await self._make_due(DUE)
            started = time.perf_counter()
            done = await rotate(self._world, 1000)
            spent += time.perf_counter() - started
            if (done.claimed, done.made, done.failed) != (DUE, DUE, 0):
                raise RuntimeError(f"the tick did something else: {done}")
            issuers += done.claimed
        return issuers / spent

    def statements(self, due: int) -> int:
        """SQL statements of a tick with so many due."""
        return self._loop.run_until_complete(self._count(due))

    async def _count(self, due: int) -> int:
        await self._make_due(due)
        counted = 0

        def count(record: Any) -> None:
            nonlocal counted
            counted += 1

        async with self._database.connection() as connection:
            connection.add_query_logger(count)
        await rotate(self._world, 1000)
        return counted

    async def _make_due(self, count: int) -> None:
        """Puts so many issuers back to where their next key is due: their first three keys, the clock a day on."""
        async with self._database.connection() as connection:
            ids = [
                row["id"]
                for row in await connection.fetch(
                    "select id from time_aware_issuer tablesample system (50) limit $1", count
                )
            ]
            await connection.execute(
                "delete from time_aware_keys where time_aware_issuer_id = any($1::uuid[])", ids, timeout=60
            )
            await connection.execute(_KEYS + "where i.id = any($2::uuid[])", START, ids, timeout=60)
            await connection.execute(
                "update time_aware_issuer set due_at = $1 where id = any($2::uuid[])", START + timedelta(days=1), ids
            )

    def close(self) -> None:
        """Ends it."""
        self._loop.run_until_complete(self._database.stop())


class _Keys(MemorySigner):
    """Makes keys at no cost, again and again for the same slots."""

    async def make(self, keys: Any) -> list[Any]:
        """New keys."""
        from sealwright_rotator.ports import MadeKey

        return [MadeKey(uuid4(), b"\0" * 32) for _ in keys]

    async def advance(self, keys: Any) -> None:
        """Takes note of nothing."""


def bench() -> Iterator[Row]:
    """Ticks over growing tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    loop = asyncio.new_event_loop()
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder)) as server:
        benches = {n: _Bench(loop, create_database(server.dsn, f"bench_{n}"), n) for n in STORED}
        rates = alternate({f"{DUE} due of {n:,}": one.rate for n, one in benches.items()})
        few, many = benches[STORED[0]].statements(20), benches[STORED[0]].statements(400)
        for one in benches.values():
            one.close()
    loop.close()
    least = f"{DUE} due of {STORED[0]:,}"
    for n in STORED[1:]:
        name = f"{DUE} due of {n:,}"
        yield Row(f"rotator tick, {name}", rates[name], f"the same tick, {least}", rates[least], GOAL, "issuers/s")
    yield Row("rotator tick, SQL statements with 20 due", few, "the same with 400 due", many, 0.9, "statements")
