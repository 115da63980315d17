"""Numbered migrations in plain SQL, forward only.

A set is a folder of ``0001_name.sql`` files, numbered from 1 without gaps. Applied files are remembered with their
checksum and must never change. Each file runs in one transaction; starters that come at the same time queue behind an
advisory lock. Rows newer than the files are fine: a newer release added them, and this one must live with them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import asyncpg

# One lock for every set; any constant will do.
_LOCK = 0x5EA1_0001
_FILE = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class MigrationError(Exception):
    """The files and the database do not fit; the message says which file and what to do. Waiting does not help."""


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """The migrations of one owner: ``runtime``, or a service's own."""

    name: str
    folder: Traversable


RUNTIME = MigrationSet("runtime", files("sealwright_common.runtime.db") / "migrations")


@dataclass(frozen=True, slots=True)
class _Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def _read(migrations: MigrationSet) -> list[_Migration]:
    found: list[_Migration] = []
    for entry in migrations.folder.iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(entry.name)
        if match is None:
            raise MigrationError(f"{migrations.name}/{entry.name}: name it like 0001_first_tables.sql")
        found.append(_Migration(int(match[1]), entry.name, entry.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    for expected, migration in enumerate(found, 1):
        if migration.number != expected:
            raise MigrationError(
                f"{migrations.name}/{migration.name}: expected number {expected:04d} here; renumber it"
            )
    return found


async def migrate(connection: asyncpg.Connection, sets: Sequence[MigrationSet]) -> list[str]:
    """Applies what is missing of ``sets``, in their order, and returns the names of the files applied now.

    Raises MigrationError if an applied file was changed, the folder is malformed or the SQL is wrong (then that file
    left no trace), asyncpg errors if the database fails.
    """
    read = [(owner, _read(owner)) for owner in sets]
    await connection.execute("set statement_timeout = 0; set lock_timeout = 0")
    await connection.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute("""create table if not exists schema_migration (
            owner text not null, number integer not null, name text not null, checksum text not null,
            applied_at timestamptz not null default clock_timestamp(), primary key (owner, number))""")
        applied = {
            (row["owner"], row["number"]): (row["name"], row["checksum"])
            for row in await connection.fetch("select owner, number, name, checksum from schema_migration")
        }
        done: list[str] = []
        for owner, migrations in read:
            for migration in migrations:
                before = applied.get((owner.name, migration.number))
                if before is None:
                    await _apply(connection, owner.name, migration)
                    done.append(f"{owner.name}/{migration.name}")
                elif before[1] != migration.checksum:
                    raise MigrationError(
                        f"{owner.name}/{migration.name} was changed after it was applied as {before[0]}; restore it, "
                        "and put the change into a new file"
                    )
        return done
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def _apply(connection: asyncpg.Connection, owner: str, migration: _Migration) -> None:
    async with connection.transaction():
        try:
            await connection.execute(migration.sql)
        except asyncpg.SyntaxOrAccessError as error:
            raise MigrationError(f"{owner}/{migration.name} cannot be applied: {error}") from error
        await connection.execute(
            "insert into schema_migration (owner, number, name, checksum) values ($1, $2, $3, $4)",
            owner,
            migration.number,
            migration.name,
            migration.checksum,
        )
