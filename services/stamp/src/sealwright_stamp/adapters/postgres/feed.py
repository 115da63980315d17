"""The withdrawn feed: ids without a gap, visible in their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sealwright_common.domain.certificates import CertificateRef, Withdrawn
from sealwright_common.runtime.db.connection import Connection

from sealwright_stamp.adapters.postgres import rows as convert

# The counter's row stays locked until the commit: a later id cannot become visible before an earlier one.
_APPEND = """with counter as (
    insert into withdrawn_counter (tenant, last_id) values ($1, $3)
    on conflict (tenant) do update set last_id = withdrawn_counter.last_id + $3 returning last_id)
insert into withdrawn (tenant, id, row_id, time)
select $1, counter.last_id - $3 + w.place, w.row_id, $4
from counter, unnest($2::bigint[]) with ordinality as w (row_id, place)"""

_SELECT = """select w.id, w.time, c.registry, c.certificate_id
from withdrawn w join certificate c on c.row_id = w.row_id
where w.tenant = $1"""


class PostgresWithdrawals:
    """The withdrawn feed."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def append(self, tenant: str, rows: Sequence[int]) -> None:
        """Gives the certificates the next ids of the feed; other transactions wait until this one ends."""
        if rows:
            await self._connection.execute(_APPEND, tenant, list(rows), len(rows), self._now)

    async def page(self, tenant: str, after: int, skip: int, size: int | None) -> tuple[list[Withdrawn], int]:
        """Rows above ``after`` by rising id, without the first ``skip``; and how many lie above ``after`` in all."""
        found = await self._connection.fetch(
            _SELECT + " and w.id > $2 order by w.id offset $3 limit $4", tenant, after, skip, size
        )
        # Without gaps the last id is a count.
        last = await self._connection.fetchval("select last_id from withdrawn_counter where tenant = $1", tenant)
        return [_withdrawn(row) for row in found], max(0, (last or 0) - after)

    async def find(self, tenant: str, ref: CertificateRef) -> Withdrawn | None:
        """The feed's row of a certificate, or None."""
        row = await self._connection.fetchrow(
            _SELECT + " and c.certificate_id = $2 and c.registry = $3", tenant, ref.certificate_id, ref.registry
        )
        return None if row is None else _withdrawn(row)


def _withdrawn(row: convert.Row) -> Withdrawn:
    return Withdrawn(row["id"], convert.ref(row), row["time"])
