"""Idempotency: a mutation that is repeated with the same ``request_id`` is answered by the stored answer.

The key is (tenant, caller, method, request_id); the digest tells whether the repeat has the same body. Concurrent equal
calls queue behind an advisory lock on the key, held to the end of the transaction: the first one works, the others find
its answer. Rows are deleted after the retention of the database settings; a repeat after that is new work.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import AlreadyExists, Reason

if TYPE_CHECKING:
    from sealwright_common.runtime.db.connection import Connection, Queries

_FIND = "select digest, answer from idempotency where tenant = $1 and caller = $2 and method = $3 and request_id = $4"
_RECORD = "insert into idempotency (tenant, caller, method, request_id, digest, answer) values ($1, $2, $3, $4, $5, $6)"


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
        raise AlreadyExists(
            Reason.REQUEST_ID_REUSED,
            f"request_id {call.request_id} was used for another request; send this one with a fresh request_id",
        )
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


async def record(connection: Connection, call: Call, answer: bytes) -> None:
    """Stores the answer of ``call`` in this transaction."""
    await connection.execute(_RECORD, call.tenant, call.caller, call.method, call.request_id, call.digest, answer)


def _lock_key(call: Call) -> int:
    key = "\0".join(("idempotency", call.tenant, call.caller, call.method, call.request_id or ""))
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
