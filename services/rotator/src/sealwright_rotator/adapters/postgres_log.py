"""The key log in PostgreSQL: leaves, full nodes, the right edge that serialises its writers, and signed heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sealwright_common.domain.merkle import Appended, Frontier, Node
from sealwright_common.runtime.db.connection import Connection

from sealwright_rotator.ports import LogEntry, SignedHead


class LogTable:
    """Tables ``key_log``, ``key_log_node``, ``key_log_edge`` and ``key_log_head``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def lock_frontier(self) -> Frontier:
        """The right edge, locked until the transaction ends: positions thereby rise in the order of the commits."""
        row = await self._connection.fetchrow("select size, hashes from key_log_edge for update")
        return _frontier(row)

    async def frontier(self) -> Frontier:
        """The right edge, as committed."""
        return _frontier(await self._connection.fetchrow("select size, hashes from key_log_edge"))

    async def size(self) -> int:
        """Number of leaves."""
        return (await self.frontier()).size

    async def append(self, entries: Sequence[LogEntry], appended: Appended, frontier: Frontier) -> None:
        """Stores entries, the nodes they filled and the new right edge."""
        await self._connection.execute(
            """with leaves as (
                   insert into key_log (position, type, tenant, time, leaf, leaf_hash)
                   select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[],
                       $6::bytea[])),
               nodes as (
                   insert into key_log_node (level, index, hash)
                   select * from unnest($7::smallint[], $8::bigint[], $9::bytea[]))
               update key_log_edge set size = $10, hashes = $11""",
            [e.position for e in entries],
            [e.type for e in entries],
            [e.tenant for e in entries],
            [e.time for e in entries],
            [e.leaf for e in entries],
            [e.leaf_hash for e in entries],
            [level for level, _, _ in appended.nodes],
            [index for _, index, _ in appended.nodes],
            [value for _, _, value in appended.nodes],
            frontier.size,
            list(frontier.hashes),
        )

    async def entries(self, from_position: int, limit: int) -> list[LogEntry]:
        """Entries from a position on."""
        rows = await self._connection.fetch(
            "select * from key_log where position >= $1 order by position limit $2", from_position, limit
        )
        return [LogEntry(r["position"], r["type"], r["tenant"], r["time"], r["leaf"], r["leaf_hash"]) for r in rows]

    async def hashes(self, nodes: Sequence[Node]) -> dict[Node, bytes]:
        """Hashes of full nodes."""
        rows = await self._connection.fetch(
            """select n.level, n.index, n.hash from key_log_node n
               join unnest($1::smallint[], $2::bigint[]) as want (level, index)
                 on n.level = want.level and n.index = want.index""",
            [level for level, _ in nodes],
            [index for _, index in nodes],
        )
        return {(row["level"], row["index"]): row["hash"] for row in rows}

    async def newest_head(self) -> SignedHead | None:
        """The newest signed head."""
        row = await self._connection.fetchrow("select * from key_log_head order by size desc limit 1")
        return None if row is None else SignedHead(row["size"], row["root"], row["time"], row["jws"])

    async def add_head(self, head: SignedHead) -> None:
        """Stores a signed head, unless one of that size is there."""
        await self._connection.execute(
            "insert into key_log_head (size, root, time, jws) values ($1, $2, $3, $4) on conflict do nothing",
            head.size,
            head.root,
            head.time,
            head.jws,
        )


def _frontier(row: Mapping[str, Any] | None) -> Frontier:
    if row is None:
        raise LookupError("key_log_edge is empty: the log was tampered with; restore the database from a backup")
    return Frontier(row["size"], tuple(row["hashes"]))
