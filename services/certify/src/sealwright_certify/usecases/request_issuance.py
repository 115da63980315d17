"""Accepting a request for credentials: verify, store, acknowledge. Every door comes here.

The acknowledgement follows the commit (R25). A request that repeats a running one of the same holder and holderPid for
the same credentials gets the same process; for other credentials it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import CredentialDefinition
from sealwright_common.domain.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Reason,
    ResourceExhausted,
)
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Phase, Protocol, approvals_needed
from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.ports import (
    AttestationContext,
    AttestationDefinition,
    CertifyWork,
    Secrets,
    Store,
    Tenant,
    Wake,
)
from sealwright_certify.usecases.evaluate import Evaluator, Verdict, definitions_for, sources_for
from sealwright_certify.usecases.events import ProcessMoved

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


class IssuanceRequests:
    """Accepts requests and tells what a request would meet."""

    def __init__(
        self,
        store: Store,
        evaluator: Evaluator,
        secrets: Secrets,
        wake: Wake,
        delivery_window: timedelta,
    ) -> None:
        self._store = store
        self._evaluator = evaluator
        self._secrets = secrets
        self._wake = wake
        self._delivery_window = delivery_window

    async def request(self, call: Call, command: RequestIssuance) -> list[IssuanceProcess]:
        """The accepted processes: one, or one per definition when split.

        Raises NotFound for definitions the tenant does not have, PermissionDenied for missing attestations and failed
        rules, AlreadyExists for a conflicting repeat, ResourceExhausted past the holder's limit of running processes.
        """
        async with self._store.read() as work:
            tenant = await tenant_of(work, call.tenant)
            definitions = await definitions_for(work, call.tenant, command.definition_ids)
            self._demand_deliverable(command, definitions)
            if command.holder_pid and not command.split:
                repeated = await self._repeated(work, tenant, command, definitions)
                if repeated is not None:
                    return [repeated]
            sources = await sources_for(work, call.tenant, definitions)
            await self._demand_holder(work, tenant, command)
            if (
                await work.processes.count_open(call.tenant, command.holder_did, MAX_OPEN_PER_HOLDER)
                >= MAX_OPEN_PER_HOLDER
            ):
                raise ResourceExhausted(
                    Reason.RATE_LIMITED,
                    f"the holder has {MAX_OPEN_PER_HOLDER} running processes; wait until some end",
                    retry_after=timedelta(seconds=30),
                )
        verdict = await self._verify(call, command, definitions, sources)
        verdict.demand()
        for definition in definitions:
            self._evaluator.content(definition, sources, verdict.claims, command.holder_did)
        processes = await self._accept(call, command, definitions, verdict, tenant)
        if any(process.state is IssuanceState.APPROVED for process in processes):
            self._wake()
        return processes

    async def check(self, call: Call, command: RequestIssuance) -> Check:
        """What ``command`` would meet; nothing is stored."""
        async with self._store.read() as work:
            definitions = await definitions_for(work, call.tenant, command.definition_ids)
            sources = await sources_for(work, call.tenant, definitions)
        return Check(await self._verify(call, command, definitions, sources))

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

    async def _accept(
        self,
        call: Call,
        command: RequestIssuance,
        definitions: Sequence[CredentialDefinition],
        verdict: Verdict,
        tenant: Tenant,
    ) -> list[IssuanceProcess]:
        groups = [[definition] for definition in definitions] if command.split else [list(definitions)]
        async with self._store.begin(call) as work:
            accepted: list[IssuanceProcess] = []
            for number, group in enumerate(groups):
                process = self._process(work, call, command, group, verdict, number)
                if not await work.processes.insert(process):
                    # Another request with the same holderPid came first, after we looked.
                    repeated = await self._repeated(work, tenant, command, group)
                    if repeated is None:
                        raise AlreadyExists(Reason.PROCESS_EXISTS, "the same request ended just now; send it again")
                    process = repeated
                else:
                    if tenant.dcp.conflict_after_terminal and process.protocol is Protocol.DCP:
                        # One may have come and ended while we looked at this one's attestations.
                        await self._demand_first(work, tenant, command)
                    work.emit(ProcessMoved(process))
                    work.audit("issuance.accept", str(process.id), state=process.state, protocol=process.protocol)
                accepted.append(process)
            return work.answer(accepted)

    def _process(
        self,
        work: CertifyWork,
        call: Call,
        command: RequestIssuance,
        definitions: Sequence[CredentialDefinition],
        verdict: Verdict,
        number: int,
    ) -> IssuanceProcess:
        required, window = approvals_needed(tuple(definitions))
        id_ = new_id(work.now)
        pid = command.holder_pid or call.request_id or str(id_)
        used = {id_ for definition in definitions for id_ in definition.attestations}
        return IssuanceProcess(
            id=id_,
            tenant=call.tenant,
            state=IssuanceState.SUBMITTED if required else IssuanceState.APPROVED,
            protocol=command.protocol,
            protocol_version=command.protocol_version,
            holder_did=command.holder_did,
            holder_pid=f"{pid}#{number}" if command.split else pid,
            definitions=tuple(definition.ref for definition in definitions),
            claims={name: value for name, value in verdict.claims.items() if name in used},
            create_time=work.now,
            update_time=work.now,
            access_token=None if command.access_token is None else self._secrets.seal(command.access_token),
            phase=None if required else Phase.GENERATE,
            next_attempt_time=None if required else work.now,
            approvals_required=required,
            approval_deadline=None if window is None else work.now + window,
            delivery_deadline=None if required else work.now + self._delivery_window,
            submitter=call.caller,
        )

    async def _repeated(
        self,
        work: CertifyWork,
        tenant: Tenant,
        command: RequestIssuance,
        definitions: Sequence[CredentialDefinition],
    ) -> IssuanceProcess | None:
        """The running process that this request repeats, if it does. AlreadyExists if it asks for something else."""
        wanted = {definition.id for definition in definitions}
        running = await work.processes.open_by_pid(tenant.name, command.holder_did, command.holder_pid)
        if running is not None:
            if {ref.id for ref in running.definitions} == wanted:
                return running
            raise AlreadyExists(
                Reason.PROCESS_EXISTS, "this holderPid is in use for other credentials; take another holderPid"
            )
        if tenant.dcp.conflict_after_terminal and command.protocol is Protocol.DCP:
            await self._demand_first(work, tenant, command)
        return None

    @staticmethod
    async def _demand_first(work: CertifyWork, tenant: Tenant, command: RequestIssuance) -> None:
        ended = await work.processes.ended_by_pid(tenant.name, command.holder_did, command.holder_pid)
        if ended is not None:
            raise AlreadyExists(Reason.PROCESS_EXISTS, "this holderPid was used before; take another holderPid")

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


async def tenant_of(work: CertifyWork, name: str) -> Tenant:
    """The tenant's issuing side; FailedPrecondition if it was never stored."""
    tenant = await work.tenants.get(name)
    if tenant is None:
        raise FailedPrecondition(
            Reason.ISSUER_UNKNOWN, f"tenant {name} has no DID and keys yet; store them with StoreTenant"
        )
    return tenant


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
            credentials = await work.credentials.of_processes(call.tenant, [process.parent_id or process.id])
        return process, tuple(credential.id for credential in credentials)

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
