"""The audit log: what was done by whom, in a chain of hashes that shows every change made afterwards.

Row n has hash = SHA-256(hash of row n-1 || n as 8 bytes big-endian || canonical form of the row); the chain starts from
32 zero bytes. The canonical form is UTF-8 JSON: an array of the columns in the order of :func:`canonical`. The head row
holds the newest number and hash; comparing it, and heads published earlier, shows rows cut off the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from sealwright_common.domain.call import Call

if TYPE_CHECKING:
    from sealwright_common.runtime.db.connection import Connection

GENESIS = bytes(32)
_PAGE = 5000
_ROWS = """select seq, occurred_at, tenant, caller, method, request_id, trace, action, target, detail, hash
    from audit_log order by seq"""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed: ``action`` (``key.destroy``) on ``target`` (an id), with details that hold no secrets."""

    action: str
    target: str
    detail: Mapping[str, str | int | bool]
    call: Call
    """For whom it was done."""
    trace: str
    """Its traceparent; empty for none."""


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest row of the log: what is to be kept where whoever may write this database may not."""

    seq: int
    """Number of the newest row; 0 for an empty log."""
    hash: bytes
    """Its hash, 32 bytes."""


@dataclass(frozen=True, slots=True)
class AuditVerdict:
    """Whether the log is what was written."""

    rows: int
    """Rows checked and found good."""
    first_bad: int | None
    """Number of the first row that is changed, missing or surplus; None if the log is whole."""
    problem: str
    """What is wrong with it; empty if the log is whole."""

    @property
    def whole(self) -> bool:
        """True if every row is as it was written."""
        return self.first_bad is None


def canonical(
    occurred_at: datetime,
    tenant: str,
    caller: str,
    method: str,
    request_id: str,
    trace: str,
    action: str,
    target: str,
    detail: str,
) -> bytes:
    """The bytes of a row that its hash covers: a JSON array of these values, time in UTC with microseconds."""
    time = occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
    row = ["audit-1", time, tenant, caller, method, request_id, trace, action, target, detail]
    return orjson.dumps(row)


async def append(connection: Connection, now: datetime, entries: Sequence[AuditEntry]) -> None:
    """Adds ``entries`` to the log in this transaction. Locks the head until its end: call it last before the commit."""
    columns: list[tuple[str, ...]] = [
        (
            entry.call.tenant,
            entry.call.caller,
            entry.call.method,
            entry.call.request_id or "",
            entry.trace,
            entry.action,
            entry.target,
            orjson.dumps(dict(entry.detail), option=orjson.OPT_SORT_KEYS).decode(),
        )
        for entry in entries
    ]
    await connection.execute(
        "select audit_append_rows($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [canonical(now, *row) for row in columns],
        now,
        *(list(column) for column in zip(*columns, strict=True)),
    )


async def read_head(connection: Connection) -> AuditHead:
    """The newest row's number and hash."""
    row = await connection.fetchrow("select seq, hash from audit_head")
    if row is None:
        raise LookupError("audit_head is empty: the log was tampered with; restore the database from a backup")
    return AuditHead(row["seq"], row["hash"])


async def take_head(connection: Connection, now: datetime, interval: timedelta) -> AuditHead | None:
    """The newest row if none was taken for ``interval`` and the log has grown since; taken by whoever commits first."""
    row = await connection.fetchrow(
        """update audit_head set told_seq = seq, told_at = $1 where seq > told_seq and told_at <= $2
           returning seq, hash""",
        now,
        now - interval,
    )
    return None if row is None else AuditHead(row["seq"], row["hash"])


async def verify_audit(connection: Connection, published: Sequence[AuditHead] = ()) -> AuditVerdict:
    """Recomputes the whole chain and compares it with the head row and with heads ``published`` earlier.

    Names the first bad row. Runs in one snapshot, so writers may go on meanwhile; 100,000 rows take a second or two.
    """
    anchors = {head.seq: head.hash for head in published}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        stored = await connection.fetchrow("select seq, hash from audit_head")
        seq, previous = 0, GENESIS
        cursor = connection.cursor(_ROWS, prefetch=_PAGE)
        async for row in cursor:
            problem = _problem_of(row, seq + 1, previous, anchors)
            if problem:
                return AuditVerdict(seq, seq + 1, problem)
            seq, previous = row["seq"], row["hash"]
    if stored is None:
        return AuditVerdict(seq, seq + 1, "the head row is missing")
    if stored["seq"] > seq:
        return AuditVerdict(seq, seq + 1, f"missing: the head says that there are {stored['seq']} rows")
    if stored["seq"] < seq or stored["hash"] != previous:
        return AuditVerdict(
            seq, stored["seq"] + 1 if stored["seq"] < seq else seq, "the head row does not match the log"
        )
    if anchors and max(anchors) > seq:
        return AuditVerdict(seq, seq + 1, f"missing: a published head has number {max(anchors)}")
    return AuditVerdict(seq, None, "")


def _problem_of(row: Any, number: int, previous: bytes, anchors: Mapping[int, bytes]) -> str:
    if row["seq"] != number:
        return f"missing: the next row is {row['seq']}"
    entry = canonical(*tuple(row)[1:-1])
    if hashlib.sha256(previous + number.to_bytes(8, "big") + entry).digest() != row["hash"]:
        return "changed: its hash does not fit its content and the row before"
    if anchors.get(number, row["hash"]) != row["hash"]:
        return "rewritten: a published head has another hash for it"
    return ""
