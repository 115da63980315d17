"""Generation: from persisted claims to signed, checked and stored credentials.

Two transactions with the signer between them. The first reserves ids and status entries and writes them down; the
second stores what was signed, with the events. A crash between them repeats the signing with the same ids and entries,
so that no entry is burned and no second credential exists. Nothing is signed that was not rendered and validated
before, and nothing is stored that separate code did not verify after.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import (
    CredentialDefinition,
    CredentialFormat,
    CredentialState,
    DefinitionRef,
    IssuedCredential,
    ReissuePolicy,
    StatusKind,
    StatusPlace,
    StatusPurpose,
)
from sealwright_common.domain.errors import FailedPrecondition, Internal, Problem, Reason, Unavailable
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuance import IssuanceError, IssuanceProcess, IssuanceState, Phase, Protocol
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.rules import moment

from sealwright_certify.ports import (
    AttestationDefinition,
    CertifyWork,
    CredentialWriter,
    Draft,
    Prepared,
    Signer,
    SigningKey,
    Store,
    Tenant,
    Unsigned,
    Wake,
)
from sealwright_certify.usecases.credentials import apply_state
from sealwright_certify.usecases.evaluate import Evaluator
from sealwright_certify.usecases.events import ProcessGenerated, ProcessMoved
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_certify.usecases.request_issuance import tenant_of

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a claimed process is left to its worker before another may take it."""

RETRY = timedelta(seconds=2)
"""Wait after a passing failure, such as the signer being away."""

MAX_BATCH = 50
"""Processes generated together."""

CHUNK = 100
"""Credentials signed together."""

CHUNKS_AT_ONCE = 3
"""Chunks on their way at a time: one rendered, one at the signer, one checked."""

_KEY_DOES_NOT_SIGN = (
    Reason.KEY_OUT_OF_WINDOW,
    Reason.KEY_NOT_USABLE,
    Reason.KEY_DISABLED,
    Reason.KEY_COMPROMISED,
)
"""The signer refuses this key for now; another may do."""


class Writers:
    """The credential writers by format."""

    def __init__(self, *writers: CredentialWriter) -> None:
        self._writers: dict[CredentialFormat, CredentialWriter] = {
            format_: writer for writer in writers for format_ in writer.formats
        }

    @property
    def formats(self) -> frozenset[CredentialFormat]:
        """Formats that can be written."""
        return frozenset(self._writers)

    def of(self, format_: CredentialFormat) -> CredentialWriter:
        """The writer of a format; FailedPrecondition if there is none."""
        writer = self._writers.get(format_)
        if writer is None:
            known = ", ".join(sorted(self._writers))
            raise FailedPrecondition(Reason.DEFINITION_INVALID, f"format {format_} cannot be written here; use {known}")
        return writer


@dataclass(frozen=True, slots=True)
class Made:
    """A process with what was made for it: credentials, or the problem that prevents them."""

    process: IssuanceProcess
    credentials: tuple[IssuedCredential, ...]
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class _Task:
    """One credential on its way through the signer."""

    process: IssuanceProcess
    draft: Draft
    writer: CredentialWriter
    unsigned: Unsigned


@dataclass(frozen=True, slots=True)
class Material:
    """What was read for a batch."""

    tenants: Mapping[str, Tenant]
    definitions: Mapping[str, Mapping[DefinitionRef, CredentialDefinition]]
    sources: Mapping[str, Mapping[str, AttestationDefinition]]
    prepared: Mapping[UUID, Sequence[Prepared]]


class Generation:
    """Generates the credentials of processes, in batches."""

    def __init__(
        self,
        store: Store,
        evaluator: Evaluator,
        writers: Writers,
        signer: Signer,
        keys: KeyCopy,
        clock: Clock,
        *,
        base_uri: str,
        list_size: int,
        generated: Wake,
        lease: timedelta = LEASE,
    ) -> None:
        self._store = store
        self._evaluator = evaluator
        self._writers = writers
        self._signer = signer
        self._keys = keys
        self._clock = clock
        self._base_uri = base_uri
        self._list_size = list_size
        self._generated = generated
        self._lease = lease

    async def run(self) -> bool:
        """Generates one batch of due processes; True if there may be more."""
        async with self._store.begin_system("generate") as work:
            processes = await work.processes.claim(
                Phase.GENERATE, work.now, self._lease, MAX_BATCH, retries=None, busy=()
            )
            if not processes:
                return False
            material = await self.prepare(work, processes)
        made = await self.make(processes, material)
        async with self._store.begin_system("generate") as work:
            await self.record(work, made, material)
        if any(result.credentials and result.process.protocol is Protocol.DCP for result in made):
            self._generated()
        return len(processes) == MAX_BATCH

    async def prepare(self, work: CertifyWork, processes: Sequence[IssuanceProcess]) -> Material:
        """Reserves what is not reserved yet and reads everything the batch needs."""
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
        prepared = await work.credentials.prepared([process.id for process in processes])
        known = {entry.process_id for entry in prepared}
        fresh: list[Prepared] = []
        for name in names:
            missing = [p for p in processes if p.tenant == name and p.id not in known]
            fresh += await self._reserve(work, name, missing, definitions[name])
        await work.credentials.prepare(fresh)
        by_process: dict[UUID, list[Prepared]] = {process.id: [] for process in processes}
        for entry in sorted((*prepared, *fresh), key=lambda entry: entry.position):
            by_process[entry.process_id].append(entry)
        return Material(tenants, definitions, sources, by_process)

    async def _reserve(
        self,
        work: CertifyWork,
        tenant: str,
        processes: Sequence[IssuanceProcess],
        definitions: Mapping[DefinitionRef, CredentialDefinition],
    ) -> list[Prepared]:
        wanted = [(p, position, definitions[ref]) for p in processes for position, ref in enumerate(p.definitions)]
        needs = [(status_needs(definition)) for _, _, definition in wanted]
        pools: dict[tuple[StatusKind, StatusPurpose], list[StatusPlace]] = {}
        # Always in the same order, so that two batches cannot wait for each other's lists.
        for need in sorted({need for group in needs for need in group}):
            count = sum(need in group for group in needs)
            pools[need] = await work.status.reserve(
                tenant, need[0], need[1], count, self._base_uri, self._list_size, work.now
            )
        valid_from = work.now.replace(microsecond=0)
        return [
            Prepared(
                id=new_id(work.now),
                process_id=process.id,
                position=position,
                definition=definition.ref,
                valid_from=valid_from,
                status=tuple(pools[need].pop() for need in group),
            )
            for (process, position, definition), group in zip(wanted, needs, strict=True)
        ]

    async def make(self, processes: Sequence[IssuanceProcess], material: Material) -> list[Made]:
        """Renders, signs and checks. A problem of one process does not touch the others.

        Works in chunks, several at a time: while the signer has one, another is rendered or checked in a thread, so
        that neither the signer nor the event loop waits for us.
        """
        problems: dict[UUID, Problem] = {}
        keys = await self._active_keys(processes, material, problems)
        entries = [(p, entry) for p in processes if p.tenant in keys for entry in material.prepared[p.id]]
        chunks = [entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK)]
        gate = asyncio.Semaphore(CHUNKS_AT_ONCE)
        made = await asyncio.gather(*(self._chunk(chunk, keys, material, problems, gate) for chunk in chunks))
        credentials: dict[UUID, list[IssuedCredential]] = {process.id: [] for process in processes}
        for chunk in made:
            for credential in chunk:
                credentials[credential.process_id].append(credential)
        return [
            Made(process, (), problems[process.id])
            if process.id in problems
            else Made(process, tuple(credentials[process.id]))
            for process in processes
        ]

    async def _active_keys(
        self, processes: Sequence[IssuanceProcess], material: Material, problems: dict[UUID, Problem]
    ) -> dict[str, SigningKey]:
        """The signing key of each tenant; one that has none is its own processes' problem."""
        keys: dict[str, SigningKey] = {}
        for name, tenant in material.tenants.items():
            try:
                keys[name] = await self._keys.active(tenant, self._clock.now())
            except Problem as problem:
                problems.update({process.id: problem for process in processes if process.tenant == name})
        return keys

    async def _chunk(
        self,
        entries: Sequence[tuple[IssuanceProcess, Prepared]],
        keys: Mapping[str, SigningKey],
        material: Material,
        problems: dict[UUID, Problem],
        gate: asyncio.Semaphore,
    ) -> list[IssuedCredential]:
        async with gate:
            tasks = await asyncio.to_thread(self._render, entries, keys, material, problems)
            signatures = await self._sign(tasks, problems)
            return await asyncio.to_thread(_finish, tasks, signatures, problems)

    def _render(
        self,
        entries: Sequence[tuple[IssuanceProcess, Prepared]],
        keys: Mapping[str, SigningKey],
        material: Material,
        problems: dict[UUID, Problem],
    ) -> list[_Task]:
        tasks: list[_Task] = []
        for process, entry in entries:
            try:
                tasks.append(self._task(process, entry, keys[process.tenant], material))
            except Exception as error:  # noqa: BLE001 - one process's surprise must not stop the others of its batch
                problems[process.id] = _as_problem(error, process.id)
        return tasks

    def _task(self, process: IssuanceProcess, entry: Prepared, key: SigningKey, material: Material) -> _Task:
        tenant = material.tenants[process.tenant]
        definition = material.definitions[process.tenant][entry.definition]
        content = self._evaluator.content(
            definition, material.sources[process.tenant], process.claims, process.holder_did
        )
        draft = self.draft(tenant, definition, key, process.holder_did, content, entry)
        writer = self._writers.of(definition.format)
        return _Task(process, draft, writer, writer.prepare(draft))

    def draft(
        self,
        tenant: Tenant,
        definition: CredentialDefinition,
        key: SigningKey,
        holder_did: str,
        content: JsonObject,
        entry: Prepared,
        holder_jwk: Mapping[str, str] | None = None,
    ) -> Draft:
        """The draft of one credential; its end is the definition's validity or an earlier mapped expiration."""
        rest = {name: value for name, value in content.items() if name not in ("expirationDate", "validUntil")}
        return Draft(
            id=entry.id,
            definition=definition,
            issuer=tenant,
            key=key,
            holder_did=holder_did,
            holder_jwk=holder_jwk,
            content=rest,
            valid_from=entry.valid_from,
            valid_until=_end(definition, content, entry.valid_from),
            status=entry.status,
            schema_uri=self.schema_uri(tenant, definition),
        )

    def schema_uri(self, tenant: Tenant, definition: CredentialDefinition) -> str | None:
        """Where a definition's JSON Schema is served; None if it has none."""
        if definition.schema is None:
            return None
        return f"{self._base_uri}/schemas/{tenant.name}/{definition.id}/{definition.version}"

    async def _sign(self, tasks: Sequence[_Task], problems: dict[UUID, Problem]) -> dict[UUID, bytes]:
        groups: dict[tuple[str, SigningKey], list[_Task]] = {}
        for task in tasks:
            groups.setdefault((task.process.tenant, task.draft.key), []).append(task)
        signed: dict[UUID, bytes] = {}
        for (tenant, key), group in groups.items():
            try:
                signatures = await self._signer.sign(tenant, key, [task.unsigned.signing_input for task in group])
            except Problem as problem:
                if problem.reason in _KEY_DOES_NOT_SIGN:
                    self._keys.forget(tenant)
                problems.update({task.process.id: problem for task in group})
                continue
            signed.update({task.draft.id: value for task, value in zip(group, signatures, strict=True)})
        return signed

    async def record(self, work: CertifyWork, made: Sequence[Made], material: Material) -> list[IssuanceProcess]:
        """The second transaction: stores what was made, moves the processes on and returns them as they are then.

        Processes that another instance took over and finished, because our lease had ended, are left out: what was made
        for them here is forgotten, so that one signature alone is ever seen.
        """
        moved = [_moved(result, work.now) for result in made]
        own = await work.processes.save(moved, from_phase=Phase.GENERATE)
        recorded = [(result, process) for result, process in zip(made, moved, strict=True) if process.id in own]
        for tenant in sorted({process.tenant for _, process in recorded}):
            credentials = [c for result, process in recorded if process.tenant == tenant for c in result.credentials]
            await work.credentials.store(tenant, credentials)
        for result, process in recorded:
            await _supersede(work, result, material.definitions[process.tenant])
            _tell(work, result, process)
        return [process for _, process in recorded]


def _moved(result: Made, now: datetime) -> IssuanceProcess:
    """Where a process stands after generation. One whose holder fetches the credentials itself is DELIVERED at once."""
    if result.problem is not None:
        return _failed(result.process, result.problem, now)
    generated = result.process.generated(now)
    return generated if result.process.protocol is Protocol.DCP else generated.delivered(now)


def _failed(process: IssuanceProcess, problem: Problem, now: datetime) -> IssuanceProcess:
    """Postponed if the problem passes and there is time left, else ERRORED."""
    passing = isinstance(problem, Unavailable) or problem.reason in (
        *_KEY_DOES_NOT_SIGN,
        Reason.NO_ACTIVE_KEY,
        Reason.RATE_LIMITED,
        Reason.OVERLOADED,
        Reason.DEADLINE_PASSED,
    )
    if passing and (process.delivery_deadline is None or now < process.delivery_deadline):
        return process.postponed(now + RETRY, now, unknown=False)
    return process.fail(IssuanceError.GENERATION_FAILED, f"{problem.reason}: {problem.message}", now)


async def _supersede(
    work: CertifyWork, result: Made, definitions: Mapping[DefinitionRef, CredentialDefinition]
) -> None:
    """Revokes what the definitions say a new credential replaces (R4)."""
    ids = [credential.id for credential in result.credentials]
    for credential in result.credentials:
        if definitions[credential.definition].on_reissue is ReissuePolicy.REVOKE_PREVIOUS:
            previous = await work.credentials.previous(
                result.process.tenant, credential.holder_did, credential.definition.id, ids
            )
            await apply_state(work, result.process.tenant, previous, CredentialState.REVOKED, "superseded")


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


def _finish(
    tasks: Sequence[_Task], signatures: Mapping[UUID, bytes], problems: dict[UUID, Problem]
) -> list[IssuedCredential]:
    """Completes and checks what was signed; what does not check is its process's problem."""
    issued: list[IssuedCredential] = []
    for task in tasks:
        signature = signatures.get(task.draft.id)
        if signature is None:
            continue
        try:
            payload = task.writer.complete(task.unsigned, signature)
            task.writer.check(payload, task.draft)
            issued.append(_issued(task, payload))
        except Exception as error:  # noqa: BLE001 - as while rendering
            problems[task.process.id] = _as_problem(error, task.process.id)
    return issued


def _as_problem(error: Exception, process_id: UUID) -> Problem:
    """What went wrong with one process; what we did not foresee is logged and named by its class alone."""
    if isinstance(error, Problem):
        return error
    log.exception("process %s cannot be generated", process_id, exc_info=error)
    return Internal(Reason.INTERNAL_ERROR, f"generation failed with {type(error).__name__}")


def status_needs(definition: CredentialDefinition) -> tuple[tuple[StatusKind, StatusPurpose], ...]:
    """The status lists a credential of ``definition`` is entered in. A token list holds all purposes in one entry."""
    kind = definition.format.status_kind
    if kind is StatusKind.TOKEN:
        return ((kind, StatusPurpose.REVOCATION),) if definition.status_purposes else ()
    return tuple((kind, purpose) for purpose in definition.status_purposes)


def _end(definition: CredentialDefinition, content: JsonObject, valid_from: datetime) -> datetime | None:
    """The earlier of the definition's validity and an expiration among the content; a past one is refused."""
    ends = [] if definition.validity is None else [valid_from + definition.validity]
    for name in ("expirationDate", "validUntil"):
        value = content.get(name)
        if value is None:
            continue
        mapped = moment(value)
        if mapped is None:
            raise FailedPrecondition(Reason.CLAIMS_INVALID, f"{name}: expected an ISO 8601 date or date-time")
        ends.append(mapped.replace(microsecond=0))
    end = min(ends, default=None)
    if end is not None and end <= valid_from:
        raise FailedPrecondition(Reason.CLAIMS_INVALID, "the claims say that it has expired already")
    return end


def _issued(task: _Task, payload: str) -> IssuedCredential:
    draft = task.draft
    if len(payload) > 1024 * 1024:
        raise Internal(Reason.INTERNAL_ERROR, f"credential {draft.id} came out larger than 1 MiB")
    return IssuedCredential(
        id=draft.id,
        process_id=task.process.id,
        definition=draft.definition.ref,
        credential_type=draft.definition.credential_type,
        format=draft.definition.format,
        holder_did=draft.holder_did,
        key_id=draft.key.method,
        payload=payload,
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
        status=draft.status,
    )
