"""An event as consumers see it, and its form on the wire: CloudEvents attributes in NATS headers, protobuf as body."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import unquote
from uuid import UUID

# CloudEvents 1.0, NATS protocol binding: attributes are headers with the prefix "ce-".
ID = "ce-id"
AGGREGATE_ID = "ce-subject"
AGGREGATE_VERSION = "ce-sequence"
TIME = "ce-time"
SPECVERSION = "ce-specversion"
SOURCE = "ce-source"
TYPE = "ce-type"
TENANT = "sealwright-tenant"
TRACE = "traceparent"


_DURABLE = re.compile(r"[A-Za-z0-9_-]{1,64}")


class MalformedEvent(ValueError):
    """A message without the headers every Sealwright event has; it was not published by a relay."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Handlers decode ``payload`` by ``type``; ``aggregate_version`` tells older from newer."""

    id: UUID
    """Identity of the event: the same for every delivery and replay."""
    type: str
    """Full proto name of the message, e.g. ``sealwright.stamp.v1.CertificateStored``; also its subject."""
    aggregate_id: str
    """Id of the thing that changed."""
    aggregate_version: int
    """Its version after the change."""
    tenant: str
    """Whose event it is."""
    time: datetime
    """When it happened, UTC."""
    payload: bytes
    """The message, serialised."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """All headers of the message."""
    deliveries: int = 1
    """How often the broker has delivered it to this consumer, this time included."""

    @property
    def aggregate(self) -> tuple[str, str]:
        """Tenant and id of the thing that changed: what order is kept for."""
        return self.tenant, self.aggregate_id

    @property
    def trace(self) -> str:
        """W3C traceparent of what caused it; pass it to ``emit(trace=...)`` in batches that mix traces."""
        return self.headers.get(TRACE, "")


class BeginWork(Protocol):
    """Opens a handler's transaction, with the inbox rows of ``events`` in it (without argument: all not done yet)."""

    def __call__(self, events: Sequence[Event] | None = None, /) -> AbstractAsyncContextManager[Any]: ...


Handler = Callable[[list[Event], BeginWork], Awaitable[None]]
"""Handles a batch: I/O to others first, then ``async with begin() as work``. Raise Unavailable to have it repeated
later, any other Problem to have it put aside as a dead letter. Events whose transaction committed are done, whatever is
raised afterwards; events for which ``begin`` was never called are taken as needing nothing."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delay before the next attempt: ``first`` times ``factor`` per attempt up to ``ceiling``, varied by ``jitter``."""

    first: timedelta = timedelta(milliseconds=500)
    factor: float = 4.0
    ceiling: timedelta = timedelta(minutes=5)
    jitter: float = 0.2

    def delay(self, attempt: int, luck: float) -> float:
        """Seconds before the attempt after ``attempt`` (1, 2, ...); ``luck`` in [0, 1) picks within the jitter."""
        base = self.first.total_seconds() * self.factor ** min(attempt - 1, 30)
        return min(base, self.ceiling.total_seconds()) * (1 + self.jitter * (2 * luck - 1))


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a consumer listens to and what it does with it."""

    durable: str
    """Name of the consumer at the broker and in the inbox; instances with the same name share the work. Never rename it
    without moving its inbox rows: a new name sees every event again."""
    stream: str
    """Service whose events these are: ``stamp`` for the stream ``sealwright_stamp``."""
    types: Sequence[str]
    """Full proto names of the events wanted. A type added later comes from then on only; replay the older ones."""
    handler: Handler
    """What to do with a batch."""
    batch: int = 250
    """Most events handed over at once."""
    max_deliver: int = 8
    """Attempts before an event becomes a dead letter."""
    ack_wait: timedelta = timedelta(seconds=30)
    """Time until the broker delivers an event again that a dead process had taken; long handlers are extended."""
    concurrency: int = 1
    """Batches worked on at once in this process. With more than 1, an aggregate's events may overtake each other."""
    backoff: Backoff = Backoff()
    """Delays between attempts."""

    def __post_init__(self) -> None:
        if not _DURABLE.fullmatch(self.durable):
            raise ValueError(f"durable name {self.durable!r}: only letters, digits, - and _")
        if not self.types:
            raise ValueError(f"{self.durable}: name the event types it wants")
        foreign = [t for t in self.types if not t.startswith(f"sealwright.{self.stream}.")]
        if foreign:
            raise ValueError(f"{self.durable}: {foreign} are not events of {self.stream}")
        if not 1 <= self.batch <= 1000 or self.concurrency < 1 or self.max_deliver < 1:
            raise ValueError(f"{self.durable}: batch must be 1 to 1000, concurrency and max_deliver 1 or more")


def stream_name(service: str) -> str:
    """The stream that holds the events of ``service``."""
    return f"sealwright_{service}"


def stream_subjects(service: str) -> list[str]:
    """The subjects of ``service``'s stream: one per event type, all versions."""
    return [f"sealwright.{service}.>"]


def _header_text(value: str) -> str:
    return unquote(value) if "%" in value else value


def parse_event(subject: str, payload: bytes, headers: Mapping[str, str] | None, deliveries: int) -> Event:
    """The event in a message. Raises MalformedEvent if a header is missing or unreadable."""
    if not headers:
        raise MalformedEvent(f"a message on {subject} has no headers")
    try:
        time = datetime.fromisoformat(headers[TIME])
        return Event(
            id=UUID(headers[ID]),
            type=subject,
            aggregate_id=_header_text(headers[AGGREGATE_ID]),
            aggregate_version=int(headers[AGGREGATE_VERSION]),
            tenant=_header_text(headers[TENANT]),
            time=time if time.tzinfo is not None else time.replace(tzinfo=UTC),
            payload=payload,
            headers=headers,
            deliveries=deliveries,
        )
    except (KeyError, ValueError) as error:
        raise MalformedEvent(f"a message on {subject} has no valid {error}") from error
