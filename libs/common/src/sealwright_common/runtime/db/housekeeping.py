"""Housekeeping: what has served its time is deleted in small batches, by one instance at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sealwright_common.runtime.db.connection import Connection

_LOCK = 0x5EA1_0002
_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the runtime's rows stay; what it means is told in the database settings."""

    outbox: timedelta
    """Published events."""
    inbox: timedelta
    """Marks of handled events."""
    answers: timedelta
    """Stored answers."""


# `= any(array(...))`, not `in (select ...)`: the latter becomes a sequential scan when statistics are stale.
_STATEMENTS = {
    "outbox": """delete from outbox where seq = any(array(
        select seq from (select seq, recorded_at from outbox order by seq limit $2) oldest
        where recorded_at < clock_timestamp() - $1::interval
          and not exists (select from outbox_pending pending where pending.seq = oldest.seq)))""",
    "inbox": """delete from inbox where ctid = any(array(
        select ctid from inbox where done_at < clock_timestamp() - $1::interval order by done_at limit $2))""",
    "answers": """delete from idempotency where ctid = any(array(
        select ctid from idempotency where answered_at < clock_timestamp() - $1::interval
        order by answered_at limit $2))""",
}


async def clean(connection: Connection, retention: Retention) -> dict[str, int]:
    """Deletes what is past its retention; how many rows of each kind. Nothing if another instance is at it."""
    deleted = dict.fromkeys(_STATEMENTS, 0)
    for kind, statement in _STATEMENTS.items():
        count = _BATCH
        while count == _BATCH:
            async with connection.transaction():
                if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", _LOCK):
                    return deleted
                count = int((await connection.execute(statement, getattr(retention, kind), _BATCH)).split()[-1])
            deleted[kind] += count
    return deleted
