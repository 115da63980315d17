"""Used token ids."""

from __future__ import annotations

from datetime import datetime

from sealwright_common.runtime.db.connection import Connection


class TokenRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def use(self, issuer: str, jti: str, until: datetime) -> bool:
        """Remembers ``jti`` of ``issuer``; False if it is known. One insert, so that of any number at once one wins."""
        done = await self._connection.execute(
            "insert into used_token (issuer, jti, until) values ($1, $2, $3) on conflict do nothing", issuer, jti, until
        )
        return done != "INSERT 0 0"

    async def forget(self, now: datetime, limit: int) -> int:
        """Deletes ids whose tokens expired; returns how many."""
        done = await self._connection.execute(
            """delete from used_token where ctid = any(array(
                   select ctid from used_token where until < $1 limit $2))""",
            now,
            limit,
        )
        return int(done.split()[-1])
