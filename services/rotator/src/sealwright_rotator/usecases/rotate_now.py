"""Rotating before the time: the next boundary is brought forward to now."""

from __future__ import annotations

from dataclasses import dataclass

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason
from sealwright_common.domain.issuers import IssuerKey, IssuerState, active_keys
from sealwright_common.domain.keys import KeyState

from sealwright_rotator.ports import KeyChange, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.change_issuer import not_found
from sealwright_rotator.usecases.recording import of_key, record
from sealwright_rotator.usecases.replacement import replacement
from sealwright_rotator.usecases.rotate import out_of_step


@dataclass(frozen=True, slots=True)
class Rotated:
    """The slot that is active now."""

    key: IssuerKey
    rotated: bool
    """False if it was active already."""


async def rotate_now(world: World, call: Call, issuer_type: str, cohort: int, slot: int) -> Rotated:
    """Makes ``slot`` active, which has to be the next one, and has the oldest signing key sign no more.

    No window is cut short: what the oldest key signed still verifies and redeems to its end. A slot that is active
    already is left as it is, so that a double click rotates once. Where no key is kept ready (buffer and overlap make
    one, and its successor is not due yet), the next key is made first.
    """
    now = world.clock.now()
    async with world.store.read(call) as work:
        issuer = await work.issuers.find(call.tenant, issuer_type)
        keys = await work.keys.live(issuer, cohort, slot) if issuer is not None else []
    if issuer is None:
        raise not_found(issuer_type)
    target = next((key for key in keys if key.slot == slot), None)
    signing = active_keys(keys, now)
    used_up = signing[0] if len(signing) >= issuer.schedule.active else None
    rotates = issuer.state in (IssuerState.ACTIVE, IssuerState.PAUSED)
    fresh: list[KeyChange] = []
    if target is None and used_up is not None and rotates and slot == keys[-1].slot + 1:
        fresh = await replacement(world, used_up, "RotateNow")
        keys += [change.after for change in fresh]
        target = next((key for key in keys if key.slot == slot), None)
    if target is None:
        raise NotFound(Reason.KEY_NOT_FOUND, f"cohort {cohort} has no slot {slot}; list its slots with ListKeys")
    if target.active(now):
        async with world.store.begin(call) as work:
            return work.answer(Rotated(target, rotated=False))
    if not rotates:
        raise FailedPrecondition(
            Reason.ISSUER_STATE_CONFLICT, f"issuer {issuer_type} is {issuer.state} and does not rotate; see GetIssuer"
        )
    coming = [key for key in keys if key.state is KeyState.PUBLISHED and key.window.start > now]
    if not coming or min(key.slot for key in coming) != slot:
        first = min((key.slot for key in coming), default=None)
        raise FailedPrecondition(
            Reason.KEY_STATE_CONFLICT,
            f"slot {slot} is not the next one; "
            + ("no slot is ready yet, try again" if first is None else f"rotate to slot {first}"),
        )
    opened = lifecycle.brought_forward(target, now)
    ended: list[KeyChange] = []
    if used_up is not None:
        ended = [KeyChange(used_up, (lifecycle.retired(used_up, now),))]
        # First of all the key that takes the place of the one used up: there are never fewer than blind signing needs.
        fresh = fresh or await replacement(world, used_up, "RotateNow")
    await world.signer.advance([opened, *(change.after for change in ended)])
    born = {change.before.id: change for change in fresh}
    opening = born.pop(target.id, KeyChange(target, ()))
    changes = [KeyChange(opening.before, (*opening.steps, opened)), *ended, *born.values()]
    async with world.store.begin(call) as work:
        if await work.issuers.lock(call.tenant, issuer_type) is None:
            raise not_found(issuer_type)
        if len(await work.keys.update(changes)) != len(changes):
            raise out_of_step(issuer_type)
        await work.issuers.set_due({issuer.id: work.now}, {issuer.id: 0})
        work.audit("key.rotate", str(target.id), issuer_type=issuer_type, cohort=cohort, slot=slot)
        await record(work, [of_key(state) for change in changes for state in change.steps])
        return work.answer(Rotated(opened, rotated=True))
