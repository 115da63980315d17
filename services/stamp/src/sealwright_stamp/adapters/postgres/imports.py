"""Progress of imports."""

from __future__ import annotations

from datetime import datetime

from sealwright_common.runtime.db.connection import Connection

from sealwright_stamp.ports import ImportProgress

_OPEN = """insert into measurement_import (tenant, import_id, plan_digest, resume_offset, line, row_count,
    accepted_count, repeated_count, zero_count, refused_count, done, update_time)
values ($1, $2, $3, 0, 0, 0, 0, 0, 0, 0, false, $4)
on conflict (tenant, import_id) do update set update_time = excluded.update_time
returning plan_digest, resume_offset, line, row_count, accepted_count, repeated_count, zero_count, refused_count,
    done"""

_SAVE = """update measurement_import set resume_offset = $3, line = $4, row_count = $5, accepted_count = $6,
    repeated_count = $7, zero_count = $8, refused_count = $9, done = $10, update_time = $11
where tenant = $1 and import_id = $2"""


class PostgresImports:
    """Progress of imports."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def open(self, tenant: str, import_id: str, plan_digest: bytes) -> ImportProgress | None:
        """The progress of an import, begun if new and locked until the transaction ends; None if the id belongs to
        another plan."""
        row = await self._connection.fetchrow(_OPEN, tenant, import_id, plan_digest, self._now)
        assert row is not None
        if row["plan_digest"] != plan_digest:
            return None
        return ImportProgress(
            row["resume_offset"],
            row["line"],
            row["row_count"],
            row["accepted_count"],
            row["repeated_count"],
            row["zero_count"],
            row["refused_count"],
            row["done"],
        )

    async def save(self, tenant: str, import_id: str, progress: ImportProgress) -> None:
        """Stores progress together with what it counts."""
        await self._connection.execute(
            _SAVE,
            tenant,
            import_id,
            progress.offset,
            progress.line,
            progress.rows,
            progress.accepted,
            progress.repeated,
            progress.zero,
            progress.refused,
            progress.done,
            self._now,
        )
