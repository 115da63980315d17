"""The inbox: which events a consumer has done. Rows are written in the transaction of their effects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sealwright_common.runtime.db.connection import Connection

_DONE = "select event_id from inbox where consumer = $1 and event_id = any($2::uuid[])"
# Sorted, so that two instances with overlapping batches queue behind each other instead of deadlocking.
_MARK = """insert into inbox (consumer, event_id) select $1, id from unnest($2::uuid[]) as new (id) order by id
    on conflict do nothing"""


async def done(connection: Connection, consumer: str, ids: Sequence[UUID]) -> set[UUID]:
    """Those of ``ids`` that ``consumer`` has done."""
    return {row["event_id"] for row in await connection.fetch(_DONE, consumer, ids)}


async def mark(connection: Connection, consumer: str, ids: Iterable[UUID]) -> bool:
    """Marks ``ids`` as done in this transaction; False if some of them were, in which case it must be rolled back.

    Waits for another instance that is doing the same events right now.
    """
    wanted = list(ids)
    status = await connection.execute(_MARK, consumer, wanted)
    return int(status.split()[-1]) == len(wanted)
