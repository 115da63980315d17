"""Making credentials: rendered, signed in batches, checked by separate code; nothing is written down here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar
from uuid import UUID

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import (
    CredentialDefinition,
    CredentialFormat,
    DefinitionRef,
    IssuedCredential,
)
from sealwright_common.domain.errors import FailedPrecondition, Internal, Problem, Reason
from sealwright_common.domain.issuance import IssuanceProcess
from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.ports import (
    AttestationDefinition,
    CredentialWriter,
    Draft,
    Prepared,
    SignatureChecks,
    Signed,
    Signer,
    SigningKey,
    Tenant,
    Unsigned,
)
from sealwright_certify.usecases.evaluate import ENDS, Evaluator, end_of
from sealwright_certify.usecases.keys import KeyCopy

V = TypeVar("V")
log = logging.getLogger(__name__)

AT_ONCE = 3
"""Batches on their way at a time: one rendered, one at the signer, one checked. Small ones pass them by."""

SMALL = 20
"""Most credentials of a small batch."""

TURN = 0.002
"""Seconds of rendering or checking after which others have their turn; a single credential is not interrupted."""

KEY_DOES_NOT_SIGN = (
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


class _Task(NamedTuple):
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
    contents: Mapping[UUID, Mapping[DefinitionRef, JsonObject]] = field(
        default_factory=dict[UUID, Mapping[DefinitionRef, JsonObject]]
    )
    """Content by process, where it is known already; it is made of the process's claims otherwise."""


class Making:
    """Makes the credentials of processes."""

    def __init__(
        self,
        evaluator: Evaluator,
        writers: Writers,
        signer: Signer,
        checks: SignatureChecks,
        keys: KeyCopy,
        clock: Clock,
        *,
        base_uri: str,
    ) -> None:
        self._evaluator = evaluator
        self._writers = writers
        self._signer = signer
        self._checks = checks
        self._keys = keys
        self._clock = clock
        self._base_uri = base_uri
        self._gate = asyncio.Semaphore(AT_ONCE)

    def turn(self, count: int) -> AbstractAsyncContextManager[None]:
        """To be held while ``count`` credentials are made: small batches pass, others take turns."""
        return self._gate if count > SMALL else nullcontext()

    async def make(
        self, processes: Sequence[IssuanceProcess], prepared: Mapping[UUID, Sequence[Prepared]], material: Material
    ) -> list[Made]:
        """Renders, signs and checks; a problem of one process does not touch the others.

        On the event loop, in short turns: threads would only wait for each other at the interpreter's lock. But for
        the signatures, which a process of their own verifies.
        """
        problems: dict[UUID, Problem] = {}
        keys = await self._active_keys(processes, material, problems)
        entries = [(p, entry) for p in processes if p.tenant in keys for entry in prepared[p.id]]
        tasks = await self._render(entries, keys, material, problems)
        issued = await self._finish(tasks, await self._sign(tasks, problems), problems)
        credentials: dict[UUID, list[IssuedCredential]] = {process.id: [] for process in processes}
        for credential in issued:
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

    async def _render(
        self,
        entries: Sequence[tuple[IssuanceProcess, Prepared]],
        keys: Mapping[str, SigningKey],
        material: Material,
        problems: dict[UUID, Problem],
    ) -> list[_Task]:
        tasks: list[_Task] = []
        async for process, entry in self._in_turns(entries):
            try:
                tasks.append(self._task(process, entry, keys[process.tenant], material))
            except Exception as error:  # noqa: BLE001 - one process's surprise must not stop the others of its batch
                problems[process.id] = _as_problem(error, process.id)
        return tasks

    async def _finish(
        self, tasks: Sequence[_Task], signatures: Mapping[UUID, bytes], problems: dict[UUID, Problem]
    ) -> list[IssuedCredential]:
        """Completes and checks what was signed; what does not check is its process's problem."""
        issued: list[IssuedCredential] = []
        unverified: list[tuple[_Task, Signed]] = []
        async for task in self._in_turns([task for task in tasks if task.draft.id in signatures]):
            try:
                payload = task.writer.complete(task.unsigned, signatures[task.draft.id])
                unverified += [(task, signed) for signed in task.writer.check(payload, task.draft)]
                issued.append(_issued(task, payload))
            except Exception as error:  # noqa: BLE001 - as while rendering
                problems[task.process.id] = _as_problem(error, task.process.id)
        try:
            verdicts = await self._checks.good([signed for _, signed in unverified])
        except Problem as problem:
            problems.update({task.process.id: problem for task, _ in unverified})
            return issued
        for (task, _), good in zip(unverified, verdicts, strict=True):
            if not good:
                problems[task.process.id] = Internal(
                    Reason.SIGNATURE_FAULTY, f"credential {task.draft.id} does not verify: signature"
                )
        return issued

    async def _in_turns(self, items: Sequence[V]) -> AsyncIterator[V]:
        """The items, with a turn for others after every few milliseconds."""
        until = self._clock.monotonic() + TURN
        for item in items:
            yield item
            if self._clock.monotonic() >= until:
                await asyncio.sleep(0)
                until = self._clock.monotonic() + TURN

    def _task(self, process: IssuanceProcess, entry: Prepared, key: SigningKey, material: Material) -> _Task:
        tenant = material.tenants[process.tenant]
        definition = material.definitions[process.tenant][entry.definition]
        content = material.contents.get(process.id, {}).get(entry.definition)
        if content is None:
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
        rest = {name: value for name, value in content.items() if name not in ENDS}
        return Draft(
            id=entry.id,
            definition=definition,
            issuer=tenant,
            key=key,
            holder_did=holder_did,
            holder_jwk=holder_jwk,
            content=rest,
            valid_from=entry.valid_from,
            valid_until=end_of(definition, content, entry.valid_from),
            status=entry.status,
            schema_uri=f"{self.schema_uri(tenant, definition)}/credential" if definition.schema else None,
        )

    def schema_uri(self, tenant: Tenant, definition: CredentialDefinition) -> str:
        """Where the JSON Schema of a definition's subjects is served; of its credentials under ``/credential``."""
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
                if problem.reason in KEY_DOES_NOT_SIGN:
                    self._keys.forget(tenant)
                problems.update({task.process.id: problem for task in group})
                continue
            signed.update({task.draft.id: value for task, value in zip(group, signatures, strict=True)})
        return signed


def _as_problem(error: Exception, process_id: UUID) -> Problem:
    """What went wrong with one process; what we did not foresee is logged and named by its class alone."""
    if isinstance(error, Problem):
        return error
    log.exception("process %s cannot be generated", process_id, exc_info=error)
    return Internal(Reason.INTERNAL_ERROR, f"generation failed with {type(error).__name__}")


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
