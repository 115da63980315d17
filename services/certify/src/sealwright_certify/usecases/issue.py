"""Issuing one credential at once: the whole process inside one call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import CredentialDefinition, IssuedCredential
from sealwright_common.domain.errors import Aborted, FailedPrecondition, NotFound, Reason
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Phase, Protocol
from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.ports import AttestationContext, CertifyWork, Store
from sealwright_certify.usecases.evaluate import Evaluator, definitions_for, sources_for
from sealwright_certify.usecases.events import ProcessMoved
from sealwright_certify.usecases.generate import LEASE, Generation


@dataclass(frozen=True, slots=True)
class IssueCredential:
    """One definition, one holder, and what the caller vouches for."""

    definition_id: str
    holder_did: str
    pushed: Mapping[str, JsonObject] = field(default_factory=dict[str, JsonObject])


@dataclass(frozen=True, slots=True)
class Issued:
    """The credential and the process that recorded it."""

    credential: IssuedCredential
    process: IssuanceProcess


class Issue:
    """Issues at once."""

    def __init__(self, store: Store, evaluator: Evaluator, generation: Generation) -> None:
        self._store = store
        self._evaluator = evaluator
        self._generation = generation

    async def __call__(self, call: Call, command: IssueCredential) -> Issued:
        """The signed and checked credential.

        Raises NotFound, PermissionDenied (attestations, rules), FailedPrecondition (claims, approval), Unavailable.
        Repeating the call with its request id gives the same credential, whatever happened in between.
        """
        async with self._store.read() as work:
            earlier = await self._earlier(work, call, command)
            if earlier is not None:
                return earlier
            definition = (await definitions_for(work, call.tenant, [command.definition_id]))[0]
            sources = await sources_for(work, call.tenant, [definition])
        if definition.approvals_required:
            raise FailedPrecondition(
                Reason.PROCESS_STATE_CONFLICT, f"definition {definition.id} needs approval; use RequestIssuance"
            )
        remaining = call.remaining()
        context = AttestationContext(
            tenant=call.tenant,
            holder_did=command.holder_did,
            pushed=command.pushed,
            remaining=5.0 if remaining is None else remaining,
        )
        verdict = await self._evaluator.verify([definition], sources, context)
        verdict.demand()
        self._evaluator.content(definition, sources, verdict.claims, command.holder_did)
        async with self._store.begin_system("issue", call.tenant) as work:
            process = _process(work, call, command, definition, verdict.claims)
            if not await work.processes.insert([process]):
                raise Aborted(Reason.CONFLICT, "the same request is being worked on; repeat it for its answer")
            work.emit(ProcessMoved(process))
            material = await self._generation.read(work, [process])
        made = await self._generation.make([process], material)
        async with self._store.begin(call) as work:
            recorded = await self._generation.record(work, made)
            if not recorded:
                raise Aborted(Reason.CONFLICT, "another instance took this request over; repeat it for its answer")
            process = recorded[0].process
            if made[0].problem is None:
                work.audit("credential.issue", str(made[0].credentials[0].id), definition=definition.id)
                return work.answer(Issued(made[0].credentials[0], process))
        raise made[0].problem

    async def _earlier(self, work: CertifyWork, call: Call, command: IssueCredential) -> Issued | None:
        """What an earlier try of the same request id came to, should its answer have been lost."""
        if call.request_id is None:
            return None
        process = await work.processes.ended_by_pid(call.tenant, command.holder_did, call.request_id)
        if process is None or process.state is not IssuanceState.DELIVERED:
            return None
        credentials = await work.credentials.of_processes(call.tenant, [process.id])
        if [credential.definition.id for credential in credentials] != [command.definition_id]:
            raise NotFound(
                Reason.CREDENTIAL_NOT_FOUND, "this request_id was used for another request; take a fresh one"
            )
        return Issued(credentials[0], process)


def _process(
    work: CertifyWork, call: Call, command: IssueCredential, definition: CredentialDefinition, claims: JsonObject
) -> IssuanceProcess:
    id_ = new_id(work.now)
    return IssuanceProcess(
        id=id_,
        tenant=call.tenant,
        state=IssuanceState.APPROVED,
        protocol=Protocol.GRPC,
        protocol_version="1",
        holder_did=command.holder_did,
        holder_pid=call.request_id or str(id_),
        definitions=(definition.ref,),
        claims=claims,
        create_time=work.now,
        update_time=work.now,
        phase=Phase.GENERATE,
        # The worker takes it over only if this call is cut off.
        next_attempt_time=work.now + LEASE,
        delivery_deadline=work.now + 10 * LEASE,
        submitter=call.caller,
    )
