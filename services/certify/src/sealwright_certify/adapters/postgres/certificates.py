"""Certificates of the issuing keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.adapters.postgres.tenants import key_of
from sealwright_certify.ports import DueCertificate


class CertificateRows:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def put(self, tenant: str, key_id: str, chain: Sequence[bytes], expires: datetime) -> None:
        await self._connection.execute(
            """insert into issuer_certificate (tenant, key_id, chain, expires, stored) values ($1, $2, $3, $4, $5)
               on conflict (tenant, key_id) do update set chain = excluded.chain, expires = excluded.expires,
                   stored = excluded.stored""",
            tenant,
            key_id,
            list(chain),
            expires,
            self._now,
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

    async def due(self, now: datetime, limit: int) -> list[DueCertificate]:
        """Keys that sign, or will, for issuers that use certificates, and have none or one at its last third.

        An issuer whose certificates all ended a month ago uses none any more.
        """
        rows = await self._connection.fetch(
            """select key.*, used.chain[1] as predecessor, used.covered, due.told
               from (select distinct on (k.tenant, k.issuer) k.tenant, k.issuer, c.chain,
                            max(least(c.expires, k.window_end)) over (partition by k.tenant, k.issuer) as covered
                     from issuer_certificate c join issuer_key k on k.tenant = c.tenant and k.key_id = c.key_id
                     where c.expires > $1::timestamptz - interval '30 days'
                     order by k.tenant, k.issuer, c.stored desc) used
               join issuer_key key on key.tenant = used.tenant and key.issuer = used.issuer
               left join issuer_certificate own on own.tenant = key.tenant and own.key_id = key.key_id
               left join certificate_due due on due.tenant = key.tenant and due.key_id = key.key_id
               where key.state in ('PUBLISHED', 'ACTIVE') and key.window_end > $1::timestamptz
                 and (own.key_id is null
                      or own.expires < key.window_end and $1 >= own.expires - (own.expires - own.stored) / 3)
               order by key.tenant, key.issuer, key.slot limit $2""",
            now,
            limit,
        )
        return [DueCertificate(key_of(row), row["predecessor"], row["covered"], row["told"]) for row in rows]

    async def tell(self, tenant: str, key_id: str, now: datetime, before: datetime | None) -> bool:
        """Remembers that operators are told now; False if another instance told them since ``before``."""
        told = await self._connection.fetchval(
            """insert into certificate_due (tenant, key_id, told) values ($1, $2, $3)
               on conflict (tenant, key_id) do update set told = excluded.told
               where certificate_due.told is not distinct from $4 returning true""",
            tenant,
            key_id,
            now,
            before,
        )
        return bool(told)
