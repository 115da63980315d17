"""Attestation definitions and the attestation table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sealwright_common.domain.errors import AlreadyExists, Reason
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.adapters.postgres.json_text import dumps, loads
from sealwright_certify.ports import Attestation, AttestationDefinition


class AttestationRows:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def put_definition(self, tenant: str, definition: AttestationDefinition) -> AttestationDefinition:
        await self._connection.execute(
            """insert into attestation_definition (tenant, id, type, configuration, update_time)
               values ($1, $2, $3, $4, $5) on conflict (tenant, id) do update
               set type = excluded.type, configuration = excluded.configuration, update_time = excluded.update_time""",
            tenant,
            definition.id,
            definition.type,
            dumps(definition.configuration),
            definition.update_time or self._now,
        )
        return definition

    async def definitions(self, tenant: str, ids: Sequence[str]) -> dict[str, AttestationDefinition]:
        rows = await self._connection.fetch(
            "select * from attestation_definition where tenant = $1 and id = any($2)", tenant, list(ids)
        )
        return {row["id"]: _definition(row) for row in rows}

    async def definition_page(self, tenant: str, after: str, limit: int) -> list[AttestationDefinition]:
        rows = await self._connection.fetch(
            "select * from attestation_definition where tenant = $1 and id > $2 order by id limit $3",
            tenant,
            after,
            limit,
        )
        return [_definition(row) for row in rows]

    async def delete_definition(self, tenant: str, id_: str) -> bool:
        done = await self._connection.execute(
            "delete from attestation_definition where tenant = $1 and id = $2", tenant, id_
        )
        return done != "DELETE 0"

    async def insert(self, tenant: str, rows: Sequence[Attestation]) -> None:
        """Inserts as the onboarding role, whatever the service's own role may do; AlreadyExists for a known DID."""
        await self._connection.execute("set local role sealwright_onboarding")
        try:
            await self._connection.execute(
                """insert into attestation (tenant, did, attributes, create_time, update_time)
                   select $1, did, attributes::json, $4, $4
                   from unnest($2::text[], $3::text[]) as new (did, attributes)""",
                tenant,
                [row.did for row in rows],
                [dumps(row.attributes) for row in rows],
                self._now,
            )
        except asyncpg.UniqueViolationError:
            raise AlreadyExists(
                Reason.ATTESTATION_EXISTS, "a DID of the batch has a row already; UpdateAttestation changes it"
            ) from None
        await self._connection.execute("reset role")

    async def update(self, tenant: str, row: Attestation) -> Attestation | None:
        updated = await self._connection.fetchrow(
            """update attestation set attributes = $3, update_time = $4 where tenant = $1 and did = $2 returning *""",
            tenant,
            row.did,
            dumps(row.attributes),
            self._now,
        )
        return None if updated is None else _attestation(updated)

    async def delete(self, tenant: str, did: str) -> bool:
        done = await self._connection.execute("delete from attestation where tenant = $1 and did = $2", tenant, did)
        return done != "DELETE 0"

    async def get(self, tenant: str, did: str) -> Attestation | None:
        row = await self._connection.fetchrow("select * from attestation where tenant = $1 and did = $2", tenant, did)
        return None if row is None else _attestation(row)

    async def page(self, tenant: str, after: str, limit: int) -> list[Attestation]:
        rows = await self._connection.fetch(
            "select * from attestation where tenant = $1 and did > $2 order by did limit $3", tenant, after, limit
        )
        return [_attestation(row) for row in rows]


def _definition(row: Any) -> AttestationDefinition:
    return AttestationDefinition(row["id"], row["type"], loads(row["configuration"]), row["update_time"])


def _attestation(row: Any) -> Attestation:
    return Attestation(row["did"], loads(row["attributes"]), row["create_time"], row["update_time"])
