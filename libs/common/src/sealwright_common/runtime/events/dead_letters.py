"""Dead letters: events that could not be handled, kept with bytes and reason until somebody decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sealwright_common.domain.errors import Problem
from sealwright_common.runtime.events.event import Event

if TYPE_CHECKING:
    from sealwright_common.runtime.db.connection import Connection
    from sealwright_common.runtime.db.database import Database
    from sealwright_common.runtime.events.publishing import Outgoing

_PUT = """insert into dead_letter (consumer, event_id, type, aggregate_id, aggregate_version, tenant, occurred_at,
        headers, payload, reason, detail, deliveries)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (consumer, event_id) do update set reason = excluded.reason, detail = excluded.detail,
        deliveries = excluded.deliveries, state = 'dead', died_at = clock_timestamp()"""
_DETAIL_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was put aside."""

    id: UUID
    """Id of the dead letter; what :func:`requeue` takes."""
    consumer: str
    """Durable name of the consumer that could not handle it; ``relay`` for events that could not be published."""
    event: Event
    """The event as it came."""
    reason: str
    """A reason of the error catalogue, or the exception's type."""
    detail: str
    """What the handler said."""
    state: str
    """``dead``, ``requeued`` (waits for its consumer) or ``done`` (handled after all)."""
    died_at: datetime
    """When it was put aside."""


async def put(connection: Connection, consumer: str, event: Event, error: BaseException) -> None:
    """Puts ``event`` aside in this transaction."""
    reason = error.reason.value if isinstance(error, Problem) else type(error).__name__
    await _insert(connection, consumer, event, reason, str(error))


async def put_outgoing(connection: Connection, consumer: str, outgoing: Outgoing, detail: str) -> None:
    """Puts an event aside that could not be published."""
    event = Event(
        id=outgoing.id,
        type=outgoing.type,
        aggregate_id=outgoing.aggregate_id,
        aggregate_version=outgoing.aggregate_version,
        tenant=outgoing.tenant,
        time=outgoing.occurred_at,
        payload=outgoing.payload,
        headers={"traceparent": outgoing.trace} if outgoing.trace else {},
    )
    await _insert(connection, consumer, event, "Unpublishable", detail)


async def _insert(connection: Connection, consumer: str, event: Event, reason: str, detail: str) -> None:
    await connection.execute(
        _PUT,
        consumer,
        event.id,
        event.type,
        event.aggregate_id,
        event.aggregate_version,
        event.tenant,
        event.time,
        json.dumps(dict(event.headers)),
        event.payload,
        reason,
        detail[:_DETAIL_LENGTH],
        event.deliveries,
    )


async def listed(
    database: Database[Any], *, consumer: str | None = None, state: str = "dead", limit: int = 100
) -> list[DeadLetter]:
    """The newest dead letters in ``state``, of one consumer or of all."""
    async with database.connection() as connection:
        rows = await connection.fetch(
            """select * from dead_letter where state = $1 and ($2::text is null or consumer = $2)
               order by died_at desc, id limit $3""",
            state,
            consumer,
            limit,
        )
    return [_of(row) for row in rows]


async def requeue(database: Database[Any], ids: Sequence[UUID]) -> int:
    """Has the consumers try these dead letters again, within seconds; returns how many were dead and are queued now.

    Their inbox marks are removed in the same transaction, so that the handler's own marks decide again.
    """
    async with database.begin_system("requeue") as work:
        rows = await work.connection.fetch(
            """update dead_letter set state = 'requeued' where id = any($1::uuid[]) and state = 'dead'
               and consumer <> 'relay' returning consumer, event_id""",
            list(ids),
        )
        await work.connection.execute(
            """delete from inbox using unnest($1::text[], $2::uuid[]) as gone (consumer, event_id)
               where inbox.consumer = gone.consumer and inbox.event_id = gone.event_id""",
            [row["consumer"] for row in rows],
            [row["event_id"] for row in rows],
        )
    return len(rows)


async def requeued(connection: Connection, consumer: str, limit: int) -> list[DeadLetter]:
    """The oldest dead letters that wait for ``consumer``."""
    rows = await connection.fetch(
        "select * from dead_letter where consumer = $1 and state = 'requeued' order by died_at limit $2",
        consumer,
        limit,
    )
    return [_of(row) for row in rows]


async def close(connection: Connection, letter: DeadLetter) -> None:
    """Notes that ``letter`` was handled after all."""
    await connection.execute("update dead_letter set state = 'done' where id = $1 and state = 'requeued'", letter.id)


def died_again(letter: DeadLetter) -> Event:
    """The event of ``letter``, one attempt older."""
    return replace(letter.event, deliveries=letter.event.deliveries + 1)


def _of(row: Any) -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        consumer=row["consumer"],
        event=Event(
            id=row["event_id"],
            type=row["type"],
            aggregate_id=row["aggregate_id"],
            aggregate_version=row["aggregate_version"],
            tenant=row["tenant"],
            time=row["occurred_at"],
            payload=row["payload"],
            headers=json.loads(row["headers"]),
            deliveries=row["deliveries"],
        ),
        reason=row["reason"],
        detail=row["detail"],
        state=row["state"],
        died_at=row["died_at"],
    )
