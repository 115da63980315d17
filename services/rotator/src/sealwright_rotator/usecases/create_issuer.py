"""Creating an issuer: planned, made, shown. One operation to the caller, resumable at every step.

The plan (issuer in state CREATING, slots PENDING) is stored first, then the signer is asked under an id that belongs to
the plan, then issuer and keys appear together. What a crash leaves in between is finished by the next call with the
same request id, or else by the rotation job; a refusal by the signer takes the plan back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import Aborted, AlreadyExists, Code, InvalidArgument, Problem, Reason
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState

from sealwright_rotator.ports import Creation, Due, MadeKey, Work, World
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


async def create_issuer(world: World, call: Call, wanted: Issuer) -> CreatedIssuer:
    """Creates ``wanted`` (state CREATING, checked) with its first B + O keys in every cohort.

    Raises InvalidArgument for a reserved name; AlreadyExists ISSUER_EXISTS if the tenant has the name; Unavailable if
    the signer or the database is away: the creation is then taken up again by the same request or by the job.
    """
    if wanted.issuer_type.startswith(RESERVED) and "system" not in call.roles:
        raise InvalidArgument.of(
            "issuer_type", f"a name that does not begin with {RESERVED}: those are the rotator's own"
        )
    creation = Creation(call.caller, call.request_id, call.digest)
    issuer, planned = await _plan(world, call, wanted, creation)
    try:
        made = await world.signer.make(planned) if planned else []
    except Problem as problem:
        if problem.code in REFUSALS:
            await _take_back(world, issuer)
        raise
    async with world.store.begin(call) as work:
        stored = await work.issuers.creation(issuer.tenant, issuer.issuer_type)
        if stored is None or stored[0].id != issuer.id:
            raise Aborted(Reason.CONFLICT, f"issuer {issuer.issuer_type} was taken back meanwhile; create it again")
        if stored[0].state is not IssuerState.CREATING:
            # The job was quicker; the answer is what it made.
            keys = tuple(await work.keys.of_issuer(stored[0]))
            return work.answer(CreatedIssuer(stored[0], keys))
        return work.answer(await show(work, issuer, planned, made))


async def _plan(world: World, call: Call, wanted: Issuer, creation: Creation) -> tuple[Issuer, tuple[IssuerKey, ...]]:
    """The stored plan: a new one, or the one an earlier try of the same request left."""
    now = world.clock.now()
    async with world.store.begin_system("CreateIssuer.plan", call.tenant) as work:
        if await work.issuers.insert(wanted, creation, now + world.lease):
            planned = lifecycle.plan(Due(wanted, (), {}, now, 0), now)
            await work.keys.insert(planned)
            return wanted, planned
        stored = await work.issuers.creation(wanted.tenant, wanted.issuer_type)
        if stored is not None and stored[1] == creation:
            issuer = stored[0]
            if issuer.state is IssuerState.CREATING:
                return issuer, tuple(await work.keys.of_issuer(issuer))
            if call.request_id is not None:
                return issuer, ()
    raise AlreadyExists(
        Reason.ISSUER_EXISTS, f"issuer {wanted.issuer_type} exists already; see GetIssuer, or choose another name"
    )


async def _take_back(world: World, issuer: Issuer) -> None:
    async with world.store.begin_system("CreateIssuer.take_back", issuer.tenant) as work:
        await work.issuers.remove(issuer.id)


async def show(work: Work, issuer: Issuer, planned: Sequence[IssuerKey], made: Sequence[MadeKey]) -> CreatedIssuer:
    """Makes an issuer and its first keys appear together, and sets when it is due next. The issuer is locked."""
    now = work.now
    active = replace(issuer, state=IssuerState.ACTIVE, last_rotated_at=now)
    changes = [lifecycle.born(replace(plan, issuer=active), new, now) for plan, new in zip(planned, made, strict=True)]
    keys = sorted((change.after for change in changes), key=lambda key: (key.cohort, key.slot))
    await work.issuers.update([active])
    await work.keys.update(changes)
    due = lifecycle.next_due(active, keys, lifecycle.slots_after(Due(active, (), {}, now, 0), keys))
    await work.issuers.set_due({active.id: due}, {active.id: 0})
    happenings = [of_key(state) for change in changes for state in (change.before, *change.steps)]
    await record(work, [Happening(Kind.ISSUER_CREATED, active), *happenings])
    work.audit("issuer.create", str(active.id), issuer_type=active.issuer_type, keys=len(keys))
    return CreatedIssuer(active, tuple(keys))
