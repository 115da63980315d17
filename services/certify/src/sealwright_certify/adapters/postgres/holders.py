"""Holders, offers to them, and offers still to be made."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sealwright_common.domain.issuing import Reissue
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.adapters.postgres.json_text import dumps, loads
from sealwright_certify.ports import Holder, Offer


class HolderRows:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def put(self, tenant: str, holder: Holder) -> Holder:
        row = await self._connection.fetchrow(
            """insert into holder (tenant, did, display_name, attributes, create_time) values ($1, $2, $3, $4, $5)
               on conflict (tenant, did) do update
                   set display_name = excluded.display_name, attributes = excluded.attributes
               returning *""",
            tenant,
            holder.did,
            holder.display_name,
            dumps(holder.attributes),
            self._now,
        )
        return _holder(row)

    async def get(self, tenant: str, did: str) -> Holder | None:
        row = await self._connection.fetchrow("select * from holder where tenant = $1 and did = $2", tenant, did)
        return None if row is None else _holder(row)

    async def page(self, tenant: str, after: str, limit: int) -> list[Holder]:
        rows = await self._connection.fetch(
            "select * from holder where tenant = $1 and did > $2 order by did limit $3", tenant, after, limit
        )
        return [_holder(row) for row in rows]

    async def delete(self, tenant: str, did: str) -> bool:
        done = await self._connection.execute("delete from holder where tenant = $1 and did = $2", tenant, did)
        return done != "DELETE 0"

    async def queue_offers(self, offers: Sequence[Offer]) -> None:
        await self._connection.executemany(
            """insert into offer (id, tenant, holder_did, definition_ids, reason, deadline, next_time)
               values ($1, $2, $3, $4, $5, $6, $7)""",
            [
                (
                    offer.id,
                    offer.tenant,
                    offer.holder_did,
                    list(offer.definition_ids),
                    offer.reason,
                    offer.deadline,
                    self._now,
                )
                for offer in offers
            ],
        )

    async def claim_offers(self, now: datetime, lease: timedelta, limit: int) -> list[Offer]:
        rows = await self._connection.fetch(
            """update offer set next_time = $1::timestamptz + $2::interval, attempts = attempts + 1
               where id = any(array(select id from offer where next_time <= $1 order by next_time limit $3
                                    for update skip locked))
               returning *""",
            now,
            lease,
            limit,
        )
        return [
            Offer(
                id=row["id"],
                tenant=row["tenant"],
                holder_did=row["holder_did"],
                definition_ids=tuple(row["definition_ids"]),
                reason=row["reason"],
                attempts=row["attempts"],
                deadline=row["deadline"],
            )
            for row in rows
        ]

    async def settle_offer(self, offer: UUID, delivered: bool) -> None:
        await self._connection.execute(
            "update offer set next_time = null, delivered = $2 where id = $1", offer, delivered
        )

    async def postpone_offer(self, offer: UUID, next_time: datetime) -> None:
        await self._connection.execute("update offer set next_time = $2 where id = $1", offer, next_time)

    async def queue_reissues(self, reissues: Sequence[Reissue]) -> None:
        """Notes work to be done; what is noted already goes on from where it is."""
        await self._connection.execute(
            """insert into reissue (tenant, method, reason)
               select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing""",
            [reissue.tenant for reissue in reissues],
            [reissue.method for reissue in reissues],
            [reissue.reason for reissue in reissues],
        )

    async def claim_reissue(self) -> Reissue | None:
        """One that nobody works on, until the end of the transaction."""
        row = await self._connection.fetchrow("select * from reissue limit 1 for update skip locked")
        return None if row is None else Reissue(row["tenant"], row["method"], row["reason"], row["after_did"])

    async def advance_reissue(self, reissue: Reissue, after_did: str | None) -> None:
        """Holders up to ``after_did`` have their offers; with None all have."""
        key = (reissue.tenant, reissue.method, reissue.reason)
        if after_did is None:
            await self._connection.execute(
                "delete from reissue where tenant = $1 and method = $2 and reason = $3", *key
            )
        else:
            await self._connection.execute(
                "update reissue set after_did = $4 where tenant = $1 and method = $2 and reason = $3", *key, after_did
            )


def _holder(row: Any) -> Holder:
    return Holder(row["did"], row["display_name"], loads(row["attributes"]), row["create_time"])
