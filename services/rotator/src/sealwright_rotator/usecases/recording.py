"""Recording: every change of an issuer or key becomes one leaf of the key log and one event, in one transaction.

A leaf is the canonical JSON (RFC 8785) of the change: strings, integers and booleans only, so that sorted keys without
spaces are the canonical form. It holds the whole new state, and no private key is anywhere near it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sealwright_common.domain.call import Call
from sealwright_common.domain.issuers import Issuer, IssuerKey
from sealwright_common.domain.keys import KeyState
from sealwright_common.domain.merkle import leaf_hash

from sealwright_rotator.ports import LogEntry, Work


class Kind(StrEnum):
    """What happened."""

    ISSUER_CREATED = "ISSUER_CREATED"
    ISSUER_CHANGED = "ISSUER_CHANGED"
    KEY_SCHEDULED = "KEY_SCHEDULED"
    KEY_PUBLISHED = "KEY_PUBLISHED"
    KEY_ACTIVATED = "KEY_ACTIVATED"
    KEY_RETIRED = "KEY_RETIRED"
    KEY_COMPROMISED = "KEY_COMPROMISED"
    KEY_DESTRUCTION_SCHEDULED = "KEY_DESTRUCTION_SCHEDULED"
    KEY_DESTRUCTION_CANCELLED = "KEY_DESTRUCTION_CANCELLED"
    KEY_DESTROYED = "KEY_DESTROYED"


_KINDS = {
    KeyState.PENDING: Kind.KEY_SCHEDULED,
    KeyState.PUBLISHED: Kind.KEY_PUBLISHED,
    KeyState.ACTIVE: Kind.KEY_ACTIVATED,
    KeyState.VERIFY_ONLY: Kind.KEY_RETIRED,
    KeyState.COMPROMISED: Kind.KEY_COMPROMISED,
    KeyState.DESTROY_SCHEDULED: Kind.KEY_DESTRUCTION_SCHEDULED,
    KeyState.DESTROYED: Kind.KEY_DESTROYED,
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One change, with the state it led to: of a key, or of an issuer."""

    kind: Kind
    subject: Issuer | IssuerKey
    comment: str = ""
    """An operator's words; in the event alone, not in the log."""
    call: Call | None = None
    """For whom, where several calls commit together; None: for the transaction's own call."""

    @property
    def issuer(self) -> Issuer:
        """The issuer concerned."""
        return self.subject if isinstance(self.subject, Issuer) else self.subject.issuer


@dataclass(frozen=True, slots=True)
class Recorded:
    """A happening with its place in the key log; the event that is published."""

    happening: Happening
    position: int


@dataclass(frozen=True, slots=True)
class RotationFailure:
    """The event that a rotation did not succeed and is tried again; not in the key log."""

    issuer: Issuer
    failures: int
    reason: str
    message: str
    retry_at: datetime


def of_key(key: IssuerKey, comment: str = "", call: Call | None = None) -> Happening:
    """What happened to a key that has just come into its state."""
    return Happening(_KINDS[key.state], key, comment, call)


async def record(work: Work, happenings: Sequence[Happening]) -> None:
    """Appends to the key log and emits the events. Call it once, last before the transaction ends: the log has one
    writer at a time."""
    if not happenings:
        return
    before = await work.log.lock_frontier()
    entries: list[LogEntry] = []
    for position, happening in enumerate(happenings, before.size):
        leaf = leaf_of(happening, position, work.now)
        entries.append(
            LogEntry(position, happening.kind.value, happening.issuer.tenant, work.now, leaf, leaf_hash(leaf))
        )
    after, appended = before.append([entry.leaf_hash for entry in entries])
    await work.log.append(entries, appended, after)
    for happening, entry in zip(happenings, entries, strict=True):
        with nullcontext() if happening.call is None else work.acting_for(happening.call):
            work.emit(Recorded(happening, entry.position))


def leaf_of(happening: Happening, position: int, time: datetime) -> bytes:
    """The leaf's bytes."""
    subject = happening.subject
    body: dict[str, object] = {
        "position": position,
        "tenant": happening.issuer.tenant,
        "time": moment(time),
        "type": happening.kind.value,
    }
    if isinstance(subject, Issuer):
        body["issuer"] = issuer_json(subject)
    else:
        body["key"] = key_json(subject)
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def moment(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def issuer_json(issuer: Issuer) -> dict[str, object]:
    """An issuer as its leaves show it; durations in whole seconds."""
    schedule = issuer.schedule
    body: dict[str, object] = {
        "id": str(issuer.id),
        "tenant": issuer.tenant,
        "issuer_type": issuer.issuer_type,
        "cohorts": list(issuer.cohorts),
        "max_tokens": issuer.max_tokens,
        "valid_from": moment(schedule.valid_from),
        "duration": str(schedule.duration),
        "buffer": schedule.buffer,
        "overlap": schedule.overlap,
        "mode": schedule.mode.value,
        "publish_lead": int(schedule.publish_lead.total_seconds()),
        "algorithm": issuer.algorithm.value,
        "purpose": issuer.purpose.value,
        "protection": issuer.protection.value,
        "verify_for": int(issuer.verify_for.total_seconds()),
        "destroy_delay": int(issuer.destroy_delay.total_seconds()),
        "allow_legacy_protocol": issuer.allow_legacy_protocol,
        "state": issuer.state.value,
        "version": issuer.version,
        "created_at": moment(issuer.created_at),
    }
    for name, time in (("expires_at", schedule.expires_at), ("last_rotated_at", issuer.last_rotated_at)):
        if time is not None:
            body[name] = moment(time)
    return body


def key_json(key: IssuerKey) -> dict[str, object]:
    """A key as its leaves show it; the public key in base64url without padding."""
    body: dict[str, object] = {
        "id": str(key.id),
        "tenant": key.issuer.tenant,
        "issuer_id": str(key.issuer.id),
        "issuer_type": key.issuer.issuer_type,
        "cohort": key.cohort,
        "slot": key.slot,
        "start_at": moment(key.window.start),
        "end_at": moment(key.window.end),
        "state": key.state.value,
        "algorithm": key.issuer.algorithm.value,
        "purpose": key.issuer.purpose.value,
        "protection": key.issuer.protection.value,
        "version": key.version,
    }
    if key.key_id is not None:
        body["key_id"] = str(key.key_id)
        body["public_key"] = urlsafe_b64encode(key.public_key).rstrip(b"=").decode()
    times = {
        "published_at": key.published_at,
        "activated_at": key.activated_at,
        "retired_at": key.retired_at,
        "compromised_at": key.compromised_at,
        "verify_until": key.verify_until,
        "destroy_at": key.destroy_at,
    }
    return body | {name: moment(time) for name, time in times.items() if time is not None}
