"""The local copy of the rotator's schedule: fed by its events, checked against its snapshot, never too old."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from google.protobuf.message import DecodeError
from sealwright.rotator.v1 import events_pb2, resources_pb2, rotator_service_pb2, rotator_service_pb2_grpc
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import InvalidArgument, Problem, Reason, Unavailable
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import KeySlot
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.events import BeginWork, Consumer, Event, Subscription
from sealwright_common.runtime.grpc import Channel

from sealwright_signer.codec.keys import STATE
from sealwright_signer.ports import Issuer, KeyBook
from sealwright_signer.usecases.follow_schedule import ScheduledKey, follow

log = structlog.get_logger(__name__)

_ISSUER_EVENTS = ("IssuerCreated", "IssuerChanged")
_KEY_EVENTS = ("KeyPublished", "KeyActivated", "KeyRetired", "KeyCompromised")
_PREFIX = "sealwright.rotator.v1."
_PAGE = 1000
SNAPSHOT_DEADLINE = 30.0
"""Seconds one page of the snapshot may take."""
_ENDED = (resources_pb2.ISSUER_STATE_RETIRED, resources_pb2.ISSUER_STATE_EXPIRED)


class ScheduleFeed:
    """Applies what the rotator tells, and knows how fresh the copy is."""

    def __init__(
        self, database: Database[Any], book: KeyBook, staleness: timedelta, clock: Clock, rotator: Channel | None
    ) -> None:
        """``staleness`` is the age past which the copy is not trusted; ``rotator`` None means events alone."""
        self._database = database
        self._book = book
        self._staleness = staleness.total_seconds()
        self._clock = clock
        self._rotator = rotator
        self._fresh_at = -math.inf
        self._consumer: Consumer | None = None

    def subscription(self) -> Subscription:
        """The rotator's events."""
        types = [_PREFIX + name for name in (*_ISSUER_EVENTS, *_KEY_EVENTS)]
        return Subscription(durable="signer-schedule", stream="rotator", types=types, handler=self.handle)

    def watch(self, consumer: Consumer) -> None:
        """Takes ``consumer`` as the source of events: while it is ready, the copy is fresh."""
        self._consumer = consumer

    def check(self) -> None:
        """The Freshness port: Unavailable PEER_UNAVAILABLE once the copy is older than the bound."""
        now = self._clock.monotonic()
        if self._consumer is not None and self._consumer.ready() is None:
            self._fresh_at = now
        if now - self._fresh_at > self._staleness:
            raise Unavailable(
                Reason.PEER_UNAVAILABLE,
                "the schedule of keys was not refreshed for too long: neither events nor the rotator come through",
                retry_after=timedelta(seconds=5),
            )

    async def handle(self, events: list[Event], begin: BeginWork) -> None:
        """Applies a batch of events in one transaction."""
        issuers: list[Issuer] = []
        keys: list[ScheduledKey] = []
        for event in events:
            name = event.type.removeprefix(_PREFIX)
            try:
                message = getattr(events_pb2, name).FromString(event.payload)
            except DecodeError:
                raise InvalidArgument.of("payload", f"a message {event.type}") from None
            if name in _ISSUER_EVENTS:
                issuers.append(_issuer(message.issuer))
            else:
                keys += _scheduled([message.key])
        async with begin() as work:
            changed = await follow(work, issuers, keys)
        self._forget(changed)

    async def take_snapshot(self) -> None:
        """Reads the rotator's whole schedule and applies it; for a Worker. Raises Unavailable while it is away."""
        if self._rotator is None:
            return
        stub = rotator_service_pb2_grpc.RotatorServiceStub(self._rotator)
        began, token = self._clock.monotonic(), ""
        while True:
            request = rotator_service_pb2.ListKeysRequest(page_size=_PAGE, page_token=token, all_tenants=True)
            page = await stub.ListKeys(request, timeout=SNAPSHOT_DEADLINE)
            async with self._database.begin_system("schedule-snapshot") as work:
                changed = await follow(work, [_issuer(i) for i in page.issuers], _scheduled(page.keys))
            self._forget(changed)
            token = page.next_page_token
            if not token:
                break
        self._fresh_at = max(self._fresh_at, began)

    def _forget(self, changed: Iterable[tuple[str, Any]]) -> None:
        for tenant, key_id in changed:
            self._book.forget(tenant, [key_id])
        # An issuer that is new or changed must be seen at once, too.
        self._book.forget("", [])


def _issuer(message: resources_pb2.Issuer) -> Issuer:
    schedule = message.schedule
    return Issuer(
        tenant=message.tenant,
        issuer_type=message.issuer_type,
        buffer=schedule.buffer,
        overlap=schedule.overlap,
        max_tokens=message.max_tokens,
        allow_legacy_protocol=message.allow_legacy_protocol,
        signing=message.state not in _ENDED,
        expires_at=_moment(schedule.expire_time) if schedule.HasField("expire_time") else None,
        version=message.version,
    )


def _scheduled(messages: Iterable[resources_pb2.IssuerKey]) -> list[ScheduledKey]:
    """The keys that exist; planned ones have no id yet. One that cannot be read is left out and reported."""
    keys: list[ScheduledKey] = []
    for message in messages:
        if not message.key_id or message.state not in STATE.to_domain:
            continue
        try:
            keys.append(
                ScheduledKey(
                    message.tenant,
                    parse_id(message.key_id, "key.key_id"),
                    STATE.to_domain[message.state],
                    KeySlot(
                        message.issuer_type,
                        message.cohort,
                        message.slot,
                        Interval(_moment(message.window.start_time), _moment(message.window.end_time)),
                    ),
                )
            )
        except (Problem, ValueError) as error:
            # A window that rotating at once has closed before it opened is empty: such a key never signs.
            log.warning("a key of the schedule was left out", key_id=message.key_id, problem=str(error))
    return keys


def _moment(stamp: Any) -> datetime:
    return stamp.ToDatetime(UTC)
