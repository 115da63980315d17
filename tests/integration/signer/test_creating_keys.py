"""Keys made by several calls at once: they share transactions, each has its own answer, none leaves a pair behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import AlreadyExists, Unavailable
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, KeySlot, KeyState, Protection
from sealwright_common.runtime.app import App
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.collector import gathering
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.idempotency import Replay
from sealwright_signer.adapters.file_root import FileHsm
from sealwright_signer.adapters.postgres import SignerWork
from sealwright_signer.adapters.vault import KeyVault
from sealwright_signer.main import MIGRATIONS, encode_event
from sealwright_signer.usecases.clear_unfinished_keys import PATIENCE, ClearUnfinishedKeys
from sealwright_signer.usecases.create_keys import CreateKeys, KeySpec

from tests.support.paused_hsm import PausedHsm
from tests.support.token_process import serving

START = datetime(2026, 3, 1, tzinfo=UTC)
CALL = Call(caller="spiffe://sealwright/rotator", roles=frozenset({"rotator"}), method="CreateKeys")


def call(request_id: str) -> Call:
    return replace(CALL, request_id=request_id, digest=b"body", trace=request_id, encode=lambda _: request_id.encode())


def spec(slot: int, protection: Protection = Protection.HSM) -> KeySpec:
    window = Interval(START + timedelta(days=slot), START + timedelta(days=slot + 1))
    return KeySpec(
        KeyAlgorithm.ES256,
        KeyPurpose.ASSERTION,
        protection,
        KeyState.PUBLISHED,
        KeySlot("issuer", 1, slot, window),
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest_asyncio.fixture
async def database(database_dsn: str, clock: ManualClock) -> AsyncIterator[Database[SignerWork]]:
    settings = DatabaseSettings(dsn=SecretStr(database_dsn), pool_size=4)
    database = Database(settings, work=SignerWork, encode_event=encode_event, migrations=MIGRATIONS, clock=clock)
    await database.start()
    yield database
    await database.stop()


async def recorded(database: Database[SignerWork]) -> set[str]:
    async with database.read() as work:
        return {str(row["id"]) for row in await work.connection.fetch("select id from signing_key")}


async def noted(database: Database[SignerWork]) -> int:
    async with database.read() as work:
        return len(await work.connection.fetch("select from key_making"))


def held(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.key")}


async def test_calls_at_the_same_time_share_their_commits_and_not_their_fate(
    database: Database[SignerWork], clock: ManualClock, tmp_path: Path
) -> None:
    async with serving(FileHsm(tmp_path), makers=4) as token:
        app, vault = App("signer"), KeyVault(token, threads=1, cached_keys=10, makers=4)
        create = CreateKeys(database, vault, clock, gathering(app))
        calls = [create(call(f"n{n}"), [spec(2 * n), spec(2 * n + 1)]) for n in range(20)]
        good = await asyncio.gather(*calls)
        async with database.read() as work:
            commits = await work.connection.fetch("select distinct xmin::text from signing_key")
            assert len(commits) < 20, "each call had a transaction of its own"
        # What cannot commit together is done again one by one.
        calls = [create(call("same"), [spec(100)]), create(call("same"), [spec(100)])]
        calls += [create(CALL, [spec(200)]), create(CALL, [spec(200), spec(201)])]
        calls += [create(CALL, [spec(300, Protection.WRAPPED), spec(301)])]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(result) for result in results[:2]} == {list, Replay}
        assert {type(result) for result in results[2:4]} == {list, AlreadyExists}
        assert isinstance(results[4], list)
        kept = {str(key.id) for result in (*good, *results) if isinstance(result, list) for key in result}
        wrapped = {str(results[4][0].id)}
        assert await recorded(database) == kept
        assert held(tmp_path) == kept - wrapped, "pairs without a record, or the other way round"
        assert await noted(database) == 0
        async with database.read() as work:
            answers = await work.connection.fetch("select request_id, answer from idempotency")
            assert {row["request_id"]: row["answer"].decode() for row in answers} == {
                name: name for name in ("same", *(f"n{n}" for n in range(20)))
            }
            traces = await work.connection.fetch("select distinct trace from audit_log where action = 'key.create'")
            assert {row["trace"] for row in traces} == {"", "same", *(f"n{n}" for n in range(20))}
        assert (await database.verify_audit()).whole
        await app.stop()
        await vault.close()


async def test_a_pair_that_was_given_up_before_it_was_made_is_not_recorded_and_not_left(
    database: Database[SignerWork], clock: ManualClock, tmp_path: Path
) -> None:
    hsm = PausedHsm(tmp_path)
    async with serving(hsm) as token, serving(FileHsm(tmp_path)) as other_token:
        vault, other = (KeyVault(each, threads=1, cached_keys=10) for each in (token, other_token))
        creating = asyncio.create_task(CreateKeys(database, vault, clock)(CALL, [spec(0)]))
        await asyncio.to_thread(hsm.begun.wait, 30)
        async with database.begin_system("test") as work:
            await work.connection.execute("update key_making set begun_time = $1", clock.now() - PATIENCE * 2)
        await ClearUnfinishedKeys(database.begin_system, other, clock)()
        assert await noted(database) == 0
        hsm.go_on.set()
        with pytest.raises(Unavailable, match="given up"):
            await creating
        assert held(tmp_path) == set()
        assert await recorded(database) == set()
        for each in (vault, other):
            await each.close()
