"""Domain events to event messages, and back to what the chain needs of them."""

from __future__ import annotations

from google.protobuf.message import Message
from sealwright.stamp.v1 import events_pb2 as pb
from sealwright_common.domain.certificates import CertificateRef, CertificatesChanged, Change, RecipientCreated, Step
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import parse_id
from sealwright_common.runtime.db import EventRecord

from sealwright_stamp.codec.values import STATE_TO_PROTO, timestamp

_MESSAGES: dict[Step, type[Message]] = {step: getattr(pb, step.value) for step in Step}
_STEPS = {message.DESCRIPTOR.full_name: message for message in _MESSAGES.values()}


def event_type(step: Step) -> str:
    """Full proto name of the event that tells ``step``."""
    return _MESSAGES[step].DESCRIPTOR.full_name


def encode_event(event: object) -> EventRecord:
    """An event as it is published. Its aggregate is the certificate, or the first of those that moved together."""
    if isinstance(event, CertificatesChanged):
        first = event.changes[0]
        message = _MESSAGES[event.step](certificates=[_change(change) for change in event.changes])
        return EventRecord(message, str(first.ref.certificate_id), first.version, event.tenant)
    if isinstance(event, RecipientCreated):
        recipient = event.recipient
        created = pb.RecipientCreated(recipient_id=str(recipient.id), create_time=timestamp(recipient.create_time))
        return EventRecord(created, str(recipient.id), 1)
    raise TypeError(f"{type(event).__name__} is no event of stamp")


def decode_refs(type_name: str, payload: bytes) -> list[CertificateRef]:
    """The certificates an event of the chain names. Raises InvalidArgument if it cannot be read."""
    message = _STEPS[type_name]()
    try:
        message.ParseFromString(payload)
    except Exception as error:
        raise InvalidArgument.of("payload", f"a {type_name}") from error
    return [
        CertificateRef(change.registry, parse_id(change.certificate_id, "certificates.certificate_id"))
        for change in message.certificates  # type: ignore[attr-defined]
    ]


def _change(change: Change) -> pb.CertificateChange:
    return pb.CertificateChange(
        registry=change.ref.registry,
        certificate_id=str(change.ref.certificate_id),
        version=change.version,
        state=STATE_TO_PROTO[change.state],
        transaction_id=change.transaction_id,
        reason=change.reason,
    )
