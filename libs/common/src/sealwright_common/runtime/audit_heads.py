"""Audit heads go out: once a day, while the log grows, its newest row is told as an event.

The rotator signs and keeps them, and whoever else listens may: a log that is written anew as a whole, or cut off, shows
against them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from google.protobuf.message import Message

from sealwright_common.domain.tenants import DEFAULT_TENANT
from sealwright_common.runtime import audit
from sealwright_common.runtime.clock import SleepingClock
from sealwright_common.runtime.db import Database, EventRecord
from sealwright_common.runtime.worker import Worker

AGGREGATE = "audit"
"""Aggregate id of these events; the row's number is the version."""
_LOOKS = 24


def audit_heads(
    database: Database[Any], message: Callable[..., Message], interval: timedelta, clock: SleepingClock
) -> Worker:
    """The part that tells the head of this service's log every ``interval``, by the service's own ``message``
    (AuditHeadTaken). Of several instances one does."""

    async def look() -> None:
        async with database.begin_system("audit_heads") as work:
            head = await audit.take_head(work.connection, work.now, interval)
            if head is not None:
                told = message(seq=head.seq, hash=head.hash, time=work.now)
                work.emit(EventRecord(told, AGGREGATE, head.seq, DEFAULT_TENANT))

    return Worker("audit heads", look, interval / _LOOKS, clock=clock)
