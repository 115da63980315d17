"""Status lists: entries given out under a lock, values, and the signed form."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sealwright_common.domain.credentials import StatusKind, StatusPlace, StatusPurpose
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuing import SignedStatusList
from sealwright_common.domain.status_lists import permuted
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.ports import StatusList

# Takes the row's lock; ``before`` is read under it.
_TAKE = """with list as (
        select id, used from status_list where tenant = $1 and kind = $2 and purpose = $3 and used < size
        order by id limit 1 for update)
    update status_list set used = least(size, list.used + $4) from list where status_list.id = list.id
    returning status_list.id, uri, size, seed, list.used as before, status_list.used as used"""


class StatusRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def reserve(
        self,
        tenant: str,
        kind: StatusKind,
        purpose: StatusPurpose,
        count: int,
        base_uri: str,
        size: int,
        now: datetime,
    ) -> list[StatusPlace]:
        """``count`` unused places. Writers queue at the row of the list that is being filled."""
        places: list[StatusPlace] = []
        while len(places) < count:
            wanted = count - len(places)
            row = await self._connection.fetchrow(_TAKE, tenant, kind.value, purpose.value, wanted)
            if row is None:
                await self._make(tenant, kind, purpose, base_uri, size, now)
                continue
            list_id = UUID(int=row["id"].int)
            places += [
                StatusPlace(list_id, row["uri"], permuted(row["seed"], entry, row["size"]), purpose, kind)
                for entry in range(row["before"], row["used"])
            ]
        return places

    async def _make(
        self, tenant: str, kind: StatusKind, purpose: StatusPurpose, base_uri: str, size: int, now: datetime
    ) -> None:
        """A list with room, unless there is one by now: of two who find none, the second waits here for the first."""
        await self._connection.execute(
            "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"status_list {tenant} {kind} {purpose}"
        )
        id_ = new_id(now)
        await self._connection.execute(
            """insert into status_list (id, tenant, kind, purpose, uri, size, seed)
               select $1, $2, $3, $4, $5, $6, $7 where not exists (
                   select from status_list where tenant = $2 and kind = $3 and purpose = $4 and used < size)""",
            id_,
            tenant,
            kind.value,
            purpose.value,
            f"{base_uri}/status/{id_}",
            size,
            secrets.token_bytes(32),
        )

    async def set_values(self, values: Sequence[tuple[StatusPlace, int]]) -> None:
        """Sets entries; each list that changed gets a new version."""
        ordered = sorted(values, key=lambda pair: (pair[0].list_id, pair[0].index))
        rows = await self._connection.fetch(
            """update status_entry e set value = n.value
               from unnest($1::uuid[], $2::int[], $3::smallint[]) as n (list_id, idx, value)
               where e.list_id = n.list_id and e.idx = n.idx and e.value <> n.value returning e.list_id""",
            [place.list_id for place, _ in ordered],
            [place.index for place, _ in ordered],
            [value for _, value in ordered],
        )
        await self._connection.execute(
            """update status_list set version = version + 1 where id = any(array(
                   select id from status_list where id = any($1::uuid[]) order by id for update))""",
            sorted({row["list_id"] for row in rows}),
        )

    async def get(self, list_id: UUID) -> StatusList | None:
        row = await self._connection.fetchrow(
            """select l.*, (select count(*) from status_entry where list_id = l.id and value <> 0) as set_count
               from status_list l where id = $1""",
            list_id,
        )
        return None if row is None else _list(row)

    async def page(self, tenant: str, after: UUID | None, limit: int) -> list[StatusList]:
        rows = await self._connection.fetch(
            """select l.*, (select count(*) from status_entry where list_id = l.id and value <> 0) as set_count
               from status_list l where tenant = $1 and id > $2 order by id limit $3""",
            tenant,
            after or UUID(int=0),
            limit,
        )
        return [_list(row) for row in rows]

    async def values(self, list_id: UUID) -> dict[int, int]:
        """Entries that are not 0."""
        rows = await self._connection.fetch(
            "select idx, value from status_entry where list_id = $1 and value <> 0", list_id
        )
        return {row["idx"]: row["value"] for row in rows}

    async def published(self, list_id: UUID, media_type: str) -> SignedStatusList | None:
        """The signed form of a media type, possibly of an older version."""
        row = await self._connection.fetchrow(
            "select * from status_list_form where list_id = $1 and media_type = $2", list_id, media_type
        )
        if row is None:
            return None
        return SignedStatusList(
            row["version"], row["payload"], row["etag"], row["media_type"], row["renew_time"], row["signed_by"]
        )

    async def publish(self, list_id: UUID, signed: SignedStatusList) -> None:
        """Keeps a signed form unless a newer one is kept already."""
        await self._connection.execute(
            """insert into status_list_form (list_id, media_type, version, payload, etag, renew_time, signed_by)
               values ($1, $2, $3, $4, $5, $6, $7)
               on conflict (list_id, media_type) do update set version = excluded.version,
                   payload = excluded.payload, etag = excluded.etag, renew_time = excluded.renew_time,
                   signed_by = excluded.signed_by
               where status_list_form.version <= excluded.version""",
            list_id,
            signed.media_type,
            signed.version,
            signed.payload,
            signed.etag,
            signed.renew_time,
            signed.signed_by,
        )


def _list(row: Any) -> StatusList:
    return StatusList(
        id=UUID(int=row["id"].int),
        tenant=row["tenant"],
        kind=StatusKind(row["kind"]),
        purpose=StatusPurpose(row["purpose"]),
        uri=row["uri"],
        size=row["size"],
        used=row["used"],
        set_count=row["set_count"],
        version=row["version"],
    )
