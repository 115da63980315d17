"""The signer's look-up of the key that signs for an issuer now: the same, however many issuers' keys are stored.

Both ways are measured: from memory, as within half a second of the last use, and from the database, as after that.
Each look-up is of another issuer than the one before.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
import uvloop
from pydantic import SecretStr
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database
from sealwright_signer.adapters.keybook import CachedKeyBook
from sealwright_signer.adapters.postgres import SignerWork
from sealwright_signer.main import MIGRATIONS, encode_event

from bench.framework import Row, alternate

STORED = (10, 1_000, 10_000)
"""Issuers, each with :data:`KEYS` keys."""
KEYS = 20
"""Keys of an issuer: most of them over, three to come."""
ASKED = 10
"""Issuers looked up in turn."""
SECONDS = 0.3
TURNS = 15
"""Short turns and many of them: what else the machine does then hits all alike."""
GOAL = 0.8
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=KEYS - 3, hours=12)

_FILL = """
insert into signing_key (tenant, id, algorithm, purpose, protection, state, disabled, public_key, token_key_id,
    signing_key, labels, issuer_type, issuer_cohort, slot, valid_from, valid_to, created_time, version)
select 'default', gen_random_uuid(), 'EdDSA', 'transaction', 'HSM',
    case when slot < $3::integer - 3 then 'VERIFY_ONLY' when slot = $3 - 3 then 'ACTIVE' else 'PUBLISHED' end, false,
    '\\x00', null, 'pkcs11:bench', '{}', 'issuer-' || n, 1, slot, $1::timestamptz + slot * interval '1 day',
    $1::timestamptz + (slot + 1) * interval '1 day', $1, 1
from generate_series(1, $2::integer) as n cross join generate_series(0, $3::integer - 1) as slot
"""


class _Bench:
    """A signer's database with so many issuers' keys, and its look-up."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dsn: str, stored: int) -> None:
        self._loop = loop
        self._clock = ManualClock(NOW)
        self._database = Database(
            DatabaseSettings(dsn=SecretStr(dsn), pool_size=2),
            work=SignerWork,
            encode_event=encode_event,
            migrations=MIGRATIONS,
            clock=self._clock,
        )
        self._book = CachedKeyBook(self._database, self._clock)
        step = stored // ASKED
        self._names = [f"issuer-{n}" for n in range(1, stored + 1, step)]
        loop.run_until_complete(self._fill(stored))

    async def _fill(self, stored: int) -> None:
        await self._database.start()
        await self._database.wait_available()
        async with self._database.connection() as connection:
            # Filling takes longer than a service's statement may.
            await connection.execute("set statement_timeout = 0")
            await connection.execute(_FILL, START, stored, KEYS, timeout=300)
            await connection.execute("vacuum analyze signing_key", timeout=300)

    def remembered(self) -> float:
        """Look-ups per second, from memory."""
        return self._loop.run_until_complete(self._rate(forget=False))

    def read(self) -> float:
        """Look-ups per second, from the database."""
        return self._loop.run_until_complete(self._rate(forget=True))

    async def _rate(self, *, forget: bool) -> float:
        spent, done = 0.0, 0
        while spent < SECONDS:
            started = time.perf_counter()
            for name in self._names:
                if forget:
                    self._book.forget("default", [])
                stored = await self._book.active("default", name, 1, NOW)
                if stored.key.slot is None or stored.key.slot.issuer_type != name:
                    raise RuntimeError(f"another issuer's key: {stored.key}")
            spent += time.perf_counter() - started
            done += len(self._names)
        return done / spent

    def close(self) -> None:
        """Ends it."""
        self._loop.run_until_complete(self._database.stop())


def bench() -> Iterator[Row]:
    """Look-ups over growing tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    loop = uvloop.new_event_loop()
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder)) as server:
        benches = {n: _Bench(loop, create_database(server.dsn, f"bench_{n}"), n) for n in STORED}
        rates = alternate(
            {f"{how} of {n:,}": measure for n, one in benches.items() for how, measure in _ways(one).items()},
            TURNS,
        )
        for one in benches.values():
            one.close()
    loop.close()
    for how in _WAYS:
        least = f"{how} of {STORED[0]:,}"
        for n in STORED[1:]:
            name = f"{how} of {n:,}"
            yield Row(
                f"signer key look-up {name} issuers", rates[name], f"the same {least}", rates[least], GOAL, "look-ups/s"
            )


_WAYS = ("from memory", "from the database")


def _ways(one: _Bench) -> dict[str, Callable[[], float]]:
    return dict(zip(_WAYS, (one.remembered, one.read), strict=True))
