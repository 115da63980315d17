"""Following the audit log for audit plugins: each is told every row, in order, at least once."""

from __future__ import annotations

import json
from typing import Any

from sealwright_common.runtime.db import Database

from sealwright_certify.adapters.postgres.work import CertifyUnitOfWork
from sealwright_certify.codec.plugins import AuditPlugin

BATCH = 500
"""Rows handed over at once."""


class AuditFollower:
    """Tells one plugin. Of several instances one is at it at a time; a plugin that is away holds nobody up."""

    def __init__(self, database: Database[Any], name: str, plugin: AuditPlugin) -> None:
        self._database = database
        self._name = name
        self._plugin = plugin

    async def run(self) -> bool:
        """Hands over one batch; True if there may be more. Raises Unavailable if the plugin is away."""
        async with self._database.begin_system("audit follower") as work:
            sent = await self._send(work)
        return sent == BATCH

    async def _send(self, work: CertifyUnitOfWork) -> int:
        # The transaction is held while the plugin answers: the row lock is what keeps a second instance away.
        connection = work.connection
        await connection.execute(
            "insert into audit_follower (plugin, seq) values ($1, 0) on conflict do nothing", self._name
        )
        row = await connection.fetchrow(
            "select seq from audit_follower where plugin = $1 for update skip locked", self._name
        )
        if row is None:
            return 0
        rows = await connection.fetch("select * from audit_log where seq > $1 order by seq limit $2", row["seq"], BATCH)
        if not rows:
            return 0
        await self._plugin.record([_record(entry) for entry in rows])
        await connection.execute("update audit_follower set seq = $2 where plugin = $1", self._name, rows[-1]["seq"])
        return len(rows)


def _record(row: Any) -> dict[str, Any]:
    detail = json.loads(row["detail"]) if isinstance(row["detail"], str) else dict(row["detail"])
    return {**dict(row), "time": row["occurred_at"], "detail": detail}
