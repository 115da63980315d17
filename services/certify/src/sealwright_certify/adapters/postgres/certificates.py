"""Certificates of the issuing keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sealwright_common.runtime.db.connection import Connection


class CertificateRows:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def put(self, tenant: str, key_id: str, chain: Sequence[bytes], expires: datetime) -> None:
        await self._connection.execute(
            """insert into issuer_certificate (tenant, key_id, chain, expires) values ($1, $2, $3, $4)
               on conflict (tenant, key_id) do update set chain = excluded.chain, expires = excluded.expires""",
            tenant,
            key_id,
            list(chain),
            expires,
        )

    async def chains(self, tenant: str, key_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """Chains of which no certificate has expired."""
        rows = await self._connection.fetch(
            "select key_id, chain from issuer_certificate where tenant = $1 and key_id = any($2) and expires > $3",
            tenant,
            list(key_ids),
            self._now,
        )
        return {row["key_id"]: tuple(row["chain"]) for row in rows}
