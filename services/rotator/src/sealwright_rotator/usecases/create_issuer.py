"""Creating an issuer: planned, made, shown. One operation to the caller, resumable at every step.

The plan (issuer in state CREATING, slots PENDING) is stored first, then the signer is asked under an id that belongs to
the plan, then issuer and keys appear together. What a crash leaves in between is finished by the next call with the
same request id, or else by the rotation job; a refusal by the signer takes the plan back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import Aborted, AlreadyExists, Code, InvalidArgument, Problem, Reason
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.together import Gather, alone

from sealwright_rotator.ports import Creation, Due, KeyChange, MadeKey, Work, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.recording import Happening, Kind, of_key, record

REFUSALS = frozenset(
    {Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION, Code.ALREADY_EXISTS, Code.NOT_FOUND, Code.PERMISSION_DENIED}
)
"""Answers of the signer that mean: nothing was made and nothing will be."""


RESERVED = "sealwright-"
"""Names that begin so are for the rotator's own issuers."""


@dataclass(frozen=True, slots=True)
class CreatedIssuer:
    """A new issuer with its first keys, by cohort and slot."""

    issuer: Issuer
    keys: tuple[IssuerKey, ...]


@dataclass(frozen=True, slots=True)
class Made:
    """A plan whose keys are made; with it issuer and keys appear."""

    call: Call
    issuer: Issuer
    planned: tuple[IssuerKey, ...]
    keys: tuple[MadeKey, ...]
    """Of ``planned``, in its order."""


class CreateIssuer:
    """Creates issuers. Creations that come at the same time share their transactions, not their fate."""

    def __init__(self, world: World, gather: Gather = alone) -> None:
        self._world = world
        self._plan = gather("plans of issuers", self._plan_all)
        self._show = gather("new issuers", self._show_all)

    async def __call__(self, call: Call, wanted: Issuer) -> CreatedIssuer:
        """Creates ``wanted`` (state CREATING, checked) with its first B + O keys in every cohort.

        Raises InvalidArgument for a reserved name; AlreadyExists ISSUER_EXISTS if the tenant has the name; Unavailable
        if the signer or the database is away: the creation is then taken up again by the same request or by the job.
        """
        if wanted.issuer_type.startswith(RESERVED) and "system" not in call.roles:
            raise InvalidArgument.of(
                "issuer_type", f"a name that does not begin with {RESERVED}: those are the rotator's own"
            )
        creation = Creation(call.caller, call.request_id, call.digest)
        issuer, planned = wanted, await self._plan((wanted, creation))
        if planned is None:
            issuer, planned = await self._taken_up(wanted, creation)
        try:
            keys = await self._world.signer.make(planned) if planned else []
        except Problem as problem:
            if problem.code in REFUSALS:
                await self._take_back(issuer)
            raise
        return await self._show(Made(call, issuer, planned, tuple(keys)))

    async def _plan_all(
        self, items: Sequence[tuple[Issuer, Creation]]
    ) -> list[tuple[IssuerKey, ...] | Exception | None]:
        """Stores plans; for each its slots, or None if the name is taken."""
        now = self._world.clock.now()
        async with self._world.store.begin_system("CreateIssuer.plan") as work:
            stored = await work.issuers.insert(items, now + self._world.lease)
            plans = {
                issuer.id: lifecycle.plan(Due(issuer, (), {}, now, 0), now)
                for issuer, _ in items
                if issuer.id in stored
            }
            await work.keys.insert([key for planned in plans.values() for key in planned])
        return [plans.get(issuer.id) for issuer, _ in items]

    async def _taken_up(self, wanted: Issuer, creation: Creation) -> tuple[Issuer, tuple[IssuerKey, ...]]:
        """What an earlier try of the same request left: the plan, or the issuer, for which nothing is to be made."""
        async with self._world.store.begin_system("CreateIssuer.take_up", wanted.tenant) as work:
            stored = await work.issuers.creation(wanted.tenant, wanted.issuer_type)
            if stored is None:
                raise _taken_back(wanted)
            if stored[1] == creation and creation.request_id is not None:
                issuer = stored[0]
                planned = await work.keys.of_issuer(issuer) if issuer.state is IssuerState.CREATING else []
                return issuer, tuple(planned)
        raise AlreadyExists(
            Reason.ISSUER_EXISTS, f"issuer {wanted.issuer_type} exists already; see GetIssuer, or choose another name"
        )

    async def _show_all(self, items: Sequence[Made]) -> list[CreatedIssuer | Exception]:
        """Makes issuers appear; an answer or a refusal for each."""
        async with self._world.store.begin_system("CreateIssuer.show") as work:
            refusals = await work.claim([item.call for item in items])
            stored = await work.issuers.locked([item.issuer.id for item in items])
            settled = [
                refusal or await _settled(work, item.issuer, stored.get(item.issuer.id))
                for item, refusal in zip(items, refusals, strict=True)
            ]
            # By id: what two calls have made at once appears once.
            made = {item.issuer.id: item for item, result in zip(items, settled, strict=True) if result is None}
            shown = {new.issuer.id: new for new in await show(work, list(made.values()))}
            results = [result or shown[item.issuer.id] for item, result in zip(items, settled, strict=True)]
            for item, result in zip(items, results, strict=True):
                if isinstance(result, CreatedIssuer):
                    with work.acting_for(item.call):
                        work.answer(result)
        return results

    async def _take_back(self, issuer: Issuer) -> None:
        async with self._world.store.begin_system("CreateIssuer.take_back", issuer.tenant) as work:
            await work.issuers.remove(issuer.id)


def _taken_back(issuer: Issuer) -> Aborted:
    return Aborted(Reason.CONFLICT, f"issuer {issuer.issuer_type} was taken back meanwhile; create it again")


async def _settled(work: Work, planned: Issuer, stored: Issuer | None) -> CreatedIssuer | Aborted | None:
    """What became of a plan in the meantime; None if it is what it was."""
    if stored is None:
        return _taken_back(planned)
    if stored.state is IssuerState.CREATING:
        return None
    # The job was quicker; the answer is what it made.
    return CreatedIssuer(stored, tuple(await work.keys.of_issuer(stored)))


async def show(work: Work, made: Sequence[Made]) -> list[CreatedIssuer]:
    """Makes issuers, which are locked, and their first keys appear together, and sets when they are due next."""
    now = work.now
    created: list[CreatedIssuer] = []
    changes: list[KeyChange] = []
    happenings: list[Happening] = []
    due: dict[UUID, datetime | None] = {}
    for item in made:
        issuer = replace(item.issuer, state=IssuerState.ACTIVE, last_rotated_at=now)
        births = [
            lifecycle.born(replace(plan, issuer=issuer), new, now)
            for plan, new in zip(item.planned, item.keys, strict=True)
        ]
        keys = sorted((birth.after for birth in births), key=lambda key: (key.cohort, key.slot))
        changes += births
        happenings.append(Happening(Kind.ISSUER_CREATED, issuer, call=item.call))
        happenings += [of_key(state, call=item.call) for birth in births for state in (birth.before, *birth.steps)]
        due[issuer.id] = lifecycle.next_due(issuer, keys, lifecycle.slots_after(Due(issuer, (), {}, now, 0), keys))
        with work.acting_for(item.call):
            work.audit("issuer.create", str(issuer.id), issuer_type=issuer.issuer_type, keys=len(keys))
        created.append(CreatedIssuer(issuer, tuple(keys)))
    await work.issuers.update([new.issuer for new in created])
    await work.keys.update(changes)
    await work.issuers.set_due(due, dict.fromkeys(due, 0))
    await record(work, happenings)
    return created
