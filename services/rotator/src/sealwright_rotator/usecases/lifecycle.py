"""What time does to an issuer and its keys: pure functions from what is stored to what comes next.

Nothing here depends on when it is asked: asked late, it names everything that was missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

from sealwright_common.domain.ids import new_id
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyPurpose, KeyState

from sealwright_rotator.ports import Due, KeyChange, MadeKey

LIVE = (KeyState.PENDING, KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.VERIFY_ONLY)
"""States that time still changes; what is past them stays as it is."""

_ROTATED = (IssuerState.CREATING, IssuerState.ACTIVE)


def plan(due: Due, now: datetime) -> tuple[IssuerKey, ...]:
    """The slots whose keys are to be made at ``now``, in state PENDING."""
    issuer = due.issuer
    if issuer.state not in _ROTATED:
        return ()
    made: list[IssuerKey] = []
    for cohort in issuer.cohorts:
        ends = [key.window.end for key in due.keys if key.cohort == cohort and key.signs]
        for wanted in issuer.schedule.wanted(ends, due.next_slots.get(cohort, 0), now):
            made.append(_pending(issuer, cohort, wanted.slot, wanted.window, now))
    # The slots planned together are made by one repeatable call, which is named after the first of them.
    batch = made[0].id if made else None
    return tuple(replace(key, batch=batch) for key in made) if batch else ()


def _pending(issuer: Issuer, cohort: int, slot: int, window: Interval, now: datetime) -> IssuerKey:
    row = new_id(now)
    return IssuerKey(row, issuer, cohort, slot, window, KeyState.PENDING, row, now)


def published(key: IssuerKey, made: MadeKey, now: datetime) -> IssuerKey:
    """A planned key that was made: public from now on."""
    return replace(
        key,
        state=KeyState.PUBLISHED,
        key_id=made.key_id,
        public_key=made.public_key,
        published_at=now,
        version=key.version + 1,
    )


def change(key: IssuerKey, now: datetime, made: MadeKey | None = None) -> KeyChange | None:
    """Every step of a key that is due at ``now``, the first being that it was ``made``; None if there is none."""
    if made is not None:
        return born(key, made, now)
    steps = _walk(key, now)
    return KeyChange(key, steps) if steps else None


def born(key: IssuerKey, made: MadeKey, now: datetime) -> KeyChange:
    """A planned key that was made, with every step that is due at ``now``."""
    first = published(key, made, now)
    return KeyChange(key, (first, *_walk(first, now)))


def _walk(key: IssuerKey, now: datetime) -> tuple[IssuerKey, ...]:
    steps: list[IssuerKey] = []
    while (step := moved(steps[-1] if steps else key, now)) is not None:
        steps.append(step)
    return tuple(steps)


def moved(key: IssuerKey, now: datetime) -> IssuerKey | None:
    """The key after the next step that is due at ``now``; None if none is."""
    issuer, version = key.issuer, key.version + 1
    over = now >= key.window.end or issuer.state in (IssuerState.RETIRED, IssuerState.EXPIRED)
    if key.state in (KeyState.PUBLISHED, KeyState.ACTIVE) and over:
        return retired(key, now)
    if key.state is KeyState.PUBLISHED and now >= key.window.start:
        return replace(key, state=KeyState.ACTIVE, activated_at=now, version=version)
    if key.state is KeyState.VERIFY_ONLY and key.verify_until is not None and now >= key.verify_until:
        return replace(key, state=KeyState.DESTROY_SCHEDULED, destroy_at=now + issuer.destroy_delay, version=version)
    return None


def retired(key: IssuerKey, now: datetime) -> IssuerKey:
    """The key as it signs no more. What it signed verifies until the issuer's verify time after its window has passed;
    a key that never signed has nothing to verify."""
    signed = key.activated_at is not None or key.window.start <= now or key.issuer.purpose is KeyPurpose.BLIND_SIGNATURE
    until = key.window.end + key.issuer.verify_for if signed else now
    return replace(key, state=KeyState.VERIFY_ONLY, retired_at=now, verify_until=until, version=key.version + 1)


def aged(issuer: Issuer, now: datetime) -> Issuer:
    """The issuer after what ``now`` does to it: EXPIRED once its end has come."""
    if issuer.schedule.expired(now) and issuer.state not in (IssuerState.CREATING, IssuerState.EXPIRED):
        return issuer.changed(IssuerState.EXPIRED)
    return issuer


def brought_forward(key: IssuerKey, now: datetime) -> IssuerKey:
    """A public key whose window opens now instead of later."""
    window = Interval(min(key.window.start, now), key.window.end)
    return replace(key, window=window, state=KeyState.ACTIVE, activated_at=now, version=key.version + 1)


def takeover(issuer: Issuer, keys: Iterable[IssuerKey], now: datetime) -> IssuerKey | None:
    """The public key of one cohort whose window opens now because no other key is active and one should be: what a
    compromised key leaves behind. None if nothing is missing."""
    keys = list(keys)
    if issuer.state not in (IssuerState.ACTIVE, IssuerState.PAUSED) or not issuer.schedule.active_at(now):
        return None
    if any(key.active(now) for key in keys):
        return None
    coming = [key for key in keys if key.state is KeyState.PUBLISHED and key.window.start > now]
    return min(coming, key=lambda key: key.slot, default=None)


def next_due(issuer: Issuer, keys: Iterable[IssuerKey], next_slots: Mapping[int, int]) -> datetime | None:
    """When something is to be done for the issuer; None: never again. In the past: now."""
    moments: list[datetime] = []
    keys = list(keys)
    for key in keys:
        if key.state is KeyState.PENDING:
            moments.append(key.created_at)
        elif key.state is KeyState.PUBLISHED:
            moments.append(min(key.window.start, key.window.end))
        elif key.state is KeyState.ACTIVE:
            moments.append(key.window.end)
        elif key.state is KeyState.VERIFY_ONLY and key.verify_until is not None:
            moments.append(key.verify_until)
    if issuer.state in _ROTATED:
        for cohort in issuer.cohorts:
            ends = [key.window.end for key in keys if key.cohort == cohort and key.signs]
            due = issuer.schedule.next_due(ends, next_slots.get(cohort, 0))
            moments += [due] if due is not None else []
    if issuer.schedule.expires_at is not None and issuer.state is not IssuerState.EXPIRED:
        moments.append(issuer.schedule.expires_at)
    return min(moments) if moments else None


def slots_after(due: Due, planned: Sequence[IssuerKey]) -> dict[int, int]:
    """Per cohort one more than the highest slot, once ``planned`` is stored."""
    slots = dict(due.next_slots)
    for key in planned:
        slots[key.cohort] = max(slots.get(key.cohort, 0), key.slot + 1)
    return slots


def request_id(batch: UUID, step: str) -> str:
    """The id under which a step is asked of the signer: the same for every repeat, whoever repeats it."""
    return str(uuid5(batch, step))
