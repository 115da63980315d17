"""Recipients and the keys of their wallet endpoints."""

from __future__ import annotations

from uuid import UUID

from sealwright_common.domain.certificates import Recipient
from sealwright_common.runtime.db.connection import Connection

from sealwright_stamp.adapters.postgres.rows import recipient

# The updates that change nothing make "on conflict" return the row that is there.
_ADD_KEY = """insert into wallet_key (public_key) values ($1)
on conflict (public_key) do update set public_key = excluded.public_key returning id"""
_ADD = """insert into recipient (tenant, id, key_id, endpoint_url, create_time) values ($1, $2, $3, $4, $5)
on conflict (tenant, key_id, endpoint_url) do update set endpoint_url = excluded.endpoint_url
returning id, create_time"""
_SELECT = """select r.id, r.endpoint_url, r.create_time, k.public_key
from recipient r join wallet_key k on k.id = r.key_id where r.tenant = $1"""


class PostgresRecipients:
    """Stored recipients."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, tenant: str, new: Recipient) -> Recipient:
        """Stores it, or returns the one that exists for its endpoint."""
        endpoint = new.endpoint
        key_id = await self._connection.fetchval(_ADD_KEY, endpoint.key.raw)
        row = await self._connection.fetchrow(_ADD, tenant, new.id, key_id, endpoint.url, new.create_time)
        assert row is not None
        return Recipient(row["id"], endpoint, row["create_time"])

    async def get(self, tenant: str, recipient_id: UUID) -> Recipient | None:
        """The recipient, or None."""
        row = await self._connection.fetchrow(_SELECT + " and r.id = $2", tenant, recipient_id)
        return None if row is None else recipient(row)

    async def page(self, tenant: str, after: UUID | None, size: int) -> list[Recipient]:
        """Up to ``size`` recipients with ids above ``after``, by rising id."""
        rows = await self._connection.fetch(
            _SELECT + " and ($2::uuid is null or r.id > $2) order by r.id limit $3", tenant, after, size
        )
        return [recipient(row) for row in rows]
