"""Following the signer: the end of a private key is its doing, whoever asked for it.

The rotator's own requests come back as events, too, and change nothing then. What an operator does in the signer alone
is taken over: a destruction scheduled or taken back there shows here, and a key that was to sign is replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sealwright_common.domain.errors import FailedPrecondition, Reason
from sealwright_common.domain.issuers import IssuerKey
from sealwright_common.domain.keys import KeyState

from sealwright_rotator.ports import KeyChange, Work, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.recording import Happening, Kind, record


class Ending(StrEnum):
    """What the signer tells."""

    SCHEDULED = "SCHEDULED"
    """The private key will be destroyed."""
    CANCELLED = "CANCELLED"
    """It will not be, after all."""
    DESTROYED = "DESTROYED"
    """It is gone."""


_KINDS = {
    Ending.SCHEDULED: Kind.KEY_DESTRUCTION_SCHEDULED,
    Ending.CANCELLED: Kind.KEY_DESTRUCTION_CANCELLED,
    Ending.DESTROYED: Kind.KEY_DESTROYED,
}


Transaction = AbstractAsyncContextManager[Work]


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the signer."""

    key_id: UUID
    ending: Ending
    destroy_at: datetime | None = None
    """When the destruction happens; with SCHEDULED alone."""
    revived: bool = False
    """Whether the key may sign again in the signer; with CANCELLED alone."""


async def follow_signer(world: World, told: Sequence[Told], begin: Callable[[], Transaction]) -> bool:
    """Brings the keys to where the signer has them; True if that gives the rotation job work.

    The events of a key come in their order. Keys of no issuer are left out.
    """
    await _keep_from_signing(world, [each.key_id for each in told if each.revived])
    async with begin() as work:
        return await _follow(work, told)


async def _keep_from_signing(world: World, ids: Sequence[UUID]) -> None:
    """A key whose destruction was taken back has been replaced meanwhile: it verifies, and signs no more."""
    if not ids:
        return
    async with world.store.read() as work:
        keys = await work.keys.held_as(ids)
    for key in keys:
        try:
            await world.signer.advance([replace(key, state=KeyState.VERIFY_ONLY)])
        except FailedPrecondition as problem:
            # It went on in the signer, which a later event tells.
            if problem.reason is not Reason.KEY_STATE_CONFLICT:
                raise


async def _follow(work: Work, told: Sequence[Told]) -> bool:
    ids = [each.key_id for each in told]
    # The issuers first, as everybody who changes keys does; then the keys as they are under the lock.
    await work.issuers.lock_due(sorted({key.issuer.id for key in await work.keys.held_as(ids)}))
    changes: dict[UUID, KeyChange] = {}
    held = {key.key_id: key for key in await work.keys.held_as(ids)}
    happenings: list[Happening] = []
    for each in told:
        key = held.get(each.key_id)
        step = None if key is None else _step(key, each, work.now)
        if key is None or step is None:
            continue
        happenings.append(Happening(_KINDS[each.ending], step))
        before = changes[key.id].before if key.id in changes else key
        changes[key.id], held[each.key_id] = KeyChange(before, (step,)), step
    await work.keys.update(list(changes.values()))
    due = {change.before.issuer.id: work.now for change in changes.values() if change.before.signs}
    await work.issuers.set_due(due, {})
    await record(work, happenings)
    return bool(due)


def _step(key: IssuerKey, told: Told, now: datetime) -> IssuerKey | None:
    """The key after what was told; None if that is nothing new."""
    version = key.version + 1
    match told.ending:
        case Ending.SCHEDULED if key.state is not KeyState.DESTROYED:
            if (key.state, key.destroy_at) == (KeyState.DESTROY_SCHEDULED, told.destroy_at):
                return None
            last = lifecycle.retired(key, now) if key.signs else key
            return replace(last, state=KeyState.DESTROY_SCHEDULED, destroy_at=told.destroy_at, version=version)
        case Ending.CANCELLED if key.state is KeyState.DESTROY_SCHEDULED:
            if key.compromised_at is not None:
                return replace(key, state=KeyState.COMPROMISED, destroy_at=None, version=version)
            # Kept on purpose: the schedule, had its time come, would only destroy it again.
            until = key.verify_until if key.verify_until is not None and key.verify_until > now else None
            return replace(key, state=KeyState.VERIFY_ONLY, destroy_at=None, verify_until=until, version=version)
        case Ending.DESTROYED if key.state is not KeyState.DESTROYED:
            return replace(key, state=KeyState.DESTROYED, retired_at=key.retired_at or now, version=version)
        case _:
            return None
