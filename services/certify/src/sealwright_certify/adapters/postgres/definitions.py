"""Credential definitions: versions never change, the head says which is in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sealwright_common.domain.credentials import (
    CredentialDefinition,
    CredentialFormat,
    DefinitionRef,
    Display,
    ReissuePolicy,
    StatusPurpose,
)
from sealwright_common.domain.json_values import MISSING, Missing
from sealwright_common.domain.mappings import Mapping
from sealwright_common.domain.rules import RuleDefinition
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.adapters.postgres.json_text import dumps, loads


class DefinitionRows:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def put(self, tenant: str, definition: CredentialDefinition) -> CredentialDefinition:
        """Stores the next version and puts it in use. Concurrent writers of one id queue at the head row."""
        version = await self._connection.fetchval(
            """insert into definition_head as head (tenant, id, version, attestations) values ($1, $2, 1, $3)
               on conflict (tenant, id) do update
                   set version = head.version + 1, deleted = false, attestations = excluded.attestations
               returning version""",
            tenant,
            definition.id,
            list(definition.attestations),
        )
        stored = replace(definition, version=version, create_time=self._now)
        await self._connection.execute(
            "insert into credential_definition (tenant, id, version, body, create_time) values ($1, $2, $3, $4, $5)",
            tenant,
            stored.id,
            stored.version,
            dumps(_body(stored)),
            self._now,
        )
        return stored

    async def latest(self, tenant: str, ids: Sequence[str]) -> dict[str, CredentialDefinition]:
        """The versions in use, by id; deleted and unknown ones are absent."""
        rows = await self._connection.fetch(
            """select d.* from definition_head h join credential_definition d using (tenant, id, version)
               where h.tenant = $1 and h.id = any($2) and not h.deleted""",
            tenant,
            list(ids),
        )
        return {row["id"]: _definition(row) for row in rows}

    async def pinned(self, tenant: str, refs: Sequence[DefinitionRef]) -> dict[DefinitionRef, CredentialDefinition]:
        """Exactly these versions, deleted or not."""
        rows = await self._connection.fetch(
            """select d.* from credential_definition d
               join unnest($2::text[], $3::int[]) as wanted (id, version) using (id, version) where d.tenant = $1""",
            tenant,
            [ref.id for ref in refs],
            [ref.version for ref in refs],
        )
        return {definition.ref: definition for definition in map(_definition, rows)}

    async def page(self, tenant: str, after: str, limit: int) -> list[CredentialDefinition]:
        rows = await self._connection.fetch(
            """select d.* from definition_head h join credential_definition d using (tenant, id, version)
               where h.tenant = $1 and h.id > $2 and not h.deleted order by h.id limit $3""",
            tenant,
            after,
            limit,
        )
        return [_definition(row) for row in rows]

    async def delete(self, tenant: str, id_: str) -> DefinitionRef | None:
        version = await self._connection.fetchval(
            """update definition_head set deleted = true where tenant = $1 and id = $2 and not deleted
               returning version""",
            tenant,
            id_,
        )
        return None if version is None else DefinitionRef(id_, version)

    async def naming_attestation(self, tenant: str, attestation_id: str) -> list[str]:
        """Ids of definitions in use that need the attestation."""
        rows = await self._connection.fetch(
            """select id from definition_head where tenant = $1 and not deleted and $2 = any(attestations)
               order by id limit 10""",
            tenant,
            attestation_id,
        )
        return [row["id"] for row in rows]


def _body(definition: CredentialDefinition) -> dict[str, Any]:
    """A definition as its JSON column; what has the default value is left out where that is safe."""
    return {
        "credentialType": definition.credential_type,
        "format": definition.format.value,
        "attestations": list(definition.attestations),
        "schema": definition.schema,
        "validity": None if definition.validity is None else definition.validity // timedelta(microseconds=1),
        "neverExpires": definition.never_expires,
        "rules": [{"type": rule.type, "configuration": rule.configuration} for rule in definition.rules],
        "mappings": [_mapping_body(mapping) for mapping in definition.mappings],
        "template": definition.template,
        "display": [asdict(display) for display in definition.display],
        "approvalsRequired": definition.approvals_required,
        "approvalWindow": None if definition.approval_window is None else definition.approval_window.total_seconds(),
        "onReissue": definition.on_reissue.value,
        "additionalContexts": list(definition.additional_contexts),
        "statusPurposes": [purpose.value for purpose in definition.status_purposes],
        "formatOptions": definition.format_options,
    }


def _mapping_body(mapping: Mapping) -> dict[str, Any]:
    body: dict[str, Any] = {"input": mapping.input, "output": mapping.output, "required": mapping.required}
    if not isinstance(mapping.default, Missing):
        body["default"] = mapping.default
    return {**body, "type": mapping.type}


def _definition(row: Any) -> CredentialDefinition:
    return _read(row["id"], row["version"], row["body"], row["create_time"])


@lru_cache(maxsize=4096)
def _read(id_: str, version: int, text: str, create_time: datetime) -> CredentialDefinition:
    """A definition from its row; read once per text, because versions never change."""
    body = loads(text)
    validity, window = body["validity"], body["approvalWindow"]
    return CredentialDefinition(
        id=id_,
        version=version,
        credential_type=body["credentialType"],
        format=CredentialFormat(body["format"]),
        attestations=tuple(body["attestations"]),
        schema=body["schema"],
        validity=None if validity is None else timedelta(microseconds=validity),
        never_expires=body["neverExpires"],
        rules=tuple(RuleDefinition(rule["type"], rule["configuration"]) for rule in body["rules"]),
        mappings=tuple(
            Mapping(m["input"], m["output"], m["required"], m.get("default", MISSING), m["type"])
            for m in body["mappings"]
        ),
        template=body["template"],
        display=tuple(Display(**display) for display in body["display"]),
        approvals_required=body["approvalsRequired"],
        approval_window=None if window is None else timedelta(seconds=window),
        on_reissue=ReissuePolicy(body["onReissue"]),
        additional_contexts=tuple(body["additionalContexts"]),
        status_purposes=tuple(StatusPurpose(purpose) for purpose in body["statusPurposes"]),
        format_options=body["formatOptions"],
        create_time=create_time,
    )
