"""Heads of the services' audit logs in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from sealwright_common.runtime.db.connection import Connection

from sealwright_rotator.ports import AuditHead


class AuditHeadTable:
    """Table ``service_audit_head``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, heads: Sequence[AuditHead]) -> None:
        """Stores heads that are not there yet."""
        await self._connection.execute(
            """insert into service_audit_head (service, seq, hash, time)
               select * from unnest($1::text[], $2::bigint[], $3::bytea[], $4::timestamptz[]) on conflict do nothing""",
            [head.service for head in heads],
            [head.seq for head in heads],
            [head.hash for head in heads],
            [head.time for head in heads],
        )

    async def unsigned(self, limit: int) -> list[AuditHead]:
        """Heads without a signature, oldest first."""
        rows = await self._connection.fetch(
            "select * from service_audit_head where jws = '' order by time limit $1", limit
        )
        return [AuditHead(*row) for row in rows]

    async def sign(self, heads: Sequence[AuditHead]) -> list[AuditHead]:
        """Stores the signatures of heads; those of them that had none before."""
        rows = await self._connection.fetch(
            """update service_audit_head h set jws = new.jws
               from unnest($1::text[], $2::bigint[], $3::bytea[], $4::text[]) as new (service, seq, hash, jws)
               where h.service = new.service and h.seq = new.seq and h.hash = new.hash and h.jws = ''
               returning h.*""",
            [head.service for head in heads],
            [head.seq for head in heads],
            [head.hash for head in heads],
            [head.jws for head in heads],
        )
        return [AuditHead(*row) for row in rows]

    async def page(self, service: str, after: tuple[str, int, bytes] | None, size: int) -> list[AuditHead]:
        """Heads by service, row and hash."""
        rows = await self._connection.fetch(
            """select * from service_audit_head
               where ($1 = '' or service = $1) and (service, seq, hash) > ($2, $3, $4)
               order by service, seq, hash limit $5""",
            service,
            *(after or ("", 0, b"")),
            size,
        )
        return [AuditHead(*row) for row in rows]
