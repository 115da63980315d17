"""Idempotency: a mutation that is repeated with the same ``request_id`` is answered by the stored answer.

The key is (tenant, caller, method, request_id); the digest tells whether the repeat has the same body. Concurrent equal
calls queue behind an advisory lock on the key, held to the end of the transaction: the first one works, the others find
its answer. Rows are deleted after the retention of the database settings; a repeat after that is new work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import AlreadyExists, Reason

if TYPE_CHECKING:
    from sealwright_common.runtime.db.connection import Connection, Queries

_FIND = "select digest, answer from idempotency where tenant = $1 and caller = $2 and method = $3 and request_id = $4"
_FIND_ALL = """select tenant, caller, method, request_id, digest, answer from idempotency
    natural join unnest($1::text[], $2::text[], $3::text[], $4::text[]) as asked (tenant, caller, method, request_id)"""
_RECORD = """insert into idempotency (tenant, caller, method, request_id, digest, answer)
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[])"""


class Replay(Exception):
    """This request was answered before; ``answer`` is the stored answer, to be returned as it stands."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("this request was answered before")
        self.answer = answer


async def find(queries: Queries, call: Call) -> bytes | None:
    """The stored answer of ``call``; None if it has none or no request id.

    Raises AlreadyExists (REQUEST_ID_REUSED) if its request id was used for another body.
    """
    if call.request_id is None:
        return None
    row = await queries.fetchrow(_FIND, call.tenant, call.caller, call.method, call.request_id)
    if row is None:
        return None
    if row["digest"] != call.digest:
        raise _reused(call)
    return row["answer"]


async def claim(connection: Connection, call: Call) -> None:
    """Makes this transaction the only one that works on ``call``; waits for another that is at it.

    Raises Replay if it was answered before, AlreadyExists if its request id was used for another body.
    """
    if call.request_id is None:
        return
    await connection.execute("select pg_advisory_xact_lock($1)", _lock_key(call))
    answer = await find(connection, call)
    if answer is not None:
        raise Replay(answer)


async def claim_all(connection: Connection, calls: Sequence[Call]) -> list[Replay | AlreadyExists | None]:
    """As :func:`claim` for several calls at once: for each what it would have raised, or None."""
    asked = [call for call in calls if call.request_id is not None]
    if not asked:
        return [None] * len(calls)
    # In one order everywhere, so that two such transactions cannot wait for each other.
    keys = sorted(_lock_key(call) for call in asked)
    await connection.execute("select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key", keys)
    columns = zip(*((call.tenant, call.caller, call.method, call.request_id) for call in asked), strict=True)
    rows = await connection.fetch(_FIND_ALL, *map(list, columns))
    found = {tuple(row)[:4]: (row["digest"], row["answer"]) for row in rows}
    refusals: list[Replay | AlreadyExists | None] = []
    for call in calls:
        digest, answer = found.get((call.tenant, call.caller, call.method, call.request_id), (call.digest, None))
        if digest != call.digest:
            refusals.append(_reused(call))
        else:
            refusals.append(None if answer is None else Replay(answer))
    return refusals


async def record(connection: Connection, answers: Sequence[tuple[Call, bytes]]) -> None:
    """Stores the answers of calls in this transaction."""
    rows = [(c.tenant, c.caller, c.method, c.request_id, c.digest, answer) for c, answer in answers]
    await connection.execute(_RECORD, *map(list, zip(*rows, strict=True)))


def _reused(call: Call) -> AlreadyExists:
    return AlreadyExists(
        Reason.REQUEST_ID_REUSED,
        f"request_id {call.request_id} was used for another request; send this one with a fresh request_id",
    )


def _lock_key(call: Call) -> int:
    key = "\0".join(("idempotency", call.tenant, call.caller, call.method, call.request_id or ""))
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
