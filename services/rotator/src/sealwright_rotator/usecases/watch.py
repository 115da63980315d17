"""Watching: every change from a position on, then live."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Protocol

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import OutOfRange, Reason

from sealwright_rotator.ports import LogEntry, World
from sealwright_rotator.usecases.queries import scope

PAGE = 500
"""Most changes in one message."""

HEARTBEAT = 15.0
"""Seconds after which a message without changes tells the position reached."""


class Tail(Protocol):
    """Knows how long the key log is."""

    async def beyond(self, position: int, timeout: float) -> bool:
        """Returns True once the log has more than ``position`` entries, False after ``timeout`` seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Changes:
    """A stretch of the log as one watcher sees it."""

    entries: tuple[LogEntry, ...]
    next_position: int


async def watch(
    world: World, tail: Tail, call: Call, from_position: int, issuer_types: Collection[str], all_tenants: bool
) -> AsyncIterator[Changes]:
    """Changes from ``from_position`` on, without end. OutOfRange LOG_POSITION_INVALID past the end of the log."""
    tenant = scope(call, all_tenants)
    wanted = frozenset(issuer_types)
    async with world.store.read(call) as work:
        size = await work.log.size()
    if from_position > size:
        raise OutOfRange(
            Reason.LOG_POSITION_INVALID, f"the log has {size} entries; start at {size} or before, or list keys again"
        )
    position = from_position
    while True:
        async with world.store.read(call) as work:
            entries = await work.log.entries(position, PAGE)
        if entries:
            position = entries[-1].position + 1
            seen = tuple(entry for entry in entries if _concerns(entry, tenant, wanted))
            if seen or len(entries) < PAGE:
                yield Changes(seen, position)
        elif not await tail.beyond(position, HEARTBEAT):
            yield Changes((), position)


def _concerns(entry: LogEntry, tenant: str | None, wanted: frozenset[str]) -> bool:
    if tenant is not None and entry.tenant != tenant:
        return False
    if not wanted:
        return True
    leaf = json.loads(entry.leaf)
    return (leaf.get("key") or leaf["issuer"])["issuer_type"] in wanted
