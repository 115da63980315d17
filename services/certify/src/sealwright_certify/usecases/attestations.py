"""Attestation definitions and the rows of the attestation table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import (
    FailedPrecondition,
    FieldProblem,
    InvalidArgument,
    NotFound,
    Reason,
)

from sealwright_certify.ports import Attestation, AttestationDefinition, Store
from sealwright_certify.usecases.catalogue import Catalogue
from sealwright_certify.usecases.evaluate import SourceRegistry


class Attestations:
    """Stores attestation definitions and rows."""

    def __init__(self, store: Store, sources: SourceRegistry, catalogue: Catalogue) -> None:
        self._store = store
        self._sources = sources
        self._catalogue = catalogue

    @property
    def types(self) -> tuple[str, ...]:
        """Registered attestation types, sorted."""
        return self._sources.types

    async def store_definition(self, call: Call, definition: AttestationDefinition) -> AttestationDefinition:
        """The stored definition; InvalidArgument naming what its type's factory finds wrong."""
        found = await self._sources.problems(call.tenant, definition)
        if found:
            raise InvalidArgument.of_all(
                [FieldProblem("definition.configuration_json", problem) for problem in found],
                reason=Reason.ATTESTATION_INVALID,
            )
        async with self._store.begin(call) as work:
            stored = await work.attestations.put_definition(call.tenant, replace(definition, update_time=work.now))
            work.audit("attestation_definition.store", definition.id, type=definition.type)
            work.answer(stored)
        self._catalogue.forget()
        return stored

    async def definition_page(self, call: Call, after: str, limit: int) -> list[AttestationDefinition]:
        """Definitions by id, those after ``after``."""
        async with self._store.read() as work:
            return await work.attestations.definition_page(call.tenant, after, limit)

    async def delete_definition(self, call: Call, id_: str) -> None:
        """Deletes a definition; FailedPrecondition while a credential definition in use names it, NotFound."""
        async with self._store.begin(call) as work:
            if names := await work.definitions.naming_attestation(call.tenant, id_):
                raise FailedPrecondition(
                    Reason.ATTESTATION_EXISTS, f"definitions {', '.join(names[:5])} need {id_}; change them first"
                )
            if not await work.attestations.delete_definition(call.tenant, id_):
                raise NotFound(Reason.ATTESTATION_NOT_FOUND, f"no attestation definition {id_}")
            work.audit("attestation_definition.delete", id_)
            work.answer(None)
        self._catalogue.forget()

    async def insert(self, call: Call, rows: Sequence[Attestation]) -> int:
        """Inserts rows as onboarding may; AlreadyExists if a DID has one, and then none is inserted."""
        if len({row.did for row in rows}) != len(rows):
            raise InvalidArgument.of("attestations", "each DID once")
        async with self._store.begin(call) as work:
            await work.attestations.insert(call.tenant, rows)
            work.audit("attestation.insert", call.tenant, count=len(rows))
            return work.answer(len(rows))

    async def update(self, call: Call, row: Attestation) -> Attestation:
        """The row with new attributes; NotFound."""
        async with self._store.begin(call) as work:
            updated = await work.attestations.update(call.tenant, row)
            if updated is None:
                raise _not_found()
            work.audit("attestation.update", call.tenant)
            return work.answer(updated)

    async def delete(self, call: Call, did: str) -> None:
        """Deletes a row; NotFound."""
        async with self._store.begin(call) as work:
            if not await work.attestations.delete(call.tenant, did):
                raise _not_found()
            work.audit("attestation.delete", call.tenant)
            work.answer(None)

    async def get(self, call: Call, did: str) -> Attestation:
        """One row; NotFound."""
        async with self._store.read() as work:
            row = await work.attestations.get(call.tenant, did)
        if row is None:
            raise _not_found()
        return row

    async def page(self, call: Call, after: str, limit: int) -> list[Attestation]:
        """Rows by DID, those after ``after``."""
        async with self._store.read() as work:
            return await work.attestations.page(call.tenant, after, limit)


def _not_found() -> NotFound:
    return NotFound(
        Reason.ATTESTATION_NOT_FOUND, "the attestation table has no row for this DID; InsertAttestations adds it"
    )
