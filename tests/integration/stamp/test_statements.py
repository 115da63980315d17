"""Every SQL statement of stamp fits its schema."""

from __future__ import annotations

import asyncpg
import pytest
from sealwright_stamp.adapters.postgres import certificates, chain, feed, imports, recipients
from sealwright_stamp.main import MIGRATIONS

STATEMENTS = [
    pytest.param(text, id=f"{module.__name__.rpartition('.')[2]}{name.lower()}")
    for module in (certificates, chain, feed, imports, recipients)
    for name, text in vars(module).items()
    if name.startswith("_") and name.isupper() and isinstance(text, str) and "{source}" not in text
]


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_prepares(module_database_dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(module_database_dsn)
    try:
        if not await connection.fetchval("select to_regclass('certificate') is not null"):
            for migration in sorted(MIGRATIONS.glob("*.sql")):
                await connection.execute(migration.read_text())
        await connection.prepare(statement)
    finally:
        await connection.close()
