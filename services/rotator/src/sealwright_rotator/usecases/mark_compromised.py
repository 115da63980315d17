"""Taking a key out of use because it is known or feared to be in other hands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason
from sealwright_common.domain.issuers import IssuerKey, active_keys
from sealwright_common.domain.keys import KeyState

from sealwright_rotator.ports import KeyChange, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.change_issuer import not_found
from sealwright_rotator.usecases.recording import of_key, record
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
    """Stops ``slot`` from signing at once; if no other key is active, the next slot begins now. A new key is then due.

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
    await world.signer.condemn(key, comment)
    out = replace(
        key, state=KeyState.COMPROMISED, compromised_at=now, retired_at=key.retired_at or now, version=key.version + 1
    )
    changes = [KeyChange(key, (out,))]
    if not active_keys(others, now) and key.window.contains(now):
        coming = [other for other in others if other.state is KeyState.PUBLISHED and other.window.start > now]
        if coming:
            following = min(coming, key=lambda other: other.slot)
            changes.append(KeyChange(following, (lifecycle.brought_forward(following, now),)))
            await world.signer.advance([changes[1].after])
    async with world.store.begin(call) as work:
        if await work.issuers.lock(call.tenant, issuer_type) is None:
            raise not_found(issuer_type)
        if len(await work.keys.update(changes)) != len(changes):
            raise out_of_step(issuer_type)
        await work.issuers.set_due({issuer.id: work.now}, {issuer.id: 0})
        work.audit("key.compromise", str(key.id), issuer_type=issuer_type, cohort=cohort, slot=slot, comment=comment)
        await record(work, [of_key(out, comment), *(of_key(change.after) for change in changes[1:])])
        successor = changes[1].after if len(changes) > 1 else _newest(others, now)
        return work.answer(Compromised(out, successor))


def _newest(keys: list[IssuerKey], now: datetime) -> IssuerKey | None:
    active = active_keys(keys, now)
    return active[-1] if active else None
