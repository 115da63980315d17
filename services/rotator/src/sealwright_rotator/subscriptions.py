"""What the rotator listens to: how the signer's keys end, and the heads of every service's audit log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

from google.protobuf.message import DecodeError
from sealwright.certify.v1 import events_pb2 as certify_events
from sealwright.rotator.v1 import events_pb2 as rotator_events
from sealwright.signer.v1 import events_pb2
from sealwright.stamp.v1 import events_pb2 as stamp_events
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.keys import KeyState
from sealwright_common.runtime.events import BeginWork, Event, Subscription

from sealwright_rotator.codec.values import KEY_STATE
from sealwright_rotator.ports import AuditHead, World
from sealwright_rotator.usecases.follow_signer import Ending, Told, follow_signer

_TYPES = {
    message.DESCRIPTOR.full_name: (message, ending)
    for message, ending in (
        (events_pb2.KeyDestructionScheduled, Ending.SCHEDULED),
        (events_pb2.KeyDestructionCancelled, Ending.CANCELLED),
        (events_pb2.KeyDestroyed, Ending.DESTROYED),
    )
}
_AUDIT_HEADS = {
    "signer": events_pb2.AuditHeadTaken,
    "rotator": rotator_events.AuditHeadTaken,
    "certify": certify_events.AuditHeadTaken,
    "stamp": stamp_events.AuditHeadTaken,
}
_REVIVED = (KeyState.PENDING, KeyState.PUBLISHED, KeyState.ACTIVE)


def key_endings(world: World, woken: Callable[[], None]) -> Subscription:
    """Destructions scheduled, taken back, done. ``woken`` is called when a key that was to sign is to be replaced."""

    async def handle(events: list[Event], begin: BeginWork) -> None:
        if await follow_signer(world, [_told(event) for event in events], begin):
            woken()

    return Subscription(durable="rotator-key-endings", stream="signer", types=sorted(_TYPES), handler=handle)


def audit_heads(woken: Callable[[], None]) -> list[Subscription]:
    """Heads of the audit log of each service, its own included. ``woken`` is called when there are some to sign."""
    return [_audit_heads_of(service, woken) for service in _AUDIT_HEADS]


def _audit_heads_of(service: str, woken: Callable[[], None]) -> Subscription:
    message = _AUDIT_HEADS[service]

    async def handle(events: list[Event], begin: BeginWork) -> None:
        heads: list[AuditHead] = []
        for event in events:
            try:
                told = message.FromString(event.payload)
            except DecodeError:
                raise InvalidArgument.of("payload", f"a {event.type}") from None
            heads.append(AuditHead(service, told.seq, told.hash, told.time.ToDatetime(UTC), ""))
        async with begin() as work:
            await work.audit_heads.add(heads)
        woken()

    return Subscription(
        durable=f"rotator-audit-heads-{service}", stream=service, types=[message.DESCRIPTOR.full_name], handler=handle
    )


def _told(event: Event) -> Told:
    message, ending = _TYPES[event.type]
    try:
        key = message.FromString(event.payload).key
    except DecodeError:
        raise InvalidArgument.of("payload", f"a {event.type}") from None
    return Told(
        parse_id(key.id, "key.id"),
        ending,
        key.destroy_time.ToDatetime(UTC) if ending is Ending.SCHEDULED else None,
        ending is Ending.CANCELLED and KEY_STATE.domain(key.state) in _REVIVED,
    )
