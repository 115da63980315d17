"""Accepting a request for credentials: verify, store, acknowledge. Every door comes here.

The acknowledgement follows the commit (R25). A request that repeats a running one of the same holder and holderPid for
the same credentials gets the same process; for other credentials it is refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import CredentialDefinition
from sealwright_common.domain.errors import (
    InvalidArgument,
    NotFound,
    Problem,
    Reason,
    ResourceExhausted,
)
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Phase, Protocol
from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.ports import AttestationContext, AttestationDefinition, CertifyWork, Store, Tenant
from sealwright_certify.usecases.accept import Acceptance, Wanted, repeated
from sealwright_certify.usecases.catalogue import Catalogue
from sealwright_certify.usecases.evaluate import Evaluator, Verdict, definitions_for, sources_for
from sealwright_certify.usecases.tenants import Tenants, no_issuer

MAX_OPEN_PER_HOLDER = 100
"""Most running processes of one holder; more are refused until some end (R27)."""


@dataclass(frozen=True, slots=True)
class RequestIssuance:
    """A holder's wish, as every door says it (R8)."""

    holder_did: str
    definition_ids: tuple[str, ...]
    protocol: Protocol
    protocol_version: str
    holder_pid: str = ""
    """The holder's own id; empty takes the call's request id."""
    access_token: str | None = None
    """The holder's token; goes back with presentation queries and the delivery."""
    pushed: Mapping[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    split: bool = False
    """One process per definition instead of one for all (R9)."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a request would meet."""

    verdict: Verdict
    problems: tuple[str, ...]
    """Why the claims, though attested and within the rules, make no credential."""

    @property
    def accepted(self) -> bool:
        """Whether the request would be."""
        return self.verdict.accepted and not self.problems


class IssuanceRequests:
    """Accepts requests and tells what a request would meet."""

    def __init__(
        self,
        store: Store,
        tenants: Tenants,
        evaluator: Evaluator,
        acceptance: Acceptance,
        accept: Callable[[Wanted], Awaitable[list[IssuanceProcess]]],
        catalogue: Catalogue,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._tenants = tenants
        self._evaluator = evaluator
        self._acceptance = acceptance
        self._accept = accept

    async def request(self, call: Call, command: RequestIssuance) -> list[IssuanceProcess]:
        """The accepted processes: one, or one per definition when split.

        Raises NotFound for definitions the tenant does not have, PermissionDenied for missing attestations and failed
        rules, AlreadyExists for a conflicting repeat, ResourceExhausted past the holder's limit of running processes.
        """
        tenant = await self._tenant(call)
        offered = await self._catalogue.of(call.tenant, command.definition_ids)
        definitions, sources = offered.definitions, offered.sources
        self._demand_deliverable(command, definitions)
        async with self._store.read() as work:
            running, same = await work.processes.running(
                call.tenant, command.holder_did, command.holder_pid, MAX_OPEN_PER_HOLDER
            )
            if command.holder_pid and not command.split:
                wanted = {definition.id for definition in definitions}
                found = await repeated(
                    work, tenant, command.protocol, command.holder_did, command.holder_pid, same, wanted
                )
                if found is not None:
                    return [found]
            await self._demand_holder(work, tenant, command)
            if running >= MAX_OPEN_PER_HOLDER:
                raise ResourceExhausted(
                    Reason.RATE_LIMITED,
                    f"the holder has {MAX_OPEN_PER_HOLDER} running processes; wait until some end",
                    retry_after=timedelta(seconds=30),
                )
        verdict = await self._verify(call, command, definitions, sources)
        verdict.demand()
        accepted = Wanted(
            call=call,
            holder_did=command.holder_did,
            holder_pid=command.holder_pid,
            protocol=command.protocol,
            protocol_version=command.protocol_version,
            access_token=command.access_token,
            split=command.split,
            tenant=tenant,
            definitions=definitions,
            sources=sources,
            claims=verdict.claims,
            contents=self._evaluator.contents(definitions, sources, verdict.claims, command.holder_did),
        )
        # What may turn out to be a second use when it is stored already is stored alone, to be undone alone.
        if call.request_id is None and not command.split and not tenant.dcp.conflict_after_terminal:
            return await self._accept(accepted)
        return await self._accept_alone(accepted)

    async def check(self, call: Call, command: RequestIssuance) -> Check:
        """What ``command`` would meet; nothing is stored."""
        async with self._store.read() as work:
            definitions = await definitions_for(work, call.tenant, command.definition_ids)
            sources = await sources_for(work, call.tenant, definitions)
        verdict = await self._verify(call, command, definitions, sources)
        problems: list[str] = []
        for definition in definitions if verdict.accepted else ():
            try:
                self._evaluator.content(definition, sources, verdict.claims, command.holder_did)
            except Problem as problem:
                problems.append(problem.message)
        return Check(verdict, tuple(problems))

    async def _verify(
        self,
        call: Call,
        command: RequestIssuance,
        definitions: Sequence[CredentialDefinition],
        sources: Mapping[str, AttestationDefinition],
    ) -> Verdict:
        remaining = call.remaining()
        context = AttestationContext(
            tenant=call.tenant,
            holder_did=command.holder_did,
            access_token=command.access_token,
            pushed=command.pushed,
            remaining=5.0 if remaining is None else remaining,
        )
        return await self._evaluator.verify(definitions, sources, context)

    async def _accept_alone(self, wanted: Wanted) -> list[IssuanceProcess]:
        """Stores a request in the transaction that remembers its answer."""
        async with self._store.begin(wanted.call) as work:
            stored = await self._acceptance.store(work, [wanted])
            outcome = stored.outcomes[0]
            if isinstance(outcome, Exception):
                raise outcome
            work.answer(outcome)
        self._acceptance.go_on(stored)
        return outcome

    async def _tenant(self, call: Call) -> Tenant:
        """The tenant's issuing side, at most a second old; FailedPrecondition if it was never stored."""
        try:
            return await self._tenants.current(call)
        except NotFound:
            raise no_issuer(call.tenant) from None

    async def _demand_holder(self, work: CertifyWork, tenant: Tenant, command: RequestIssuance) -> None:
        if command.protocol is not Protocol.DCP or tenant.dcp.allow_unknown_holders:
            return
        if await work.holders.get(tenant.name, command.holder_did) is None:
            raise NotFound(Reason.HOLDER_UNKNOWN, "this tenant serves known holders only; StoreHolder adds one")

    @staticmethod
    def _demand_deliverable(command: RequestIssuance, definitions: Sequence[CredentialDefinition]) -> None:
        if command.protocol is not Protocol.DCP:
            return
        if wrong := [definition.id for definition in definitions if not definition.format.dcp]:
            raise InvalidArgument.of("credentials", f"definitions in a DCP profile; {', '.join(wrong)} is in none")


class IssuanceQueries:
    """Shows processes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, call: Call, id_: UUID) -> tuple[IssuanceProcess, tuple[UUID, ...]]:
        """A process with the ids of its credentials; NotFound."""
        async with self._store.read() as work:
            process = await work.processes.get(call.tenant, id_)
            if process is None:
                raise not_found(id_)
            return process, await _credential_ids(work, process)

    async def credential_ids(self, process: IssuanceProcess) -> tuple[UUID, ...]:
        """The credentials of a process, as far as it has them."""
        async with self._store.read() as work:
            return await _credential_ids(work, process)

    async def standing(self, call: Call, id_: UUID) -> IssuanceProcess:
        """A process as its holder sees it: what failed and is delivered again stands where that does. NotFound."""
        async with self._store.read() as work:
            process = await work.processes.get(call.tenant, id_)
            if process is None:
                raise not_found(id_)
            again = await work.processes.last_child(process) if process.state is IssuanceState.ERRORED else None
        return again or process

    async def page(
        self, call: Call, state: IssuanceState | None, holder_did: str, before: UUID | None, limit: int
    ) -> list[IssuanceProcess]:
        """Processes newest first, those before ``before``."""
        async with self._store.read() as work:
            return await work.processes.page(call.tenant, state, holder_did, before, limit)


async def _credential_ids(work: CertifyWork, process: IssuanceProcess) -> tuple[UUID, ...]:
    credentials = await work.credentials.of_processes(process.tenant, [process.parent_id or process.id])
    return tuple(credential.id for credential in credentials)


def not_found(id_: UUID) -> NotFound:
    """The answer to an unknown process."""
    return NotFound(Reason.PROCESS_NOT_FOUND, f"process {id_} does not exist; ListIssuances shows what there is")


def child_of(parent: IssuanceProcess, work: CertifyWork, call: Call, window: timedelta) -> IssuanceProcess:
    """A process that delivers again what ``parent`` generated (R30)."""
    return replace(
        parent,
        id=new_id(work.now),
        parent_id=parent.parent_id or parent.id,
        state=IssuanceState.APPROVED,
        create_time=work.now,
        update_time=work.now,
        version=1,
        error=None,
        error_detail="",
        rejection_reason="",
        phase=Phase.DELIVER,
        attempts=0,
        next_attempt_time=work.now,
        delivery_deadline=work.now + window,
        submitter=call.caller,
        approvals=(),
        approvals_required=0,
        approval_deadline=None,
    )
