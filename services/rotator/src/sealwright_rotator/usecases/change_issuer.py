"""Pausing, resuming, retiring and expiring an issuer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyState

from sealwright_rotator.ports import KeyChange, Work, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.recording import Happening, Kind, of_key, record
from sealwright_rotator.usecases.rotate import out_of_step

_SIGNING = (KeyState.PUBLISHED, KeyState.ACTIVE)
_FROM = {
    IssuerState.PAUSED: (IssuerState.ACTIVE,),
    IssuerState.ACTIVE: (IssuerState.PAUSED,),
    IssuerState.RETIRED: (IssuerState.ACTIVE, IssuerState.PAUSED),
    IssuerState.EXPIRED: (IssuerState.ACTIVE, IssuerState.PAUSED, IssuerState.RETIRED),
}


def not_found(issuer_type: str) -> NotFound:
    """The answer to a name the tenant does not have."""
    return NotFound(Reason.ISSUER_NOT_FOUND, f"issuer {issuer_type} does not exist; list issuers with ListIssuers")


def _check(issuer: Issuer, state: IssuerState) -> bool:
    """Whether there is anything to do; FailedPrecondition if the issuer cannot get there."""
    if issuer.state is state:
        return False
    if issuer.state not in _FROM[state]:
        raise FailedPrecondition(
            Reason.ISSUER_STATE_CONFLICT,
            f"issuer {issuer.issuer_type} is {issuer.state} and cannot become {state}; see GetIssuer",
        )
    return True


async def pause_issuer(world: World, call: Call, issuer_type: str) -> Issuer:
    """Makes no more keys; those there are go on. Pausing a paused issuer changes nothing."""
    return await _switch(world, call, issuer_type, IssuerState.PAUSED, "issuer.pause")


async def resume_issuer(world: World, call: Call, issuer_type: str) -> Issuer:
    """Makes keys again, what was missed at once. Resuming an active issuer changes nothing."""
    return await _switch(world, call, issuer_type, IssuerState.ACTIVE, "issuer.resume")


async def _switch(world: World, call: Call, issuer_type: str, state: IssuerState, action: str) -> Issuer:
    async with world.store.begin(call) as work:
        issuer = await work.issuers.lock(call.tenant, issuer_type)
        if issuer is None:
            raise not_found(issuer_type)
        if not _check(issuer, state):
            return work.answer(issuer)
        changed = issuer.changed(state)
        await _store(work, changed, (), action)
        return work.answer(changed)


async def retire_issuer(world: World, call: Call, issuer_type: str) -> Issuer:
    """Ends signing for good; windows stay, so that what was signed verifies and redeems until they end."""
    return await _end(world, call, issuer_type, IssuerState.RETIRED, "issuer.retire")


async def expire_issuer(world: World, call: Call, issuer_type: str) -> Issuer:
    """Ends the issuer now: signing stops and the windows that have begun end; those to come never begin."""
    return await _end(world, call, issuer_type, IssuerState.EXPIRED, "issuer.expire")


async def _end(world: World, call: Call, issuer_type: str, state: IssuerState, action: str) -> Issuer:
    now = world.clock.now()
    async with world.store.read(call) as work:
        issuer = await work.issuers.find(call.tenant, issuer_type)
        if issuer is None:
            raise not_found(issuer_type)
        ends = _check(issuer, state)
        keys = await work.keys.live(issuer) if ends else []
    changed = issuer.changed(state, replace(issuer.schedule, expires_at=now) if state is IssuerState.EXPIRED else None)
    changes = [_ended(key, changed, now) for key in keys if key.state in _SIGNING]
    if state is IssuerState.EXPIRED:
        changes += [_cut(key, changed, now) for key in keys if _redeems(key, now)]
    # The signer first: from here on nothing is signed, whatever happens to this call.
    await world.signer.advance([change.after for change in changes if change.before.state in _SIGNING])
    async with world.store.begin(call) as work:
        locked = await work.issuers.lock(call.tenant, issuer_type)
        if locked is None:
            raise not_found(issuer_type)
        if not _check(locked, state):
            return work.answer(locked)
        if locked.version != issuer.version:
            raise out_of_step(issuer_type)
        await _store(work, changed, changes, action)
        return work.answer(changed)


def _redeems(key: IssuerKey, now: datetime) -> bool:
    return key.state is KeyState.VERIFY_ONLY and key.window.contains(now)


def _ended(key: IssuerKey, issuer: Issuer, now: datetime) -> KeyChange:
    """The key as it signs no more; its window ends now if the issuer has expired."""
    last = lifecycle.retired(replace(key, issuer=issuer, window=_window(key, issuer, now)), now)
    if issuer.state is IssuerState.EXPIRED and key.window.start >= now:
        last = replace(last, verify_until=now)
    return KeyChange(key, (last,))


def _cut(key: IssuerKey, issuer: Issuer, now: datetime) -> KeyChange:
    """A verify-only key whose window ends now."""
    window = _window(key, issuer, now)
    last = replace(key, issuer=issuer, window=window, verify_until=now + issuer.verify_for, version=key.version + 1)
    return KeyChange(key, (last,))


def _window(key: IssuerKey, issuer: Issuer, now: datetime) -> Interval:
    if issuer.state is IssuerState.EXPIRED and key.window.start < now < key.window.end:
        return Interval(key.window.start, now)
    return key.window


async def _store(work: Work, issuer: Issuer, changes: Sequence[KeyChange], action: str) -> None:
    """Stores the issuer's new state with its keys; it is due at once, so that the job does what follows."""
    stored = await work.keys.update(changes)
    if len(stored) != len(changes):
        raise out_of_step(issuer.issuer_type)
    await work.issuers.update([issuer])
    await work.issuers.set_due({issuer.id: work.now}, {issuer.id: 0})
    work.audit(action, str(issuer.id), issuer_type=issuer.issuer_type, keys=len(changes))
    await record(work, [Happening(Kind.ISSUER_CHANGED, issuer), *(of_key(change.after) for change in changes)])
