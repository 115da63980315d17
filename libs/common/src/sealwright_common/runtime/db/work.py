"""The unit of work: one transaction, and what commits with the rows it changes: events, audit rows, the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from google.protobuf.message import Message

from sealwright_common.domain.call import Call
from sealwright_common.domain.ids import new_ids
from sealwright_common.runtime import audit, idempotency
from sealwright_common.runtime.db.connection import Connection

V = TypeVar("V")

SEVERAL_TENANTS = "*"
"""Tenant of the call that handles a batch of events of several tenants: each row and event must name its own."""

_EMIT = """with event as (
    insert into outbox (id, type, aggregate_id, aggregate_version, tenant, occurred_at, trace, payload)
    select id, type, aggregate_id, aggregate_version, tenant, $9, trace, payload
    from unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::int[])
         as new (id, type, aggregate_id, aggregate_version, tenant, trace, payload, position)
    order by position
    returning seq)
insert into outbox_pending select seq from event"""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A domain event as it is published."""

    message: Message
    """The event message; its full proto name is the event's type and subject."""
    aggregate_id: str
    """Id of the thing that changed; order is kept per aggregate."""
    aggregate_version: int
    """The thing's version after the change; consumers that need order compare it."""
    tenant: str | None = None
    """Whose event it is; None means the call's tenant."""
    type: str | None = None
    """Type and subject of a message that is no event of a catalogue, such as the answers of a work queue; None means
    the message's full proto name."""


EncodeEvent = Callable[[object], EventRecord]


@dataclass(frozen=True, slots=True)
class _Emitted:
    record: EventRecord
    tenant: str
    trace: str
    payload: bytes


class UnitOfWork:
    """One transaction. A service subclasses it and adds its repositories as properties over ``connection``."""

    def __init__(
        self, connection: Connection, call: Call, now: datetime, encode_event: EncodeEvent, trace: str
    ) -> None:
        self.connection = connection
        """The connection, inside the transaction."""
        self.call = call
        """The call this work is done for."""
        self.now = now
        """When the work began; the time of its events and audit rows."""
        self._encode_event = encode_event
        self._trace = trace
        self._events: list[_Emitted] = []
        self._entries: list[audit.AuditEntry] = []
        self._answers: list[tuple[Call, bytes]] = []

    def emit(self, *events: object, trace: str | None = None) -> None:
        """Publishes domain events if, and only if, this transaction commits; in this order per aggregate. The runtime's
        own come as the records they are.

        ``trace`` is the traceparent of the event that caused them, for handlers whose batch mixes several traces.
        """
        for event in events:
            record = event if isinstance(event, EventRecord) else self._encode_event(event)
            tenant = record.tenant or self.call.tenant
            if tenant == SEVERAL_TENANTS:
                raise ValueError(f"{record.message.DESCRIPTOR.full_name}: name its tenant, the batch has several")
            payload = record.message.SerializeToString(deterministic=True)
            self._events.append(_Emitted(record, tenant, trace or self._trace, payload))

    def audit(self, action: str, target: str, **detail: str | int | bool) -> None:
        """Leaves a row in the hash-chained audit log if this transaction commits. ``detail`` must hold no secrets."""
        self._entries.append(audit.AuditEntry(action, target, detail, self.call, self._trace))

    @contextmanager
    def acting_for(self, call: Call) -> Iterator[None]:
        """What is emitted and audited inside is done for ``call``: for work that commits several calls together."""
        mine = self.call, self._trace
        self.call, self._trace = call, call.trace
        try:
            yield
        finally:
            self.call, self._trace = mine

    async def claim(self, calls: Sequence[Call]) -> Sequence[Exception | None]:
        """Makes this transaction the only one that works on ``calls``, which it is to answer, each in
        :meth:`acting_for`; for each None, or the exception that its caller gets instead: its answer was stored before,
        or its request id was used for another body. To be called once, first of all."""
        return await idempotency.claim_all(self.connection, calls)

    def answer(self, value: V) -> V:
        """Stores ``value``, encoded by ``call.encode``, as the answer of ``call.request_id``, and returns it."""
        if self.call.request_id is not None:
            if self.call.encode is None:
                raise ValueError(
                    f"{self.call.method}: the call has a request_id and no encoder; use call.answering(...)"
                )
            self._answers.append((self.call, self.call.encode(value)))
        return value

    @property
    def emitted(self) -> int:
        """How many events this work will publish."""
        return len(self._events)

    async def flush(self) -> None:
        """Writes events, answers and audit rows; the runtime calls it right before the commit.

        The audit head is locked last, since all writers of the service queue behind it.
        """
        if self._events:
            await self._write_events(self._events)
        if self._answers:
            await idempotency.record(self.connection, self._answers)
        if self._entries:
            await audit.append(self.connection, self.now, self._entries)

    async def _write_events(self, events: Sequence[_Emitted]) -> None:
        await self.connection.execute(
            _EMIT,
            new_ids(self.now, len(events)),
            [e.record.type or e.record.message.DESCRIPTOR.full_name for e in events],
            [e.record.aggregate_id for e in events],
            [e.record.aggregate_version for e in events],
            [e.tenant for e in events],
            [e.trace for e in events],
            [e.payload for e in events],
            list(range(len(events))),
            self.now,
        )
