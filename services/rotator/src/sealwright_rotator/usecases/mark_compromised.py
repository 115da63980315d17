"""Taking a key out of use because it is known or feared to be in other hands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Problem, Reason
from sealwright_common.domain.issuers import IssuerKey, active_keys
from sealwright_common.domain.keys import KeyState

from sealwright_rotator.ports import KeyChange, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.change_issuer import not_found
from sealwright_rotator.usecases.recording import of_key, record
from sealwright_rotator.usecases.replacement import replacement
from sealwright_rotator.usecases.rotate import out_of_step


@dataclass(frozen=True, slots=True)
class Compromised:
    """A key out of use and what signs instead."""

    key: IssuerKey
    successor: IssuerKey | None
    """The newest active key; None until the next one is made."""


async def mark_compromised(
    world: World, call: Call, issuer_type: str, cohort: int, slot: int, comment: str
) -> Compromised:
    """Stops ``slot`` from signing at once; if no other key is active, the next slot begins now. The key that takes
    its place is made at the same time, so that blind signing has enough keys again within moments.

    The signer is told first: when this call fails halfway, the key is out of use and the call may be repeated.
    """
    now = world.clock.now()
    async with world.store.read(call) as work:
        issuer = await work.issuers.find(call.tenant, issuer_type)
        keys = await work.keys.live(issuer, cohort, slot) if issuer is not None else []
    if issuer is None:
        raise not_found(issuer_type)
    key = next((key for key in keys if key.slot == slot), None)
    if key is None:
        raise NotFound(Reason.KEY_NOT_FOUND, f"cohort {cohort} has no slot {slot}; list its slots with ListKeys")
    others = [other for other in keys if other.id != key.id]
    if key.state is KeyState.COMPROMISED:
        async with world.store.begin(call) as work:
            return work.answer(Compromised(key, _newest(others, now)))
    if key.key_id is None or key.state is KeyState.DESTROYED:
        raise FailedPrecondition(
            Reason.KEY_STATE_CONFLICT, f"slot {slot} is {key.state}; only a key that exists can be compromised"
        )
    # Made while the signer sees to it that no instance signs with the key any more.
    making = asyncio.ensure_future(_replacement(world, key))
    try:
        await world.signer.condemn(key, comment)
    finally:
        fresh = await making
    out = replace(
        key, state=KeyState.COMPROMISED, compromised_at=now, retired_at=key.retired_at or now, version=key.version + 1
    )
    changes = {change.before.id: change for change in (KeyChange(key, (out,)), *fresh)}
    others += [change.after for change in fresh]
    successor = _newest(others, now)
    if successor is None and key.window.contains(now):
        coming = [other for other in others if other.state is KeyState.PUBLISHED and other.window.start > now]
        if coming:
            following = min(coming, key=lambda other: other.slot)
            successor = lifecycle.brought_forward(following, now)
            made = changes.get(following.id, KeyChange(following, ()))
            changes[following.id] = KeyChange(made.before, (*made.steps, successor))
            await world.signer.advance([successor])
    async with world.store.begin(call) as work:
        if await work.issuers.lock(call.tenant, issuer_type) is None:
            raise not_found(issuer_type)
        if len(await work.keys.update(list(changes.values()))) != len(changes):
            raise out_of_step(issuer_type)
        await work.issuers.set_due({issuer.id: work.now}, {issuer.id: 0})
        work.audit("key.compromise", str(key.id), issuer_type=issuer_type, cohort=cohort, slot=slot, comment=comment)
        after = [of_key(state) for change in changes.values() for state in change.steps if state is not out]
        await record(work, [of_key(out, comment), *after])
        return work.answer(Compromised(out, successor))


async def _replacement(world: World, key: IssuerKey) -> list[KeyChange]:
    """The keys that take the key's place; none if they cannot be made now: the job tries again."""
    try:
        return await replacement(world, key, "MarkCompromised")
    except Problem:
        return []


def _newest(keys: list[IssuerKey], now: datetime) -> IssuerKey | None:
    active = active_keys(keys, now)
    return active[-1] if active else None
