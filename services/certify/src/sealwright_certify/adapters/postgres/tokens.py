"""Used token ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sealwright_common.runtime.db.connection import Connection


class TokenRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def use(self, tokens: Sequence[tuple[str, str, datetime]]) -> set[tuple[str, str]]:
        """Remembers (issuer, jti, until); returns those that were not known. Of any number at once one wins.

        In the order of the keys, so that two who remember the same ones cannot wait for each other.
        """
        rows = await self._connection.fetch(
            """insert into used_token (issuer, jti, until)
               select * from unnest($1::text[], $2::text[], $3::timestamptz[]) as new (issuer, jti, until)
               order by issuer, jti
               on conflict do nothing returning issuer, jti""",
            [issuer for issuer, _, _ in tokens],
            [jti for _, jti, _ in tokens],
            [until for _, _, until in tokens],
        )
        return {(row["issuer"], row["jti"]) for row in rows}

    async def forget(self, now: datetime, limit: int) -> int:
        """Deletes ids whose tokens expired; returns how many."""
        done = await self._connection.execute(
            """delete from used_token where ctid = any(array(
                   select ctid from used_token where until < $1 limit $2))""",
            now,
            limit,
        )
        return int(done.split()[-1])
