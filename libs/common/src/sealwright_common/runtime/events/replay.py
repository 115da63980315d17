"""Replay: publishes events again from the outbox, after the broker lost a stream or part of it.

Consumers that have an event in their inbox skip it, so replaying too much is harmless. What is older than the outbox
retention (72 hours unless configured) cannot be replayed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sealwright_common.runtime.db.database import Database
from sealwright_common.runtime.events.broker import Broker
from sealwright_common.runtime.events.publishing import COLUMNS, MAX_BATCH, Outgoing, publish
from sealwright_common.runtime.events.relay import LOCK

_PAGE = f"""select {COLUMNS} from outbox where seq > $1 and recorded_at >= $2 and ($3::text[] is null or type = any($3))
    and not exists (select from outbox_pending pending where pending.seq = outbox.seq) order by seq limit $4"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    events: int
    """Events read from the outbox and published again."""
    known: int
    """How many of them the broker still had within its duplicate window."""
    first: datetime | None
    """When the oldest of them had been recorded; None if there were none."""
    last: datetime | None
    """When the newest of them had been recorded."""


async def replay(
    database: Database[Any], broker: Broker, service: str, since: datetime, types: Sequence[str] | None = None
) -> Replayed:
    """Publishes the events of ``service`` recorded at or after ``since`` again, in their order, with their old ids.

    ``types`` limits it to some event types. The stream is made if it is gone. New events wait meanwhile, so that they
    stay behind the old ones of their aggregate. Raises Unavailable if database or broker are away; call it again then.
    """
    await broker.ensure_stream(service, own=True)
    position, known = 0, 0
    events, first, last = 0, None, None
    async with database.connection() as connection:
        await connection.execute("set statement_timeout = 0; set lock_timeout = '60s'")
        try:
            await connection.execute("select pg_advisory_lock($1)", LOCK)
            try:
                while rows := await connection.fetch(_PAGE, position, since, types, MAX_BATCH):
                    page = [Outgoing.of(row) for row in rows]
                    known += await publish(broker, service, page)
                    events += len(page)
                    first, last, position = first or page[0].recorded_at, page[-1].recorded_at, page[-1].seq
            finally:
                await connection.execute("select pg_advisory_unlock($1)", LOCK)
        finally:
            await connection.execute("reset statement_timeout; reset lock_timeout")
    return Replayed(events, known, first, last)
