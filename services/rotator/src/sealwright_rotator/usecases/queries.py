"""Reading: issuers, keys, active keys, and schedules that need not exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import NotFound, PermissionDenied, Reason
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.issuers import Issuer, IssuerKey, active_keys, signing_keys
from sealwright_common.domain.keys import KeyState
from sealwright_common.domain.schedule import Schedule, SlotWindow

from sealwright_rotator.ports import IssuerFilter, World
from sealwright_rotator.usecases.change_issuer import not_found

PREVIEW_SLOTS = 10
"""Slots a preview spans if no span is named."""

_EVERY_TENANT = frozenset({"signer", "certify", "stamp", "operator", "system"})


@dataclass(frozen=True, slots=True)
class KeyPage:
    """A page of a snapshot of keys."""

    keys: tuple[IssuerKey, ...]
    position: int
    """Changes from here on may be missing from the snapshot."""
    after: tuple[UUID, int, int] | None
    """Where the next page begins; None on the last."""

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        """The issuers of these keys."""
        return tuple({key.issuer.id: key.issuer for key in self.keys}.values())


@dataclass(frozen=True, slots=True)
class ActiveKeys:
    """The keys of one cohort at one moment."""

    active: tuple[IssuerKey, ...]
    signing: tuple[IssuerKey, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """Slots of a schedule."""

    schedule: Schedule
    slots: tuple[SlotWindow, ...]
    next_slot: int | None
    """Where the next page begins; None on the last."""


def scope(call: Call, all_tenants: bool) -> str | None:
    """The tenant whose rows the call sees, None for all; PermissionDenied if it may not see all."""
    if not all_tenants:
        return call.tenant
    if not call.roles & _EVERY_TENANT:
        raise PermissionDenied(
            Reason.CALLER_NOT_ALLOWED, "all_tenants is for signer, certify, stamp and operators; leave it out"
        )
    return None


async def get_issuer(world: World, call: Call, issuer_type: str) -> Issuer:
    """The issuer of that name. NotFound ISSUER_NOT_FOUND."""
    async with world.store.read(call) as work:
        issuer = await work.issuers.find(call.tenant, issuer_type)
    if issuer is None:
        raise not_found(issuer_type)
    return issuer


async def list_issuers(world: World, call: Call, which: IssuerFilter, after: str, size: int) -> tuple[Issuer, ...]:
    """Up to ``size`` issuers by name, after the name ``after``."""
    async with world.store.read(call) as work:
        return tuple(await work.issuers.page(call.tenant, which, after, size))


async def list_keys(
    world: World,
    call: Call,
    *,
    issuer_type: str,
    states: Sequence[KeyState],
    after: tuple[UUID, int, int] | None,
    position: int | None,
    size: int,
    all_tenants: bool,
) -> KeyPage:
    """A page of keys; ``position`` is that of the first page, None when this is the first."""
    tenant = scope(call, all_tenants)
    if position is None:
        # Read before the keys are: what commits in between is then in the snapshot and is told again, never missed.
        async with world.store.read(call) as work:
            position = await work.log.size()
    async with world.store.read(call) as work:
        keys = await work.keys.page(tenant, issuer_type, states, after, size)
    last = keys[-1] if len(keys) == size else None
    return KeyPage(tuple(keys), position, (last.issuer.id, last.cohort, last.slot) if last else None)


async def get_active_keys(world: World, call: Call, issuer_type: str, cohort: int, at: datetime | None) -> ActiveKeys:
    """The keys that are active at a moment (None: now), past or future."""
    moment = at or world.clock.now()
    async with world.store.read(call) as work:
        issuer = await work.issuers.find(call.tenant, issuer_type)
        if issuer is None or cohort not in issuer.cohorts:
            raise _no_cohort(issuer_type, cohort, issuer)
        # Keys made early or rotated to before their time are active beside those of the schedule.
        keys = await work.keys.usable(issuer, cohort, moment, 4 * issuer.schedule.modulus)
    return ActiveKeys(tuple(active_keys(keys, moment)), tuple(signing_keys(keys, moment)))


async def cohort_keys(world: World, call: Call, issuer_type: str, cohort: int) -> tuple[Issuer, list[IssuerKey]]:
    """An issuer with the keys of one cohort that are not at their end, ascending by slot."""
    async with world.store.read(call) as work:
        issuer = await work.issuers.find(call.tenant, issuer_type)
        if issuer is None or cohort not in issuer.cohorts:
            raise _no_cohort(issuer_type, cohort, issuer)
        return issuer, await work.keys.live(issuer, cohort)


def _no_cohort(issuer_type: str, cohort: int, issuer: Issuer | None) -> NotFound:
    if issuer is None:
        return not_found(issuer_type)
    known = ", ".join(map(str, issuer.cohorts))
    return NotFound(Reason.ISSUER_NOT_FOUND, f"issuer {issuer_type} has no cohort {cohort}; it has {known}")


def preview(schedule: Schedule, span: Interval | None, from_slot: int, size: int) -> Preview:
    """Up to ``size`` slots from ``from_slot`` on whose windows meet ``span``; by default the first ten."""
    end = schedule.start(PREVIEW_SLOTS)
    slots = tuple(islice(schedule.between(span or Interval(schedule.valid_from, end), from_slot), size + 1))
    return Preview(schedule, slots[:size], slots[size].slot if len(slots) > size else None)


async def preview_issuer(
    world: World, call: Call, issuer_type: str, span: Interval | None, from_slot: int, size: int
) -> Preview:
    """As :func:`preview`, for the schedule of an issuer that exists."""
    return preview((await get_issuer(world, call, issuer_type)).schedule, span, from_slot, size)
