"""Credentials: stored once, as they were signed; shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from sealwright_common.domain.credentials import (
    CredentialFormat,
    CredentialState,
    DefinitionRef,
    IssuedCredential,
    StatusKind,
    StatusPlace,
    StatusPurpose,
)
from sealwright_common.runtime.db.connection import Connection

_PLACES = """select e.credential_id, e.list_id, e.idx, l.uri, l.purpose, l.kind from status_entry e
    join status_list l on l.id = e.list_id where e.credential_id = any($1) order by e.credential_id, e.place"""


class CredentialRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def store(self, credentials: Sequence[tuple[str, IssuedCredential]]) -> None:
        """Stores credentials, each with its tenant, and their status entries; those of a process in their order."""
        rows = [credential for _, credential in credentials]
        places = [
            (credential.id, number, place) for credential in rows for number, place in enumerate(credential.status)
        ]
        positions = defaultdict[UUID, Iterator[int]](count)
        await self._connection.execute(
            """with entry as (
                   insert into status_entry (list_id, idx, credential_id, place)
                   select * from unnest($15::uuid[], $16::int[], $17::uuid[], $18::smallint[]))
               insert into credential (tenant, id, process_id, position, definition_id, definition_version, holder_did,
                   valid_from, valid_until, credential_type, format, key_id, payload, version)
               select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::int[], $7::text[],
                   $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[],
                   $14::int[])""",
            [tenant for tenant, _ in credentials],
            [credential.id for credential in rows],
            [credential.process_id for credential in rows],
            [next(positions[credential.process_id]) for credential in rows],
            [credential.definition.id for credential in rows],
            [credential.definition.version for credential in rows],
            [credential.holder_did for credential in rows],
            [credential.valid_from for credential in rows],
            [credential.valid_until for credential in rows],
            [credential.credential_type for credential in rows],
            [credential.format.value for credential in rows],
            [credential.key_id for credential in rows],
            [credential.payload for credential in rows],
            [credential.version for credential in rows],
            [place.list_id for _, _, place in places],
            [place.index for _, _, place in places],
            [id_ for id_, _, _ in places],
            [number for _, number, _ in places],
        )

    async def of_processes(self, tenant: str, process_ids: Sequence[UUID]) -> list[IssuedCredential]:
        rows = await self._connection.fetch(
            """select * from credential where tenant = $1 and process_id = any($2)
               order by process_id, position""",
            tenant,
            list(process_ids),
        )
        return await self._issued(rows)

    async def get(self, tenant: str, ids: Sequence[UUID], *, lock: bool = False) -> list[IssuedCredential]:
        """Credentials by id; locked in the order of their ids, so that two callers cannot wait for each other."""
        suffix = " for update" if lock else ""
        rows = await self._connection.fetch(
            f"""select * from credential where tenant = $1 and id = any($2)
                order by id{suffix}""",  # noqa: S608
            tenant,
            list(ids),
        )
        return await self._issued(rows)

    async def page(
        self, tenant: str, holder_did: str, definition_id: str, before: UUID | None, limit: int
    ) -> list[IssuedCredential]:
        conditions = ["tenant = $1", "id < $2"]
        arguments: list[object] = [tenant, before or UUID(int=(1 << 128) - 1), limit]
        for column, value in (("holder_did", holder_did), ("definition_id", definition_id)):
            if value:
                arguments.append(value)
                conditions.append(f"{column} = ${len(arguments)}")
        rows = await self._connection.fetch(
            f"select * from credential where {' and '.join(conditions)} order by id desc limit $3",  # noqa: S608
            *arguments,
        )
        return await self._issued(rows)

    async def set_state(self, tenant: str, ids: Sequence[UUID], state: CredentialState) -> list[IssuedCredential]:
        rows = await self._connection.fetch(
            """update credential set state = $3, version = version + 1 where tenant = $1 and id = any($2)
               returning *""",
            tenant,
            list(ids),
            state.value,
        )
        return await self._issued(sorted(rows, key=lambda row: row["id"]))

    async def previous(self, tenant: str, credentials: Sequence[IssuedCredential]) -> list[IssuedCredential]:
        """What the holders of ``credentials`` had before of the same definitions and is not revoked; locked."""
        rows = await self._connection.fetch(
            """select c.* from credential c where c.tenant = $1 and c.state <> 'REVOKED' and exists (
                   select from unnest($2::text[], $3::text[], $4::uuid[]) as n (holder_did, definition_id, id)
                   where c.holder_did = n.holder_did and c.definition_id = n.definition_id and c.id < n.id)
               and c.holder_did = any($2) order by c.id for update""",
            tenant,
            [credential.holder_did for credential in credentials],
            [credential.definition.id for credential in credentials],
            [credential.id for credential in credentials],
        )
        return await self._issued(rows)

    async def holders_of(
        self, tenant: str, method: str, now: datetime, after_did: str, limit: int
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Holders by DID, those after ``after_did``, of what a verification method signed, with the definitions.

        Only what counts still, can be delivered by DCP, and was not followed by one that another key signed.
        """
        rows = await self._connection.fetch(
            """select c.holder_did, array_agg(distinct c.definition_id) as definitions from credential c
               where c.tenant = $1 and c.holder_did > $2 and c.key_id = $3 and c.state <> 'REVOKED'
                 and (c.valid_until is null or c.valid_until > $4) and c.format = any($5)
                 and not exists (select from credential n
                                 where n.tenant = c.tenant and n.holder_did = c.holder_did and n.id > c.id
                                   and n.definition_id = c.definition_id and n.key_id <> c.key_id
                                   and n.state <> 'REVOKED' and (n.valid_until is null or n.valid_until > $4))
               group by c.holder_did order by c.holder_did limit $6""",
            tenant,
            after_did,
            method,
            now,
            [format_.value for format_ in CredentialFormat if format_.dcp],
            limit,
        )
        return [(row["holder_did"], tuple(sorted(row["definitions"]))) for row in rows]

    async def _issued(self, rows: Sequence[Any]) -> list[IssuedCredential]:
        places = await self._places([row["id"] for row in rows])
        return [
            IssuedCredential(
                id=UUID(int=row["id"].int),
                process_id=UUID(int=row["process_id"].int),
                definition=DefinitionRef(row["definition_id"], row["definition_version"]),
                credential_type=row["credential_type"],
                format=CredentialFormat(row["format"]),
                holder_did=row["holder_did"],
                key_id=row["key_id"],
                payload=row["payload"],
                valid_from=row["valid_from"],
                valid_until=row["valid_until"],
                state=CredentialState(row["state"]),
                version=row["version"],
                status=places.get(row["id"], ()),
            )
            for row in rows
        ]

    async def _places(self, ids: Sequence[UUID]) -> dict[UUID, tuple[StatusPlace, ...]]:
        if not ids:
            return {}
        found: dict[UUID, tuple[StatusPlace, ...]] = {}
        for row in await self._connection.fetch(_PLACES, list(ids)):
            place = StatusPlace(
                list_id=UUID(int=row["list_id"].int),
                uri=row["uri"],
                index=row["idx"],
                purpose=StatusPurpose(row["purpose"]),
                kind=StatusKind(row["kind"]),
            )
            found[row["credential_id"]] = (*found.get(row["credential_id"], ()), place)
        return found
