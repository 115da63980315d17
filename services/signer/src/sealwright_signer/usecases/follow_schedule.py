"""Following the rotator: its issuers, and what became of their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sealwright_common.domain.keys import SCHEDULED_STATES, KeySlot, KeyState

from sealwright_signer.ports import Issuer, KeyEvent, KeyEventKind, StoredKey, Work


@dataclass(frozen=True, slots=True)
class ScheduledKey:
    """A key as the rotator tells of it."""

    tenant: str
    key_id: UUID
    state: KeyState
    slot: KeySlot


async def follow(work: Work, issuers: Sequence[Issuer], keys: Sequence[ScheduledKey]) -> list[tuple[str, UUID]]:
    """Stores issuers and moves keys on; tenant and id of the keys that changed.

    The order does not matter: states only move forward, so an old event or an old snapshot changes nothing. Keys this
    signer does not have are left out.
    """
    if issuers:
        await work.schedule.put(issuers)
    changed: list[StoredKey] = []
    for tenant in sorted({told.tenant for told in keys}):
        told_of = {told.key_id: told for told in _furthest(keys) if told.tenant == tenant}
        found = await work.keys.lock(tenant, sorted(told_of))
        for key_id, stored in found.items():
            after = _after(stored, told_of[key_id])
            if after is not stored:
                changed.append(after)
    if changed:
        await work.keys.update(changed)
        for stored in changed:
            kind = KeyEventKind.COMPROMISED if stored.key.state is KeyState.COMPROMISED else KeyEventKind.SCHEDULED
            work.emit(KeyEvent(kind, stored.key))
            work.audit("key.follow_schedule", str(stored.key.id), state=stored.key.state, tenant=stored.key.tenant)
    return [(stored.key.tenant, stored.key.id) for stored in changed]


def _furthest(keys: Sequence[ScheduledKey]) -> list[ScheduledKey]:
    """Of several tellings of one key the one that is furthest along."""
    order = [*SCHEDULED_STATES, KeyState.DESTROY_SCHEDULED, KeyState.DESTROYED, KeyState.COMPROMISED]
    return sorted(keys, key=lambda told: order.index(told.state))


def _after(stored: StoredKey, told: ScheduledKey) -> StoredKey:
    """The key after what was told; the same object if that is nothing new."""
    key = stored.key
    if key.state not in SCHEDULED_STATES:
        return stored
    state = key.state
    if told.state is KeyState.COMPROMISED:
        state = KeyState.COMPROMISED
    elif told.state in SCHEDULED_STATES and SCHEDULED_STATES.index(told.state) > SCHEDULED_STATES.index(key.state):
        state = told.state
    slot = key.slot
    if slot is None or _brought_forward(slot, told.slot):
        slot = told.slot
    if state is key.state and slot == key.slot:
        return stored
    return replace(stored, key=replace(key, state=state, slot=slot, version=key.version + 1))


def _brought_forward(old: KeySlot, new: KeySlot) -> bool:
    """Whether the window now begins or ends earlier; it never gets later, so an older telling changes nothing."""
    return (
        (old.issuer_type, old.cohort, old.slot) == (new.issuer_type, new.cohort, new.slot)
        and new.window.start <= old.window.start
        and new.window.end <= old.window.end
    )
