"""Outbox rows onto the stream: atomic batches with one fsync for hundreds, one by one where some are known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sealwright_common.domain.ids import new_id
from sealwright_common.runtime.events import event as names
from sealwright_common.runtime.events.broker import Broker, BrokerRefused, unavailable
from sealwright_common.runtime.events.client import publish_command

MAX_BATCH = 1000
"""Messages in one atomic batch; the server refuses more (error 10199)."""
MAX_BATCH_BYTES = 8 * 1024 * 1024
"""Payload in one batch, so that neither side holds much more in memory."""
HEADER_ROOM = 4096
"""Room for headers that the server counts as payload."""

_DUPLICATE_IN_BATCH = 10201
_UNSAFE = re.compile(r"[^\x20-\x7e]|[%\"]")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One row of the outbox."""

    seq: int
    id: UUID
    type: str
    aggregate_id: str
    aggregate_version: int
    tenant: str
    occurred_at: datetime
    trace: str
    payload: bytes
    recorded_at: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Outgoing:
        """The row as asyncpg gives it."""
        return cls(*(row[name] for name in cls.__slots__))


COLUMNS = ", ".join(Outgoing.__slots__)


class Unpublishable(Exception):
    """An event that will never pass, and why."""

    def __init__(self, event: Outgoing, problem: str) -> None:
        super().__init__(problem)
        self.event = event


async def publish(broker: Broker, service: str, events: Sequence[Outgoing]) -> int:
    """Stores ``events`` on the stream of ``service`` in their order and returns how many of them it had already.

    When it returns, all are on the broker's disk. Raises Unavailable if that is not sure (publish the same again),
    NoStream if there is no stream, Unpublishable naming the first event that cannot pass (nothing was published then).
    """
    limit = broker.client.max_payload - HEADER_ROOM
    for outgoing in events:
        if len(outgoing.payload) > limit:
            size = len(outgoing.payload)
            raise Unpublishable(outgoing, f"it has {size} bytes, the server takes {limit}; raise its max_payload")
        if not outgoing.type.startswith(f"sealwright.{service}."):
            raise Unpublishable(outgoing, f"{outgoing.type} is no event of {service}; a service publishes only its own")
    source = f"/sealwright/{service}"
    duplicates = 0
    for batch in _batches(events):
        try:
            if len(batch) == 1:
                duplicates += await _publish_singly(broker, source, batch)
            else:
                await _publish_atomically(broker, source, batch)
        except BrokerRefused as refusal:
            if refusal.code != _DUPLICATE_IN_BATCH:
                raise
            # Part of it went out before: a relay was killed between publishing and marking, or this is a replay.
            duplicates += await _publish_singly(broker, source, batch)
    return duplicates


def _batches(events: Sequence[Outgoing]) -> Iterator[Sequence[Outgoing]]:
    start, size = 0, 0
    for index, outgoing in enumerate(events):
        if index > start and (index - start == MAX_BATCH or size + len(outgoing.payload) > MAX_BATCH_BYTES):
            yield events[start:index]
            start, size = index, 0
        size += len(outgoing.payload)
    if start < len(events):
        yield events[start:]


async def _publish_atomically(broker: Broker, source: str, batch: Sequence[Outgoing]) -> None:
    client = broker.client
    batch_id = new_id(datetime.now(UTC)).hex
    *most, last = batch
    commands: list[bytes] = []
    for number, outgoing in enumerate(most, 1):
        headers = "".join([f"{name}: {value}\r\n" for name, value in header_fields(source, outgoing).items()])
        headers += f"Nats-Batch-Id: {batch_id}\r\nNats-Batch-Sequence: {number}\r\n"
        commands.append(publish_command(outgoing.type, headers, outgoing.payload))
    await client.send(commands)
    commit = {"Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(len(batch)), "Nats-Batch-Commit": "1"}
    answer = await broker.request(last.type, last.payload, {**header_fields(source, last), **commit})
    _check(answer, last.type)
    if answer.get("count") != len(batch):
        # Only a server without atomic batches stores the last message alone.
        raise unavailable()


async def _publish_singly(broker: Broker, source: str, events: Sequence[Outgoing]) -> int:
    """One after the other, so that a failure leaves no later event stored before an earlier one."""
    duplicates = 0
    for outgoing in events:
        answer = await broker.request(outgoing.type, outgoing.payload, header_fields(source, outgoing))
        _check(answer, outgoing.type)
        duplicates += bool(answer.get("duplicate"))
    return duplicates


def _check(answer: Mapping[str, Any], subject: str) -> None:
    if "error" in answer:
        error = answer["error"]
        raise BrokerRefused(f"events on {subject}", error.get("err_code", 0), error.get("description", ""))


def header_fields(source: str, outgoing: Outgoing) -> dict[str, str]:
    """CloudEvents attributes, tenant, trace and the id for the broker's duplicate window."""
    event_id = str(outgoing.id)
    headers = {
        "Nats-Msg-Id": event_id,
        names.SPECVERSION: "1.0",
        names.SOURCE: source,
        names.TYPE: outgoing.type,
        names.ID: event_id,
        names.AGGREGATE_ID: _header_value(outgoing.aggregate_id),
        names.AGGREGATE_VERSION: str(outgoing.aggregate_version),
        names.TIME: _time_text(outgoing.occurred_at),
        names.TENANT: _header_value(outgoing.tenant),
    }
    if outgoing.trace:
        headers[names.TRACE] = _header_value(outgoing.trace)
    return headers


@lru_cache(maxsize=64)
def _time_text(time: datetime) -> str:
    """RFC 3339. Cached, since the events of a transaction share their time."""
    return time.isoformat()


def _header_value(value: str) -> str:
    """Percent-encoded where CloudEvents asks for it; line breaks could otherwise forge headers."""
    return quote(value, safe=" !#$&'()*+,/:;=?@[]^_`{|}~<>\\") if _UNSAFE.search(value) else value
