"""Moving keys along their life: schedule, disable, enable, destroy, condemn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, Reason
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import (
    DESTRUCTION_DELAY,
    DESTRUCTION_FLOOR,
    SCHEDULED_STATES,
    Key,
    KeySlot,
    KeyState,
)

from sealwright_signer.ports import KeyBook, KeyEvent, KeyEventKind, Store, StoredKey, Work
from sealwright_signer.usecases.read_keys import key_not_found


@dataclass(frozen=True, slots=True)
class KeyStep:
    """One step of one key along its schedule."""

    key_id: UUID
    state: KeyState
    slot: KeySlot | None = None


@dataclass(frozen=True, slots=True)
class DestroyCommand:
    """Which key to destroy, after which wait."""

    key_id: UUID
    delay: timedelta = DESTRUCTION_DELAY


@dataclass(frozen=True, slots=True)
class CondemnCommand:
    """Which key is compromised, and what is known of it."""

    key_id: UUID
    note: str


_ENDINGS = frozenset({KeyEventKind.DISABLED, KeyEventKind.DESTRUCTION_SCHEDULED, KeyEventKind.COMPROMISED})
"""Changes after which a key signs no more."""


class ChangeKeys:
    """Every change of a key: one transaction with its event and its audit row, seen by signing at once."""

    def __init__(self, store: Store, book: KeyBook) -> None:
        self._store = store
        self._book = book

    async def schedule(self, call: Call, steps: Sequence[KeyStep]) -> list[Key]:
        """The keys after their steps, in order; a key that is there or further stays as it is. All or none."""
        if len({step.key_id for step in steps}) != len(steps):
            raise InvalidArgument.of("steps", "each key at most once")
        async with self._store.begin(call) as work:
            found = await work.keys.lock(call.tenant, [step.key_id for step in steps])
            keys: list[Key] = []
            changed: list[StoredKey] = []
            for position, step in enumerate(steps):
                if step.key_id not in found:
                    raise key_not_found(step.key_id)
                before = found[step.key_id]
                after = _step(before, step, position)
                keys.append(after.key)
                if after is not before:
                    changed.append(after)
            if changed:
                await work.keys.update(changed)
                work.emit(*(KeyEvent(KeyEventKind.SCHEDULED, stored.key) for stored in changed))
                for stored in changed:
                    work.audit("key.schedule", str(stored.key.id), state=stored.key.state)
            answer = work.answer(keys)
        self._book.forget(call.tenant, [stored.key.id for stored in changed])
        return answer

    async def disable(self, call: Call, key_id: UUID) -> Key:
        """Switches a key off; one that is off stays off."""
        return await self._change(call, key_id, KeyEventKind.DISABLED, "key.disable", _disable)

    async def enable(self, call: Call, key_id: UUID) -> Key:
        """Switches a key on; one that is on stays on."""
        return await self._change(call, key_id, KeyEventKind.ENABLED, "key.enable", _enable)

    async def schedule_destruction(self, call: Call, command: DestroyCommand) -> Key:
        """Starts the wait before the private key is destroyed. The key signs no more from now on."""
        if command.delay < DESTRUCTION_FLOOR:
            raise InvalidArgument.of("delay_duration", f"at least {DESTRUCTION_FLOOR.days} days")

        def change(stored: StoredKey, work: Work) -> StoredKey:
            stored.key.check_becomes(KeyState.DESTROY_SCHEDULED)
            return _next(
                stored, state=KeyState.DESTROY_SCHEDULED, previous=stored.key.state, destroy=work.now + command.delay
            )

        return await self._change(
            call, command.key_id, KeyEventKind.DESTRUCTION_SCHEDULED, "key.schedule_destruction", change
        )

    async def cancel_destruction(self, call: Call, key_id: UUID) -> Key:
        """Gives the key back the state it had before its destruction was scheduled."""

        def change(stored: StoredKey, work: Work) -> StoredKey:
            if stored.key.state is not KeyState.DESTROY_SCHEDULED or stored.previous_state is None:
                raise FailedPrecondition(
                    Reason.KEY_STATE_CONFLICT, f"key {key_id} is {stored.key.state}: there is no destruction to cancel"
                )
            return _next(stored, state=stored.previous_state)

        return await self._change(call, key_id, KeyEventKind.DESTRUCTION_CANCELLED, "key.cancel_destruction", change)

    async def condemn(self, call: Call, command: CondemnCommand) -> Key:
        """Declares the key compromised; one that is stays so."""

        def change(stored: StoredKey, work: Work) -> StoredKey:
            if stored.key.state is KeyState.COMPROMISED:
                return stored
            stored.key.check_becomes(KeyState.COMPROMISED)
            return _next(stored, state=KeyState.COMPROMISED)

        return await self._change(
            call, command.key_id, KeyEventKind.COMPROMISED, "key.compromised", change, note=command.note
        )

    async def _change(
        self,
        call: Call,
        key_id: UUID,
        kind: KeyEventKind,
        action: str,
        change: Callable[[StoredKey, Work], StoredKey],
        **detail: str,
    ) -> Key:
        async with self._store.begin(call) as work:
            before = (await work.keys.lock(call.tenant, [key_id])).get(key_id)
            if before is None:
                raise key_not_found(key_id)
            after = change(before, work)
            if after is not before:
                await work.keys.update([after])
                work.emit(KeyEvent(kind, after.key))
            work.audit(action, str(key_id), changed=after is not before, **detail)
            answer = work.answer(after.key)
        self._book.forget(call.tenant, [key_id])
        if kind in _ENDINGS:
            # The caller may rely on the answer: from then on no instance signs with the key.
            await self._book.settle()
        return answer


def _next(
    stored: StoredKey, *, state: KeyState, previous: KeyState | None = None, destroy: datetime | None = None
) -> StoredKey:
    key = replace(stored.key, state=state, destroy_time=destroy, version=stored.key.version + 1)
    return replace(stored, key=key, previous_state=previous)


def _disable(stored: StoredKey, work: Work) -> StoredKey:
    return _switched(stored, disabled=True)


def _enable(stored: StoredKey, work: Work) -> StoredKey:
    return _switched(stored, disabled=False)


def _switched(stored: StoredKey, *, disabled: bool) -> StoredKey:
    if stored.key.state is KeyState.DESTROYED:
        raise FailedPrecondition(Reason.KEY_STATE_CONFLICT, f"key {stored.key.id} is destroyed")
    if stored.key.disabled is disabled:
        return stored
    return replace(stored, key=replace(stored.key, disabled=disabled, version=stored.key.version + 1))


def _earlier(old: KeySlot, new: KeySlot) -> KeySlot:
    """The slot with the earlier of both starts and of both ends: a window never moves later, so that being told twice,
    or in another order, comes to the same."""
    window = Interval(min(old.window.start, new.window.start), min(old.window.end, new.window.end))
    return replace(old, window=window)


def _step(stored: StoredKey, step: KeyStep, position: int) -> StoredKey:
    """The key after the step: the same object if there is nothing to change."""
    key = stored.key
    slot = step.slot or key.slot
    if step.slot is not None and key.slot is not None:
        if (key.slot.issuer_type, key.slot.cohort, key.slot.slot) != (
            step.slot.issuer_type,
            step.slot.cohort,
            step.slot.slot,
        ):
            raise FailedPrecondition(
                Reason.KEY_STATE_CONFLICT, f"key {key.id} has another slot, which never changes; make a new key"
            )
        slot = _earlier(key.slot, step.slot)
    if step.state is KeyState.PUBLISHED and slot is None:
        raise InvalidArgument.of(f"steps[{position}].slot", "a slot for a key that is PUBLISHED ahead of its window")
    if key.state not in SCHEDULED_STATES:
        raise FailedPrecondition(
            Reason.KEY_STATE_CONFLICT, f"key {key.id} is {key.state} and no longer follows a schedule"
        )
    ahead = SCHEDULED_STATES.index(key.state) >= SCHEDULED_STATES.index(step.state)
    if ahead and slot == key.slot:
        return stored
    state = key.state if ahead else step.state
    return replace(stored, key=replace(key, state=state, slot=slot, version=key.version + 1))
