"""What the rotator listens to: how the signer's keys end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC

from google.protobuf.message import DecodeError
from sealwright.signer.v1 import events_pb2
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.keys import KeyState
from sealwright_common.runtime.events import BeginWork, Event, Subscription

from sealwright_rotator.codec.values import KEY_STATE
from sealwright_rotator.ports import World
from sealwright_rotator.usecases.follow_signer import Ending, Told, follow_signer

_TYPES = {
    message.DESCRIPTOR.full_name: (message, ending)
    for message, ending in (
        (events_pb2.KeyDestructionScheduled, Ending.SCHEDULED),
        (events_pb2.KeyDestructionCancelled, Ending.CANCELLED),
        (events_pb2.KeyDestroyed, Ending.DESTROYED),
    )
}
_REVIVED = (KeyState.PENDING, KeyState.PUBLISHED, KeyState.ACTIVE)


def key_endings(world: World, woken: Callable[[], None]) -> Subscription:
    """Destructions scheduled, taken back, done. ``woken`` is called when a key that was to sign is to be replaced."""

    async def handle(events: list[Event], begin: BeginWork) -> None:
        if await follow_signer(world, [_told(event) for event in events], begin):
            woken()

    return Subscription(durable="rotator-key-endings", stream="signer", types=sorted(_TYPES), handler=handle)


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
