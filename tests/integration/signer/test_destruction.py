"""The end of a key: thirty days pass on a clock of the test's own; the private half is gone, the public one stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sealwright_common.domain.call import system_call
from sealwright_common.domain.errors import FailedPrecondition
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_signer.adapters.file_root import FileHsm
from sealwright_signer.adapters.keybook import CachedKeyBook
from sealwright_signer.adapters.postgres import SignerWork
from sealwright_signer.adapters.vault import KeyVault
from sealwright_signer.main import MIGRATIONS, encode_event
from sealwright_signer.ports import InputKind, KeyFilter, SignatureFormat, TokenKey
from sealwright_signer.usecases.change_keys import ChangeKeys, DestroyCommand
from sealwright_signer.usecases.create_keys import CreateKeys, KeySpec
from sealwright_signer.usecases.destroy_due_keys import DestroyDueKeys
from sealwright_signer.usecases.read_keys import ReadKeys

from tests.support.paused_hsm import PausedHsm
from tests.support.token_process import serving

CALL = system_call("test")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2025, 6, 1, tzinfo=UTC))


@pytest_asyncio.fixture
async def database(database_dsn: str, clock: ManualClock) -> AsyncIterator[Database[SignerWork]]:
    settings = DatabaseSettings(dsn=SecretStr(database_dsn), pool_size=2)
    database = Database(settings, work=SignerWork, encode_event=encode_event, migrations=MIGRATIONS, clock=clock)
    await database.start()
    yield database
    await database.stop()


async def test_a_caller_that_gives_up_leaves_no_keys_behind(
    database: Database[SignerWork], clock: ManualClock, tmp_path: Path
) -> None:
    hsm = PausedHsm(tmp_path)
    async with serving(hsm) as token:
        vault = KeyVault(token, threads=1, cached_keys=10)
        specifications = [KeySpec(KeyAlgorithm.ES256, KeyPurpose.ASSERTION)] * 3
        creating = asyncio.create_task(CreateKeys(database, vault, clock)(CALL, specifications))
        await asyncio.to_thread(hsm.begun.wait, 30)
        creating.cancel()
        await asyncio.sleep(0)
        hsm.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await creating
        assert not list(tmp_path.glob("*.key"))
        async with database.read() as work:
            assert not await work.keys.page("default", KeyFilter(), clock.now(), None, 10)
        await vault.close()


@pytest.mark.promise(13)
@pytest.mark.parametrize("protection", list(Protection))
async def test_destroyed_when_the_wait_is_over(
    database: Database[SignerWork], clock: ManualClock, tmp_path: Path, protection: Protection
) -> None:
    hsm = FileHsm(tmp_path)
    async with serving(hsm) as token:
        vault, book = KeyVault(token, threads=1, cached_keys=10), CachedKeyBook(database, clock)
        change, read = ChangeKeys(database, book), ReadKeys(database)
        destroy = DestroyDueKeys(database.begin_system, vault, book, clock)
        specification = KeySpec(KeyAlgorithm.ES256, KeyPurpose.ASSERTION, protection, KeyState.ACTIVE)
        (key,) = await CreateKeys(database, vault, clock)(CALL, [specification])

        await change.schedule_destruction(CALL, DestroyCommand(key.id))
        with pytest.raises(FailedPrecondition):
            (await book.key("default", key.id)).key.check_signs(clock.now(), KeyPurpose.ASSERTION)
        await clock.advance(timedelta(days=29))
        await change.cancel_destruction(CALL, key.id)
        await clock.advance(timedelta(days=2))
        assert not await destroy()
        stored = await book.key("default", key.id)
        stored.key.check_signs(clock.now(), KeyPurpose.ASSERTION)
        await vault.sign(stored, [b"still there"], InputKind.MESSAGE, SignatureFormat.RAW)

        await change.schedule_destruction(CALL, DestroyCommand(key.id, timedelta(days=7)))
        await clock.advance(timedelta(days=7, seconds=-1))
        await destroy()
        assert (await read.get(CALL, key.id)).state is KeyState.DESTROY_SCHEDULED
        await clock.advance(timedelta(seconds=1))
        await destroy()
        gone = await read.get(CALL, key.id)
        assert gone.state is KeyState.DESTROYED
        assert gone.public_key == key.public_key
        async with database.read() as work:
            (row,) = (await work.keys.get("default", [key.id])).values()
        assert row.signing_key == ""
        if protection is Protection.HSM:
            with pytest.raises(FailedPrecondition):
                hsm.sign(TokenKey(str(key.id), key.algorithm, key.public_key), [bytes(32)])
        with pytest.raises(FailedPrecondition):
            await change.enable(CALL, key.id)
        await vault.close()
