"""Storing requests that were verified, and seeing them through.

Requests that come at the same moment are stored by one commit. The instance that stored them holds their lease and goes
on at once with what it has in memory: nobody has to find them in the database first. Where it has too much in hand, or
dies, the workers claim them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import CredentialDefinition, DefinitionRef
from sealwright_common.domain.errors import AlreadyExists, Problem, Reason
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Phase, Protocol, approvals_needed
from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.ports import AttestationDefinition, CertifyWork, Secrets, Store, Tenant, Wake
from sealwright_certify.usecases.events import ProcessMoved
from sealwright_certify.usecases.generate import Generation, parts
from sealwright_certify.usecases.in_hand import InHand
from sealwright_certify.usecases.making import Material

log = logging.getLogger(__name__)

MOST_IN_HAND = 10_000
"""Credentials in the making of accepted requests; what comes beyond is left to be claimed."""

SEVERAL = "*"
"""Tenant of a commit over requests of several tenants; each is recorded for its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A verified request."""

    call: Call
    holder_did: str
    holder_pid: str
    """Empty takes the call's request id."""
    protocol: Protocol
    protocol_version: str
    access_token: str | None
    split: bool
    """One process per definition instead of one for all (R9)."""
    tenant: Tenant
    definitions: Sequence[CredentialDefinition]
    sources: Mapping[str, AttestationDefinition]
    claims: JsonObject
    contents: Mapping[DefinitionRef, JsonObject]
    """What the definitions make of the claims."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """One process to be."""

    wanted: Wanted
    definitions: Sequence[CredentialDefinition]
    process: IssuanceProcess


@dataclass(frozen=True, slots=True)
class Stored:
    """What a commit is about to store: an outcome per request, and what is then gone on with."""

    outcomes: list[list[IssuanceProcess] | Exception]
    processes: list[IssuanceProcess]
    material: Material | None
    left: bool
    """Whether there is something for the workers to claim."""


class Acceptance(InHand):
    """Stores requests and generates what they ask for. A part of the app: what it has in hand is waited for."""

    name = "issuance in hand"

    def __init__(
        self, store: Store, generation: Generation, secrets: Secrets, *, left: Wake, delivery_window: timedelta
    ) -> None:
        super().__init__()
        self._store = store
        self._generation = generation
        self._secrets = secrets
        self._left = left
        self._delivery_window = delivery_window
        self._in_hand = 0

    async def together(self, items: Sequence[Wanted]) -> list[list[IssuanceProcess] | Exception]:
        """Stores requests that have no request id in one transaction; none of them is split."""
        async with self._store.begin_system("accept", SEVERAL) as work:
            stored = await self.store(work, items)
        self.go_on(stored)
        return stored.outcomes

    async def store(self, work: CertifyWork, items: Sequence[Wanted]) -> Stored:
        """Stores processes; ``go_on`` follows the commit.

        The outcome of a request is its processes, or AlreadyExists: for a holderPid that is in use for other
        credentials, or was used before where the tenant does not want that.
        """
        room = self._in_hand + sum(len(item.definitions) for item in items) <= MOST_IN_HAND
        wanted = [self._drafts(work, item, room) for item in items]
        drafts = [draft for each in wanted for draft in each]
        inserted = await work.processes.insert([draft.process for draft in drafts])
        outcomes: list[list[IssuanceProcess] | Exception] = []
        for each in wanted:
            try:
                outcomes.append([await _outcome(work, draft, inserted) for draft in each])
            except AlreadyExists as conflict:
                outcomes.append(conflict)
        approved = [d for d in drafts if d.process.id in inserted and d.process.state is IssuanceState.APPROVED]
        if not room:
            return Stored(outcomes, [], None, left=bool(approved))
        return Stored(outcomes, [d.process for d in approved], _material(approved), left=False)

    def go_on(self, stored: Stored) -> None:
        """Generates what was stored and committed."""
        if stored.left:
            self._left()
        if stored.material is None:
            return
        for processes in parts(stored.processes):
            count = sum(len(process.definitions) for process in processes)
            self._in_hand += count
            self.run_on(self._generate(processes, stored.material, count), "accepted")

    async def _generate(self, processes: Sequence[IssuanceProcess], material: Material, count: int) -> None:
        try:
            await self._generation.finish(processes, material)
        except Problem as problem:
            log.warning("%d processes are generated when their lease ends: %s", len(processes), problem.message)
        except Exception as error:
            log.exception("%d processes are generated when their lease ends", len(processes), exc_info=error)
        finally:
            self._in_hand -= count

    def _drafts(self, work: CertifyWork, item: Wanted, room: bool) -> list[_Draft]:
        groups = [[definition] for definition in item.definitions] if item.split else [list(item.definitions)]
        return [
            _Draft(item, group, self._process(work, item, group, number, room)) for number, group in enumerate(groups)
        ]

    def _process(
        self, work: CertifyWork, item: Wanted, definitions: Sequence[CredentialDefinition], number: int, room: bool
    ) -> IssuanceProcess:
        required, window = approvals_needed(tuple(definitions))
        id_ = new_id(work.now)
        pid = item.holder_pid or item.call.request_id or str(id_)
        used = {id_ for definition in definitions for id_ in definition.attestations}
        due = work.now + self._generation.lease if room else work.now
        return IssuanceProcess(
            id=id_,
            tenant=item.tenant.name,
            state=IssuanceState.SUBMITTED if required else IssuanceState.APPROVED,
            protocol=item.protocol,
            protocol_version=item.protocol_version,
            holder_did=item.holder_did,
            holder_pid=f"{pid}#{number}" if item.split else pid,
            definitions=tuple(definition.ref for definition in definitions),
            claims={name: value for name, value in item.claims.items() if name in used},
            create_time=work.now,
            update_time=work.now,
            access_token=None if item.access_token is None else self._secrets.seal(item.access_token),
            phase=None if required else Phase.GENERATE,
            next_attempt_time=None if required else due,
            approvals_required=required,
            approval_deadline=None if window is None else work.now + window,
            delivery_deadline=None if required else work.now + self._delivery_window,
            submitter=item.call.caller,
        )


def _material(drafts: Sequence[_Draft]) -> Material:
    definitions: dict[str, dict[DefinitionRef, CredentialDefinition]] = {}
    sources: dict[str, dict[str, AttestationDefinition]] = {}
    for draft in drafts:
        tenant = draft.process.tenant
        definitions.setdefault(tenant, {}).update({each.ref: each for each in draft.definitions})
        sources.setdefault(tenant, {}).update(draft.wanted.sources)
    return Material(
        tenants={draft.process.tenant: draft.wanted.tenant for draft in drafts},
        definitions=definitions,
        sources=sources,
        contents={draft.process.id: draft.wanted.contents for draft in drafts},
    )


async def _outcome(work: CertifyWork, draft: _Draft, inserted: set[UUID]) -> IssuanceProcess:
    """The stored process, or the running one that it repeats."""
    process, wanted = draft.process, draft.wanted
    if process.id in inserted:
        # One may have come and ended while this one's attestations were looked at.
        await _demand_first(work, wanted.tenant, process.protocol, process.holder_did, process.holder_pid)
        with work.acting_for(wanted.call):
            work.emit(ProcessMoved(process))
            work.audit("issuance.accept", str(process.id), state=process.state, protocol=process.protocol)
        return process
    # Another request with the same holderPid came first, after this one had looked.
    running = await work.processes.open_by_pid(process.tenant, process.holder_did, process.holder_pid)
    found = await repeated(
        work,
        wanted.tenant,
        process.protocol,
        process.holder_did,
        process.holder_pid,
        running,
        {ref.id for ref in process.definitions},
    )
    if found is None:
        raise AlreadyExists(Reason.PROCESS_EXISTS, "the same request ended just now; send it again")
    return found


async def repeated(
    work: CertifyWork,
    tenant: Tenant,
    protocol: Protocol,
    holder_did: str,
    holder_pid: str,
    running: IssuanceProcess | None,
    wanted: set[str],
) -> IssuanceProcess | None:
    """``running`` if a request for ``wanted`` repeats it. AlreadyExists if its holderPid is taken, or is not wanted."""
    if running is not None:
        if {ref.id for ref in running.definitions} == wanted:
            return running
        raise AlreadyExists(
            Reason.PROCESS_EXISTS, "this holderPid is in use for other credentials; take another holderPid"
        )
    await _demand_first(work, tenant, protocol, holder_did, holder_pid)
    return None


async def _demand_first(
    work: CertifyWork, tenant: Tenant, protocol: Protocol, holder_did: str, holder_pid: str
) -> None:
    """AlreadyExists if the tenant wants each holderPid once, and this one was used by a process that ended."""
    once = tenant.dcp.conflict_after_terminal and protocol is Protocol.DCP
    if once and await work.processes.ended_by_pid(tenant.name, holder_did, holder_pid) is not None:
        raise AlreadyExists(Reason.PROCESS_EXISTS, "this holderPid was used before; take another holderPid")
