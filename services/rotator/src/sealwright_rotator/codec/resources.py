"""Issuers, keys, schedules and log entries as their messages; events; leaves of the key log read back."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sealwright.rotator.v1 import events_pb2, resources_pb2, rotator_service_pb2
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_common.domain.schedule import Schedule, ScheduleMode, SlotWindow
from sealwright_common.runtime.db import EventRecord

from sealwright_rotator.codec.values import (
    ALGORITHM,
    ISSUER_STATE,
    KEY_STATE,
    KIND,
    MODE,
    PROTECTION,
    PURPOSE,
    duration,
    interval,
    timestamp,
)
from sealwright_rotator.ports import AuditHead, LogEntry, SignedHead
from sealwright_rotator.usecases.audit_heads import AuditHeadSealed
from sealwright_rotator.usecases.recording import Happening, Kind, Recorded, RotationFailure


def schedule_message(schedule: Schedule) -> resources_pb2.Schedule:
    """A schedule as its message."""
    return resources_pb2.Schedule(
        valid_from_time=timestamp(schedule.valid_from),
        duration=str(schedule.duration),
        buffer=schedule.buffer,
        overlap=schedule.overlap,
        mode=MODE.proto(schedule.mode),
        expire_time=timestamp(schedule.expires_at),
        publish_lead_duration=duration(schedule.publish_lead),
    )


def issuer_message(issuer: Issuer) -> resources_pb2.Issuer:
    """An issuer as its message."""
    return resources_pb2.Issuer(
        id=str(issuer.id),
        tenant=issuer.tenant,
        issuer_type=issuer.issuer_type,
        cohorts=issuer.cohorts,
        max_tokens=issuer.max_tokens,
        schedule=schedule_message(issuer.schedule),
        algorithm=ALGORITHM.proto(issuer.algorithm),
        purpose=PURPOSE.proto(issuer.purpose),
        protection=PROTECTION.proto(issuer.protection),
        verify_duration=duration(issuer.verify_for),
        destroy_delay_duration=duration(issuer.destroy_delay),
        allow_legacy_protocol=issuer.allow_legacy_protocol,
        state=ISSUER_STATE.proto(issuer.state),
        version=issuer.version,
        create_time=timestamp(issuer.created_at),
        last_rotate_time=timestamp(issuer.last_rotated_at),
        modulus=issuer.schedule.modulus,
    )


def key_message(key: IssuerKey) -> resources_pb2.IssuerKey:
    """A key as its message."""
    return resources_pb2.IssuerKey(
        id=str(key.id),
        key_id="" if key.key_id is None else str(key.key_id),
        tenant=key.issuer.tenant,
        issuer_id=str(key.issuer.id),
        issuer_type=key.issuer.issuer_type,
        cohort=key.cohort,
        slot=key.slot,
        window=interval(key.window),
        state=KEY_STATE.proto(key.state),
        public_key=key.public_key,
        algorithm=ALGORITHM.proto(key.issuer.algorithm),
        purpose=PURPOSE.proto(key.issuer.purpose),
        protection=PROTECTION.proto(key.issuer.protection),
        version=key.version,
        publish_time=timestamp(key.published_at),
        activate_time=timestamp(key.activated_at),
        retire_time=timestamp(key.retired_at),
        compromise_time=timestamp(key.compromised_at),
        verify_until_time=timestamp(key.verify_until),
        destroy_time=timestamp(key.destroy_at),
    )


def slot_message(schedule: Schedule, slot: SlotWindow) -> resources_pb2.Slot:
    """A slot of a schedule as its message."""
    return resources_pb2.Slot(
        slot=slot.slot, window=interval(slot.window), due_time=timestamp(schedule.due_time(slot.slot))
    )


def entry_message(entry: LogEntry, shown: bool) -> resources_pb2.KeyLogEntry:
    """A log entry as its message; its leaf only if ``shown``."""
    return resources_pb2.KeyLogEntry(
        position=entry.position,
        type=KIND.proto(Kind(entry.type)),
        time=timestamp(entry.time),
        leaf=entry.leaf if shown else b"",
        leaf_hash=entry.leaf_hash,
    )


def head_message(head: SignedHead) -> resources_pb2.KeyLogHead:
    """A signed head as its message."""
    return resources_pb2.KeyLogHead(size=head.size, root_hash=head.root, time=timestamp(head.time), jws=head.jws)


def audit_head_message(head: AuditHead) -> resources_pb2.AuditHead:
    """A head of an audit log as its message."""
    return resources_pb2.AuditHead(
        service=head.service, seq=head.seq, hash=head.hash, time=timestamp(head.time), jws=head.jws
    )


def change_message(entry: LogEntry) -> rotator_service_pb2.KeyChange:
    """A change as watchers see it, read from its leaf."""
    leaf = json.loads(entry.leaf)
    return rotator_service_pb2.KeyChange(
        position=entry.position,
        type=KIND.proto(Kind(entry.type)),
        key=_key_of(leaf["key"]) if "key" in leaf else None,
        issuer=_issuer_of(leaf["issuer"]) if "issuer" in leaf else None,
    )


def _time(body: Mapping[str, Any], name: str) -> Any:
    return timestamp(datetime.fromisoformat(body[name])) if name in body else None


def _key_of(body: Mapping[str, Any]) -> resources_pb2.IssuerKey:
    public = body.get("public_key", "")
    return resources_pb2.IssuerKey(
        id=body["id"],
        key_id=body.get("key_id", ""),
        tenant=body["tenant"],
        issuer_id=body["issuer_id"],
        issuer_type=body["issuer_type"],
        cohort=body["cohort"],
        slot=body["slot"],
        window=interval(Interval(datetime.fromisoformat(body["start_at"]), datetime.fromisoformat(body["end_at"]))),
        state=KEY_STATE.proto(KeyState(body["state"])),
        public_key=urlsafe_b64decode(public + "=" * (-len(public) % 4)),
        algorithm=ALGORITHM.proto(KeyAlgorithm(body["algorithm"])),
        purpose=PURPOSE.proto(KeyPurpose(body["purpose"])),
        protection=PROTECTION.proto(Protection(body["protection"])),
        version=body["version"],
        publish_time=_time(body, "published_at"),
        activate_time=_time(body, "activated_at"),
        retire_time=_time(body, "retired_at"),
        compromise_time=_time(body, "compromised_at"),
        verify_until_time=_time(body, "verify_until"),
        destroy_time=_time(body, "destroy_at"),
    )


def _issuer_of(body: Mapping[str, Any]) -> resources_pb2.Issuer:
    return resources_pb2.Issuer(
        id=body["id"],
        tenant=body["tenant"],
        issuer_type=body["issuer_type"],
        cohorts=body["cohorts"],
        max_tokens=body["max_tokens"],
        schedule=resources_pb2.Schedule(
            valid_from_time=_time(body, "valid_from"),
            duration=body["duration"],
            buffer=body["buffer"],
            overlap=body["overlap"],
            mode=MODE.proto(ScheduleMode(body["mode"])),
            expire_time=_time(body, "expires_at"),
            publish_lead_duration=duration(timedelta(seconds=body["publish_lead"])),
        ),
        algorithm=ALGORITHM.proto(KeyAlgorithm(body["algorithm"])),
        purpose=PURPOSE.proto(KeyPurpose(body["purpose"])),
        protection=PROTECTION.proto(Protection(body["protection"])),
        verify_duration=duration(timedelta(seconds=body["verify_for"])),
        destroy_delay_duration=duration(timedelta(seconds=body["destroy_delay"])),
        allow_legacy_protocol=body["allow_legacy_protocol"],
        state=ISSUER_STATE.proto(IssuerState(body["state"])),
        version=body["version"],
        create_time=_time(body, "created_at"),
        last_rotate_time=_time(body, "last_rotated_at"),
        modulus=body["buffer"] + body["overlap"],
    )


_KEY_EVENTS = {
    Kind.KEY_SCHEDULED: events_pb2.KeyScheduled,
    Kind.KEY_PUBLISHED: events_pb2.KeyPublished,
    Kind.KEY_ACTIVATED: events_pb2.KeyActivated,
    Kind.KEY_RETIRED: events_pb2.KeyRetired,
    Kind.KEY_DESTRUCTION_SCHEDULED: events_pb2.KeyDestructionScheduled,
    Kind.KEY_DESTRUCTION_CANCELLED: events_pb2.KeyDestructionCancelled,
    Kind.KEY_DESTROYED: events_pb2.KeyDestroyed,
}
_ISSUER_EVENTS = {Kind.ISSUER_CREATED: events_pb2.IssuerCreated, Kind.ISSUER_CHANGED: events_pb2.IssuerChanged}


def encode_event(event: object) -> EventRecord:
    """A domain event as it is published."""
    match event:
        case Recorded(Happening(kind, Issuer() as issuer), position):
            message = _ISSUER_EVENTS[kind](issuer=issuer_message(issuer), position=position)
            return EventRecord(message, str(issuer.id), issuer.version, issuer.tenant)
        case Recorded(Happening(Kind.KEY_COMPROMISED, IssuerKey() as key, comment), position):
            message = events_pb2.KeyCompromised(key=key_message(key), position=position, comment=comment)
            return EventRecord(message, str(key.id), key.version, key.issuer.tenant)
        case Recorded(Happening(kind, IssuerKey() as key), position):
            message = _KEY_EVENTS[kind](key=key_message(key), position=position)
            return EventRecord(message, str(key.id), key.version, key.issuer.tenant)
        case RotationFailure(issuer, failures, reason, text, retry_at):
            message = events_pb2.RotationFailed(
                issuer_id=str(issuer.id),
                issuer_type=issuer.issuer_type,
                tenant=issuer.tenant,
                version=issuer.version,
                failures=failures,
                reason=reason,
                message=text[:500],
                retry_time=timestamp(retry_at),
            )
            return EventRecord(message, str(issuer.id), issuer.version, issuer.tenant)
        case AuditHeadSealed(head):
            return EventRecord(events_pb2.AuditHeadSigned(head=audit_head_message(head)), head.service, head.seq)
        case _:
            raise TypeError(f"{type(event).__name__} is no event of the rotator")
