"""Two instances prepare the same certificate at the same moment: both go on with the bytes that are stored."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_stamp.adapters.postgres import PostgresWork
from sealwright_stamp.codec.events import encode_event
from sealwright_stamp.main import MIGRATIONS
from sealwright_stamp.ports import Submission, SubmissionKind


def prepared(by: str) -> list[tuple[int, Submission]]:
    return [
        (row, Submission(SubmissionKind.ISSUE, "key", f"{by} {row}", f"{by} {row}".encode())) for row in range(1, 20)
    ]


async def test_the_first_to_store_wins_though_the_second_waited_for_it(database_dsn: str) -> None:
    settings = DatabaseSettings(dsn=SecretStr(database_dsn))
    database = Database(settings, work=PostgresWork, encode_event=encode_event, migrations=MIGRATIONS)
    await database.start()
    await database.wait_available()

    async def late() -> dict[int, Submission]:
        async with database.begin_system("late") as work:
            return await work.chain.store_submissions(list(reversed(prepared("late"))))

    async with database.begin_system("first") as work:
        first = await work.chain.store_submissions(prepared("first")[:10])
        waiting = asyncio.create_task(late())
        async with database.connection() as connection:
            while not await connection.fetchval("select exists(select from pg_locks where not granted)"):
                await asyncio.sleep(0.02)
    assert first == dict(prepared("first")[:10])
    assert await waiting == first | dict(prepared("late")[10:])
    await database.stop()
