"""Generation: from persisted claims to signed, checked and stored credentials.

One transaction stores what was signed, as it was signed, with its status entries, its process's step and the events.
Before it, nothing of a credential is anywhere but in memory, and nothing leaves: after a crash the process is generated
anew, with other ids and entries. Nothing is signed that was not rendered and validated before, and nothing is stored
that separate code did not verify after.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import (
    CredentialDefinition,
    DefinitionRef,
    IssuedCredential,
    StatusKind,
    StatusPurpose,
)
from sealwright_common.domain.errors import Problem, Reason, Unavailable
from sealwright_common.domain.ids import new_ids
from sealwright_common.domain.issuance import IssuanceError, IssuanceProcess, IssuanceState, Phase, Protocol

from sealwright_certify.ports import AttestationDefinition, CertifyWork, Prepared, Store, Tenant, Wake
from sealwright_certify.usecases.events import ProcessGenerated, ProcessMoved
from sealwright_certify.usecases.making import KEY_DOES_NOT_SIGN, Made, Making, Material
from sealwright_certify.usecases.status_pool import StatusPool
from sealwright_certify.usecases.supersede import supersede
from sealwright_certify.usecases.tenants import tenant_of

LEASE = timedelta(seconds=30)
"""How long a claimed process is left to its worker before another may take it."""

RETRY = timedelta(seconds=2)
"""Wait after a passing failure, such as the signer being away."""

MAX_BATCH = 50
"""Processes claimed together."""

PART = 480
"""Credentials that are recorded together, or a few more."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A process as it was stored, with its credentials."""

    process: IssuanceProcess
    credentials: tuple[IssuedCredential, ...]
    at_hand: bool
    """Whether its delivery is left to whoever generated it here."""


Expected = asyncio.Future[Sequence[IssuedCredential]]
"""Credentials in the making, as the delivery that waits for them sees them."""

Expect = Callable[[IssuanceProcess, Tenant], Expected | None]
"""Begins a delivery whose credentials are still in the making; None if there is no room for it now."""


class Generation:
    """Generates the credentials of processes, in batches."""

    def __init__(
        self,
        store: Store,
        making: Making,
        clock: Clock,
        *,
        status: StatusPool,
        expect: Expect,
        generated: Wake,
        lease: timedelta = LEASE,
    ) -> None:
        self._store = store
        self._making = making
        self._clock = clock
        self._status = status
        self._expect = expect
        self._generated = generated
        self._lease = lease

    @property
    def lease(self) -> timedelta:
        """How long a process that is being worked on is left alone."""
        return self._lease

    async def run(self) -> bool:
        """Generates one batch of due processes; True if there may be more."""
        async with self._store.begin_system("generate") as work:
            processes = await work.processes.claim(
                Phase.GENERATE, work.now, self._lease, MAX_BATCH, retries=None, busy=()
            )
            if not processes:
                return False
            material = await self.read(work, processes)
        await asyncio.gather(*(self.finish(part, material) for part in parts(processes)))
        return len(processes) == MAX_BATCH

    async def finish(self, processes: Sequence[IssuanceProcess], material: Material) -> None:
        """Makes credentials, records them, and gives it to the deliveries that were begun meanwhile.

        A process whose delivery finds no room is left to be claimed.
        """
        expected: dict[UUID, Expected] = {}
        try:
            async with self._making.turn(sum(len(process.definitions) for process in processes)):
                # Not before: deliveries that wait for a turn would keep those from beginning that could be made.
                for process in processes:
                    if process.protocol is Protocol.DCP:
                        waiting = self._expect(process.generated(self._clock.now()), material.tenants[process.tenant])
                        if waiting is not None:
                            expected[process.id] = waiting
                made = await self.make(processes, material)
            async with self._store.begin_system("generate") as work:
                recorded = await self.record(work, made, expected)
            for one in recorded:
                # A delivery that was cut off at shutdown waits no more; its lease ends.
                if one.at_hand and not expected[one.process.id].done():
                    expected[one.process.id].set_result(one.credentials)
            if any(one.process.phase is Phase.DELIVER and not one.at_hand for one in recorded):
                self._generated()
        finally:
            for waiting in expected.values():
                waiting.cancel()

    async def make(self, processes: Sequence[IssuanceProcess], material: Material) -> list[Made]:
        """The credentials of processes, or the problem each of them meets."""
        prepared = await self._prepare(processes, material)
        made = await self._making.make(processes, prepared, material)
        for result in made:
            if result.problem is not None:
                places = [place for entry in prepared[result.process.id] for place in entry.status]
                self._status.give_back(result.process.tenant, places)
        return made

    async def read(self, work: CertifyWork, processes: Sequence[IssuanceProcess]) -> Material:
        """Everything that the batch is made of."""
        names = sorted({process.tenant for process in processes})
        tenants = {name: await tenant_of(work, name) for name in names}
        definitions: dict[str, dict[DefinitionRef, CredentialDefinition]] = {}
        sources: dict[str, dict[str, AttestationDefinition]] = {}
        for name in names:
            refs = sorted(
                {ref for p in processes if p.tenant == name for ref in p.definitions}, key=lambda r: (r.id, r.version)
            )
            definitions[name] = await work.definitions.pinned(name, refs)
            wanted = sorted({id_ for definition in definitions[name].values() for id_ in definition.attestations})
            sources[name] = await work.attestations.definitions(name, wanted)
        return Material(tenants, definitions, sources)

    async def _prepare(self, processes: Sequence[IssuanceProcess], material: Material) -> dict[UUID, list[Prepared]]:
        """An id, a time and status entries for each credential of the processes."""
        # Many processes ask for the same few definitions.
        wanted = Counter((process.tenant, ref) for process in processes for ref in process.definitions)
        needs = {(name, ref): status_needs(material.definitions[name][ref]) for name, ref in wanted}
        entries: Counter[tuple[str, StatusKind, StatusPurpose]] = Counter()
        for (name, ref), count in wanted.items():
            entries.update({(name, *need): count for need in needs[name, ref]})
        places = {need: iter(await self._status.take(*need, count)) for need, count in entries.items()}
        taken = {(name, ref): [places[name, *need] for need in needed] for (name, ref), needed in needs.items()}
        now = self._clock.now()
        valid_from = now.replace(microsecond=0)
        ids = iter(new_ids(now, wanted.total()))
        return {
            process.id: [
                Prepared(
                    next(ids),
                    process.id,
                    position,
                    ref,
                    valid_from,
                    tuple(map(next, taken[process.tenant, ref])),
                )
                for position, ref in enumerate(process.definitions)
            ]
            for process in processes
        }

    async def record(self, work: CertifyWork, made: Sequence[Made], at_hand: Container[UUID] = ()) -> list[Recorded]:
        """Stores what was made, moves the processes on and returns them as they are then.

        ``at_hand`` are processes whose delivery has begun here: nobody else takes them for the time of a lease.
        Processes that another instance took over and finished, because our lease had ended, are left out: what was made
        for them here is forgotten, so that one signature alone is ever seen.
        """
        moved = [_moved(result, work.now) for result in made]
        moved = [
            replace(process, next_attempt_time=work.now + self._lease)
            if process.id in at_hand and process.phase is Phase.DELIVER
            else process
            for process in moved
        ]
        own = await work.processes.save(moved, from_phase=Phase.GENERATE)
        recorded = [(result, process) for result, process in zip(made, moved, strict=True) if process.id in own]
        credentials = [(process.tenant, one) for result, process in recorded for one in result.credentials]
        if credentials:
            await work.credentials.store(credentials)
        for result, process in recorded:
            _tell(work, result, process)
        await supersede(work, [process for _, process in recorded if process.state is IssuanceState.DELIVERED])
        return [
            Recorded(process, result.credentials, process.id in at_hand and process.phase is Phase.DELIVER)
            for result, process in recorded
        ]


def _moved(result: Made, now: datetime) -> IssuanceProcess:
    """Where a process stands after generation. One whose holder fetches the credentials itself is DELIVERED at once."""
    if result.problem is not None:
        return _failed(result.process, result.problem, now)
    generated = result.process.generated(now)
    return generated if result.process.protocol is Protocol.DCP else generated.delivered(now)


def _failed(process: IssuanceProcess, problem: Problem, now: datetime) -> IssuanceProcess:
    """Postponed if the problem passes and there is time left, else ERRORED."""
    passing = isinstance(problem, Unavailable) or problem.reason in (
        *KEY_DOES_NOT_SIGN,
        Reason.NO_ACTIVE_KEY,
        Reason.RATE_LIMITED,
        Reason.OVERLOADED,
        Reason.DEADLINE_PASSED,
    )
    if passing and (process.delivery_deadline is None or now < process.delivery_deadline):
        return process.postponed(now + RETRY, now, unknown=False)
    return process.fail(IssuanceError.GENERATION_FAILED, f"{problem.reason}: {problem.message}", now)


def parts(processes: Sequence[IssuanceProcess]) -> Iterator[list[IssuanceProcess]]:
    """Parts that are generated and recorded by themselves: some are stored while others are signed."""
    part: list[IssuanceProcess] = []
    count = 0
    for process in processes:
        part.append(process)
        count += len(process.definitions)
        if count >= PART:
            yield part
            part, count = [], 0
    if part:
        yield part


def _tell(work: CertifyWork, result: Made, process: IssuanceProcess) -> None:
    """The events of what happened, in their order."""
    if result.problem is not None:
        if process.state is IssuanceState.ERRORED:
            work.emit(ProcessMoved(process))
            work.audit("issuance.fail", str(process.id), reason=str(result.problem.reason))
        return
    ids = tuple(credential.id for credential in result.credentials)
    work.emit(ProcessGenerated(result.process.generated(work.now), ids))
    if process.state is IssuanceState.DELIVERED:
        work.emit(ProcessMoved(process, ids))


def status_needs(definition: CredentialDefinition) -> tuple[tuple[StatusKind, StatusPurpose], ...]:
    """The status lists a credential of ``definition`` is entered in. A token list holds all purposes in one entry."""
    kind = definition.format.status_kind
    if kind is StatusKind.TOKEN:
        return ((kind, StatusPurpose.REVOCATION),) if definition.status_purposes else ()
    return tuple((kind, purpose) for purpose in definition.status_purposes)
