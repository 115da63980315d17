"""The rotation job: what is due, in batches, by any number of replicas.

One round: claim due issuers and store the slots they need (one transaction); have the signer make the keys and tell it
the states (no transaction); store what came of it (one transaction). A crash anywhere leaves claimed issuers that
become due again when their lease ends, and slots whose call to the signer is repeated under the same id. What fails for
one issuer is put off for that issuer alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sealwright_common.domain.call import system_call
from sealwright_common.domain.errors import FailedPrecondition, Problem, Reason, Unavailable
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyState

from sealwright_rotator.ports import Due, KeyChange, MadeKey, Work, World
from sealwright_rotator.usecases import lifecycle
from sealwright_rotator.usecases.create_issuer import Made, show
from sealwright_rotator.usecases.recording import Happening, Kind, RotationFailure, of_key, record

BATCH = 200
"""Issuers claimed in one round."""

_IN_FLIGHT = 8
_TOLD = (KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.VERIFY_ONLY)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did."""

    claimed: int
    """Issuers that were due."""
    made: int = 0
    """Keys made."""
    late: int = 0
    """Of them, keys whose window had begun before they existed."""
    moved: int = 0
    """Keys that went on in their life."""
    failed: int = 0
    """Issuers whose rotation is put off."""
    lag: timedelta = timedelta(0)
    """How long the issuer that waited longest had been due."""


@dataclass(slots=True)
class _Task:
    """One claimed issuer on its way through the round."""

    due: Due
    pending: list[IssuerKey]
    made: dict[UUID, MadeKey]
    destroy_at: dict[UUID, datetime]
    changes: list[KeyChange] = field(default_factory=list[KeyChange])
    """What is due for its keys, once those to be made are made."""
    problem: Problem | None = None


async def rotate(world: World, limit: int = BATCH) -> Round:
    """One round over at most ``limit`` due issuers. Call it again at once while ``claimed`` equals ``limit``."""
    now = world.clock.now()
    async with world.store.begin_system("rotate.claim") as work:
        found = await work.issuers.claim_due(now, now + world.lease, limit)
        tasks = [_Task(due, [], {}, {}) for due in found]
        await _plan(work, tasks, now)
    if not tasks:
        return Round(0)
    gate = asyncio.Semaphore(_IN_FLIGHT)
    await asyncio.gather(*(_make(world, gate, task) for task in tasks))
    for task in tasks:
        task.changes = _changes(task, now)
    await _tell(world, gate, tasks)
    async with world.store.begin_system("rotate.record") as work:
        outcome = await _record(work, tasks, now)
    return replace(outcome, lag=max(now - task.due.due_at for task in tasks))


async def _plan(work: Work, tasks: Sequence[_Task], now: datetime) -> None:
    """Stores the slots to be made; also takes up those an earlier round left PENDING."""
    happenings: list[Happening] = []
    planned: list[IssuerKey] = []
    for task in tasks:
        fresh = lifecycle.plan(task.due, now) if task.due.issuer.state is not IssuerState.CREATING else ()
        task.pending = [key for key in task.due.keys if key.state is KeyState.PENDING] + list(fresh)
        planned += fresh
        happenings += [of_key(key) for key in fresh]
    await work.keys.insert(planned)
    await record(work, happenings)


async def _make(world: World, gate: asyncio.Semaphore, task: _Task) -> None:
    """Has the signer make the pending keys of one issuer, batch by batch."""
    for _, batch in groupby(sorted(task.pending, key=_batch_order), key=lambda key: key.batch):
        keys = list(batch)
        try:
            async with gate:
                made = await world.signer.make(keys)
        except Problem as problem:
            task.problem = problem
            return
        task.made |= {key.id: new for key, new in zip(keys, made, strict=True)}


def _batch_order(key: IssuerKey) -> tuple[UUID, int, int]:
    return key.batch, key.cohort, key.slot


async def _tell(world: World, gate: asyncio.Semaphore, tasks: Sequence[_Task]) -> None:
    """Tells the signer the states that keys reach in this round: a call per tenant; per issuer if that is refused."""
    for _, same in groupby(sorted(tasks, key=lambda t: t.due.issuer.tenant), key=lambda t: t.due.issuer.tenant):
        group = list(same)
        try:
            await _advance(world, [key for task in group for key in _to_tell(task)])
        except Unavailable as problem:
            _put_off(group, problem)
        except Problem:
            await asyncio.gather(*(_tell_each(world, gate, task) for task in group))
    await asyncio.gather(*(_destroy(world, gate, task) for task in tasks))


async def _tell_each(world: World, gate: asyncio.Semaphore, task: _Task) -> None:
    """Tells the keys of one issuer one by one. A key that no longer follows a schedule in the signer, because somebody
    condemned it or scheduled its destruction there, needs telling no more."""
    for key in _to_tell(task):
        try:
            async with gate:
                await world.signer.advance([key])
        except FailedPrecondition as problem:
            if problem.reason is not Reason.KEY_STATE_CONFLICT:
                task.problem = problem
        except Problem as problem:
            task.problem = problem


def _put_off(group: Sequence[_Task], problem: Problem) -> None:
    for task in group:
        if _to_tell(task):
            task.problem = problem


def _changes(task: _Task, now: datetime) -> list[KeyChange]:
    """Every change of the issuer's keys that is due, making included."""
    issuer = lifecycle.aged(task.due.issuer, now)
    kept = {key.id: key for key in task.due.keys} | {key.id: key for key in task.pending}
    changes = (
        lifecycle.change(replace(key, issuer=issuer), now, task.made.get(key.id))
        for key in kept.values()
        if key.state is not KeyState.PENDING or key.id in task.made
    )
    due = {change.before.id: change for change in changes if change is not None}
    for cohort in issuer.cohorts:
        after = [due[key.id].after if key.id in due else key for key in kept.values() if key.cohort == cohort]
        if (heir := lifecycle.takeover(issuer, after, now)) is not None:
            first = lifecycle.brought_forward(heir, now)
            due[heir.id] = KeyChange(kept[heir.id], (*(due[heir.id].steps if heir.id in due else ()), first))
    return list(due.values())


def _to_tell(task: _Task) -> list[IssuerKey]:
    """The keys whose new state or window the signer has to be told; new keys it makes as they are to be."""
    return [
        change.after
        for change in task.changes
        if change.after.state in _TOLD
        and (change.before.state is not KeyState.PENDING or change.after.window != change.before.window)
    ]


async def _advance(world: World, keys: Sequence[IssuerKey]) -> None:
    for start in range(0, len(keys), 1000):
        await world.signer.advance(keys[start : start + 1000])


async def _destroy(world: World, gate: asyncio.Semaphore, task: _Task) -> None:
    for change in task.changes:
        if change.after.state is not KeyState.DESTROY_SCHEDULED or task.problem is not None:
            continue
        try:
            async with gate:
                task.destroy_at[change.after.id] = await world.signer.destroy(change.after)
        except Problem as problem:
            task.problem = problem


async def _record(work: Work, tasks: Sequence[_Task], now: datetime) -> Round:
    """Stores what came of the round. Keys that somebody else changed meanwhile are left as they are."""
    current = {due.issuer.id: due for due in await work.issuers.lock_due([task.due.issuer.id for task in tasks])}
    happenings: list[Happening] = []
    issuers: list[Issuer] = []
    changes: list[KeyChange] = []
    created: list[Made] = []
    for task in tasks:
        due = current.get(task.due.issuer.id)
        if due is None:
            continue
        if due.issuer.state is IssuerState.CREATING:
            if task.problem is None:
                keys = tuple(task.made[key.id] for key in task.pending)
                created.append(Made(system_call("rotate", due.issuer.tenant), due.issuer, tuple(task.pending), keys))
            continue
        issuer = lifecycle.aged(due.issuer, now)
        if issuer is not due.issuer:
            happenings.append(Happening(Kind.ISSUER_CHANGED, issuer))
        if task.made:
            issuer = replace(issuer, last_rotated_at=now)
        if issuer is not due.issuer:
            issuers.append(issuer)
        versions = {key.id: key.version for key in due.keys}
        changes += [change for change in _settled(task) if versions.get(change.before.id) == change.before.version]
    await show(work, created)
    stored = await work.keys.update(changes)
    await work.issuers.update(issuers)
    kept = [change for change in changes if change.before.id in stored]
    await _set_due(work, tasks, current, issuers, kept, now)
    happenings += [of_key(state) for change in kept for state in change.steps]
    await record(work, happenings)
    made = [change.after for change in kept if change.before.state is KeyState.PENDING]
    return Round(
        claimed=len(tasks),
        made=len(made),
        late=sum(1 for key in made if key.window.start < now and key.issuer.created_at < key.window.start),
        moved=len(kept) - len(made),
        failed=sum(1 for task in tasks if task.problem is not None),
    )


def _settled(task: _Task) -> list[KeyChange]:
    """The changes that the signer has agreed to."""
    settled: list[KeyChange] = []
    for change in task.changes:
        if change.after.state is KeyState.DESTROY_SCHEDULED:
            if change.after.id not in task.destroy_at:
                continue
            last = replace(change.after, destroy_at=task.destroy_at[change.after.id])
            settled.append(replace(change, steps=(*change.steps[:-1], last)))
        elif task.problem is None:
            settled.append(change)
        elif change.before.state is KeyState.PENDING:
            # Made it is, whatever else failed; what follows is for the next round.
            settled.append(replace(change, steps=change.steps[:1]))
    return settled


async def _set_due(
    work: Work,
    tasks: Sequence[_Task],
    current: dict[UUID, Due],
    issuers: Sequence[Issuer],
    kept: Sequence[KeyChange],
    now: datetime,
) -> None:
    """When each issuer is due next: at its next boundary, or after a pause if it failed."""
    newer = {issuer.id: issuer for issuer in issuers}
    after = {change.after.id: change.after for change in kept}
    due_at: dict[UUID, datetime | None] = {}
    failures: dict[UUID, int] = {}
    for task in tasks:
        due = current.get(task.due.issuer.id)
        if due is None or (due.issuer.state is IssuerState.CREATING and task.problem is None):
            continue
        issuer = newer.get(due.issuer.id, due.issuer)
        keys = [after.get(key.id, key) for key in due.keys]
        if task.problem is None:
            due_at[issuer.id], failures[issuer.id] = lifecycle.next_due(issuer, keys, due.next_slots), 0
            continue
        count = due.failures + 1
        retry = retry_at(now, count, task.problem)
        due_at[issuer.id], failures[issuer.id] = retry, count
        if issuer.state is not IssuerState.CREATING:
            work.emit(RotationFailure(issuer, count, task.problem.reason.value, task.problem.message, retry))
    await work.issuers.set_due(due_at, failures)


def retry_at(now: datetime, failures: int, problem: Problem) -> datetime:
    """When a rotation that failed ``failures`` times in a row is tried again: after 1 s, doubled up to 5 minutes."""
    pause = timedelta(seconds=min(300.0, 2.0 ** min(failures - 1, 10)))
    return now + max(pause, problem.retry_after or timedelta(0))


def out_of_step(issuer_type: str) -> Unavailable:
    """What a caller gets whose change met a rotation of the same keys."""
    return Unavailable(
        Reason.CONFLICT,
        f"issuer {issuer_type} was being rotated; repeat the call",
        retry_after=timedelta(milliseconds=100),
    )
