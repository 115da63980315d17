"""Credential definitions: stored whole or not at all, shown, tried, taken out of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import (
    CredentialDefinition,
    DefinitionRef,
    StatusPlace,
    StatusPurpose,
    problems,
)
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, NotFound, Problem, Reason
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.rules import RuleOutcome, evaluate_all

from sealwright_certify.ports import (
    AttestationDefinition,
    CertifyWork,
    Prepared,
    SchemaEngine,
    Store,
    TemplateEngine,
)
from sealwright_certify.usecases.catalogue import Catalogue
from sealwright_certify.usecases.evaluate import Evaluator, claims_view
from sealwright_certify.usecases.events import DefinitionDeleted, DefinitionStored
from sealwright_certify.usecases.generate import status_needs
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_certify.usecases.making import Making, Writers
from sealwright_certify.usecases.tenants import tenant_of


@dataclass(frozen=True, slots=True)
class Trial:
    """What a definition makes of some claims."""

    outcomes: tuple[RuleOutcome, ...]
    signing_input: bytes
    """What would be signed; empty if something is in the way."""
    problems: tuple[str, ...]


class Definitions:
    """Stores, shows and tries definitions."""

    def __init__(
        self,
        store: Store,
        evaluator: Evaluator,
        writers: Writers,
        templates: TemplateEngine,
        schemas: SchemaEngine,
        making: Making,
        keys: KeyCopy,
        catalogue: Catalogue,
    ) -> None:
        self._store = store
        self._evaluator = evaluator
        self._writers = writers
        self._templates = templates
        self._schemas = schemas
        self._making = making
        self._keys = keys
        self._catalogue = catalogue

    async def store(self, call: Call, definition: CredentialDefinition) -> CredentialDefinition:
        """The definition as the next version of its id; InvalidArgument naming everything wrong with it."""
        async with self._store.begin(call) as work:
            found = self.problems(definition)
            found += await self._source_problems(work, call.tenant, definition)
            if found:
                raise InvalidArgument.of_all(found, reason=Reason.DEFINITION_INVALID)
            stored = await work.definitions.put(call.tenant, definition)
            work.emit(DefinitionStored(stored.ref))
            work.audit("definition.store", stored.id, version=stored.version)
            work.answer(stored)
        self._catalogue.forget()
        return stored

    async def get(self, call: Call, id_: str, version: int) -> CredentialDefinition:
        """One version, the latest for 0; NotFound. Versions of deleted definitions stay readable."""
        async with self._store.read() as work:
            if version == 0:
                found = (await work.definitions.latest(call.tenant, [id_])).get(id_)
            else:
                found = await _version(work, call.tenant, id_, version)
        if found is None:
            raise NotFound(Reason.DEFINITION_NOT_FOUND, f"no definition {id_} in that version; see ListDefinitions")
        return found

    async def page(self, call: Call, after: str, limit: int) -> list[CredentialDefinition]:
        """The latest versions by id, those after ``after``."""
        async with self._store.read() as work:
            return await work.definitions.page(call.tenant, after, limit)

    async def every(self, call: Call) -> list[CredentialDefinition]:
        """The latest versions of all definitions, however many."""
        found: list[CredentialDefinition] = []
        async with self._store.read() as work:
            while True:
                page = await work.definitions.page(call.tenant, found[-1].id if found else "", 500)
                found += page
                if len(page) < 500:
                    return found

    async def scopes(self, call: Call, definitions: Sequence[CredentialDefinition]) -> dict[str, tuple[str, ...]]:
        """What the holders of some definitions are asked to show, by attestation id."""
        async with self._store.read() as work:
            return await scopes_of(work, call.tenant, definitions)

    async def delete(self, call: Call, id_: str) -> None:
        """Takes a definition out of use; NotFound if there is none. Processes keep their pinned version."""
        async with self._store.begin(call) as work:
            ref = await work.definitions.delete(call.tenant, id_)
            if ref is None:
                raise NotFound(Reason.DEFINITION_NOT_FOUND, f"no definition {id_}; see ListDefinitions")
            work.emit(DefinitionDeleted(ref))
            work.audit("definition.delete", id_)
            work.answer(None)
        self._catalogue.forget()

    async def try_out(self, call: Call, definition: CredentialDefinition, claims: JsonObject, holder: str) -> Trial:
        """What ``definition`` makes of ``claims`` per attestation id: every rule's outcome and what would be signed."""
        found = self.problems(definition)
        async with self._store.read() as work:
            tenant = await tenant_of(work, call.tenant)
            found += await self._source_problems(work, call.tenant, definition)
            sources = await work.attestations.definitions(call.tenant, definition.attestations)
            now = work.now.replace(microsecond=0)
        if found:
            return Trial((), b"", tuple(f"{problem.path}: expected {problem.expected}" for problem in found))
        outcomes = evaluate_all(self._evaluator.rules, definition.rules, claims_view(definition, sources, claims))
        if not all(outcome.passed for outcome in outcomes):
            return Trial(outcomes, b"", ("a rule does not hold",))
        try:
            content = self._evaluator.content(definition, sources, claims, holder)
            key = await self._keys.active(tenant, now)
            entry = Prepared(_EXAMPLE, _EXAMPLE, 0, definition.ref, now, _example_places(definition))
            draft = self._making.draft(tenant, definition, key, holder, content, entry)
            unsigned = self._writers.of(definition.format).prepare(draft)
        except Problem as problem:
            return Trial(outcomes, b"", (problem.message,))
        return Trial(outcomes, unsigned.signing_input, ())

    def problems(self, definition: CredentialDefinition) -> list[FieldProblem]:
        """What is wrong with a definition in itself: shape, rules, mappings, template, schema, format options."""
        found = problems(definition, self._evaluator.rules)
        if definition.template is not None:
            found += [FieldProblem("template", problem) for problem in self._templates.problems(definition.template)]
        if definition.schema is not None:
            found += [FieldProblem("schema", problem) for problem in self._schemas.problems(definition.schema)]
        if definition.format not in self._writers.formats:
            known = ", ".join(sorted(self._writers.formats))
            return [*found, FieldProblem("format", f"a format that can be written here: {known}")]
        return found + self._writers.of(definition.format).problems(definition)

    async def _source_problems(
        self, work: CertifyWork, tenant: str, definition: CredentialDefinition
    ) -> list[FieldProblem]:
        sources = await work.attestations.definitions(tenant, definition.attestations)
        found = [
            FieldProblem(f"attestations[{position}]", "the id of a stored attestation definition")
            for position, id_ in enumerate(definition.attestations)
            if id_ not in sources
        ]
        return found + _collisions([sources[id_] for id_ in definition.attestations if id_ in sources])


def _collisions(sources: list[AttestationDefinition]) -> list[FieldProblem]:
    """Two attestations of one definition that would stand under the same name (R17)."""
    names = [source.output_claim for source in sources]
    return [
        FieldProblem("attestations", f"attestations with different output claims; {name} stands twice")
        for name in sorted(set(names))
        if names.count(name) > 1
    ]


async def scopes_of(
    work: CertifyWork, tenant: str, definitions: Sequence[CredentialDefinition]
) -> dict[str, tuple[str, ...]]:
    """The scopes of the ``presentation`` attestations among those of ``definitions``, by id."""
    ids = sorted({id_ for definition in definitions for id_ in definition.attestations})
    return {
        id_: tuple(scope for scope in scopes if isinstance(scope, str))
        for id_, source in (await work.attestations.definitions(tenant, ids)).items()
        if source.type == "presentation" and isinstance(scopes := source.configuration.get("scopes"), list)
    }


async def _version(work: CertifyWork, tenant: str, id_: str, version: int) -> CredentialDefinition | None:
    ref = DefinitionRef(id_, version)
    return (await work.definitions.pinned(tenant, [ref])).get(ref)


_EXAMPLE = UUID("00000000-0000-7000-8000-000000000000")
EXAMPLE_HOLDER = "did:web:holder.example"
"""Holder of dry runs that name none."""


def _example_places(definition: CredentialDefinition) -> tuple[StatusPlace, ...]:
    return tuple(
        StatusPlace(_EXAMPLE, "https://issuer.example/status/0", 0, StatusPurpose(purpose), kind)
        for kind, purpose in status_needs(definition)
    )
