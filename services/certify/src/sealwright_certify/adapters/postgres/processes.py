"""Issuance processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sealwright_common.domain.credentials import DefinitionRef
from sealwright_common.domain.issuance import (
    Approval,
    IssuanceError,
    IssuanceProcess,
    IssuanceState,
    Phase,
    Protocol,
)
from sealwright_common.domain.issuing import Waiting
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.adapters.postgres.json_text import dumps, loads

_DUE_WINDOW = 500
"""Due rows looked at to pick a fair batch of them."""

# Few per holder and batch, those who wait longest first. Locking comes last, so that only what is taken is locked.
_CLAIM = f"""update issuance_process set next_attempt_time = $2::timestamptz + $3::interval
    where id = any(array(select id from issuance_process where id = any(array(
            select id from (select id, next_attempt_time, row_number() over (
                                partition by tenant, holder_did order by next_attempt_time) as turn
                            from (select id, tenant, holder_did, next_attempt_time from issuance_process
                                  where phase = $1 and next_attempt_time <= $2 {{which}}
                                    and holder_did <> all($5::text[])
                                  order by next_attempt_time limit {_DUE_WINDOW}) due) ranked
            where turn <= $6 order by next_attempt_time limit $4))
        and phase = $1 and next_attempt_time <= $2 for update skip locked))
    returning *"""  # noqa: S608 - the only thing filled in is one of three constants
_WHICH = {
    None: "and (attempts > 0) in (true, false)",
    False: "and (attempts > 0) = false",
    True: "and (attempts > 0) = true",
}

# Lists of a row come as JSON, because arrays of arrays of different lengths cannot be unnested.
_INSERT = """insert into issuance_process (
    id, tenant, parent_id, state, version, protocol, protocol_version, holder_did,
    holder_pid, definition_ids, definition_versions, claims, access_token, submitter, approvals, approvals_required,
    approval_deadline, phase, attempts, next_attempt_time, delivery_deadline, outcome_unknown, error, error_detail,
    rejection_reason, create_time, update_time)
    select id, tenant, parent_id, state, version, protocol, protocol_version, holder_did, holder_pid,
        array(select json_array_elements_text(definition_ids::json)),
        array(select json_array_elements_text(definition_versions::json)::int),
        claims::json, access_token, submitter, approvals::json, approvals_required, approval_deadline, phase, attempts,
        next_attempt_time, delivery_deadline, outcome_unknown, error, error_detail, rejection_reason, create_time,
        update_time
    from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::text[], $15::text[], $16::int[],
        $17::timestamptz[], $18::text[], $19::int[], $20::timestamptz[], $21::timestamptz[], $22::bool[], $23::text[],
        $24::text[], $25::text[], $26::timestamptz[], $27::timestamptz[])
        as new (id, tenant, parent_id, state, version, protocol, protocol_version, holder_did, holder_pid,
            definition_ids, definition_versions, claims, access_token, submitter, approvals, approvals_required,
            approval_deadline, phase, attempts, next_attempt_time, delivery_deadline, outcome_unknown, error,
            error_detail, rejection_reason, create_time, update_time)
    order by tenant, holder_did, holder_pid
    on conflict do nothing returning id"""


class ProcessRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, processes: Sequence[IssuanceProcess]) -> set[UUID]:
        """Stores new processes; returns the ids of those whose holder has no running one under the same holderPid.

        In the order of that key, so that two who store the same ones cannot wait for each other.
        """
        rows = [
            (
                process.id,
                process.tenant,
                process.parent_id,
                process.state.value,
                process.version,
                process.protocol.value,
                process.protocol_version,
                process.holder_did,
                process.holder_pid,
                dumps([ref.id for ref in process.definitions]),
                dumps([ref.version for ref in process.definitions]),
                dumps(process.claims),
                process.access_token,
                process.submitter,
                _approvals_text(process),
                process.approvals_required,
                process.approval_deadline,
                process.phase,
                process.attempts,
                process.next_attempt_time,
                process.delivery_deadline,
                process.outcome_unknown,
                process.error,
                process.error_detail,
                process.rejection_reason,
                process.create_time,
                process.update_time,
            )
            for process in processes
        ]
        inserted = await self._connection.fetch(_INSERT, *(list(column) for column in zip(*rows, strict=True)))
        return {UUID(int=row["id"].int) for row in inserted}

    async def running(
        self, tenant: str, holder_did: str, holder_pid: str, limit: int
    ) -> tuple[int, IssuanceProcess | None]:
        """How many processes of the holder run, counted up to ``limit``, and the one of this holderPid."""
        row = await self._connection.fetchrow(
            """select counted.running, p.* from (
                   select count(*) as running from (
                       select from issuance_process where tenant = $1 and holder_did = $2
                       and state in ('SUBMITTED', 'APPROVED') limit $4) open) counted
               left join issuance_process p on p.tenant = $1 and p.holder_did = $2 and p.holder_pid = $3
                   and p.state in ('SUBMITTED', 'APPROVED')""",
            tenant,
            holder_did,
            holder_pid,
            limit,
        )
        assert row is not None
        return row["running"], None if row["id"] is None else _process(row)

    async def open_by_pid(self, tenant: str, holder_did: str, holder_pid: str) -> IssuanceProcess | None:
        """The running process of this holderPid."""
        row = await self._connection.fetchrow(
            """select * from issuance_process where tenant = $1 and holder_did = $2 and holder_pid = $3
               and state in ('SUBMITTED', 'APPROVED')""",
            tenant,
            holder_did,
            holder_pid,
        )
        return None if row is None else _process(row)

    async def ended_by_pid(self, tenant: str, holder_did: str, holder_pid: str) -> IssuanceProcess | None:
        """The newest process of this holderPid that is over."""
        row = await self._connection.fetchrow(
            """select * from issuance_process where tenant = $1 and holder_did = $2 and holder_pid = $3
               and state in ('DELIVERED', 'ERRORED') order by id desc limit 1""",
            tenant,
            holder_did,
            holder_pid,
        )
        return None if row is None else _process(row)

    async def last_child(self, parent: IssuanceProcess) -> IssuanceProcess | None:
        """The newest process that delivers the credentials of ``parent`` again."""
        row = await self._connection.fetchrow(
            """select * from issuance_process where tenant = $1 and holder_did = $2 and parent_id = $3
               order by id desc limit 1""",
            parent.tenant,
            parent.holder_did,
            parent.id,
        )
        return None if row is None else _process(row)

    async def get(self, tenant: str, id_: UUID, *, lock: bool = False) -> IssuanceProcess | None:
        suffix = " for update" if lock else ""
        row = await self._connection.fetchrow(
            f"select * from issuance_process where tenant = $1 and id = $2{suffix}",  # noqa: S608
            tenant,
            id_,
        )
        return None if row is None else _process(row)

    async def locked(self, ids: Sequence[UUID]) -> dict[UUID, IssuanceProcess]:
        """Processes by id, of any tenant, locked in the order of their ids."""
        rows = await self._connection.fetch(
            "select * from issuance_process where id = any($1) order by id for update", list(ids)
        )
        return {process.id: process for process in map(_process, rows)}

    async def save(self, processes: Sequence[IssuanceProcess], *, from_phase: Phase | None = None) -> set[UUID]:
        """Writes what can change of processes, of those alone that are still in ``from_phase``; their ids."""
        if not processes:
            return set()
        rows = await self._connection.fetch(
            """update issuance_process p set state = n.state, version = n.version, approvals = n.approvals::json,
                   phase = n.phase, attempts = n.attempts, next_attempt_time = n.next_attempt_time,
                   outcome_unknown = n.outcome_unknown, error = n.error, error_detail = n.error_detail,
                   rejection_reason = n.rejection_reason, update_time = n.update_time,
                   delivery_deadline = n.delivery_deadline
               from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::int[], $7::timestamptz[],
                   $8::bool[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[])
                   as n (id, state, version, approvals, phase, attempts, next_attempt_time, outcome_unknown, error,
                         error_detail, rejection_reason, update_time, delivery_deadline)
               where p.id = n.id and ($14::text is null or p.phase = $14)
               returning p.id""",
            [p.id for p in processes],
            [p.state.value for p in processes],
            [p.version for p in processes],
            [_approvals_text(p) for p in processes],
            [p.phase for p in processes],
            [p.attempts for p in processes],
            [p.next_attempt_time for p in processes],
            [p.outcome_unknown for p in processes],
            [p.error for p in processes],
            [p.error_detail for p in processes],
            [p.rejection_reason for p in processes],
            [p.update_time for p in processes],
            [p.delivery_deadline for p in processes],
            from_phase,
        )
        return {UUID(int=row["id"].int) for row in rows}

    async def page(
        self, tenant: str, state: IssuanceState | None, holder_did: str, before: UUID | None, limit: int
    ) -> list[IssuanceProcess]:
        """Newest first. Conditions are written out as constants, so that partial indexes are seen to fit."""
        conditions = ["tenant = $1", "id < $2"]
        arguments: list[object] = [tenant, before or UUID(int=(1 << 128) - 1), limit]
        if state is not None:
            conditions.append(f"state = '{state.value}'")
        if holder_did:
            arguments.append(holder_did)
            conditions.append(f"holder_did = ${len(arguments)}")
        rows = await self._connection.fetch(
            f"select * from issuance_process where {' and '.join(conditions)} order by id desc limit $3",  # noqa: S608
            *arguments,
        )
        return [_process(row) for row in rows]

    async def claim(
        self, phase: Phase, now: datetime, lease: timedelta, limit: int, *, retries: bool | None, busy: Sequence[str]
    ) -> list[IssuanceProcess]:
        """Takes due processes of a phase for ``lease``: at most two per holder where holders are waited for."""
        turns = 2 if phase is not Phase.GENERATE else _DUE_WINDOW
        rows = await self._connection.fetch(
            _CLAIM.format(which=_WHICH[retries]), phase.value, now, lease, limit, list(busy), turns
        )
        return [_process(row) for row in rows]

    async def claim_expired(self, now: datetime, limit: int) -> list[IssuanceProcess]:
        rows = await self._connection.fetch(
            """select * from issuance_process where state = 'SUBMITTED' and approval_deadline is not null
               and approval_deadline <= $1 order by approval_deadline limit $2 for update skip locked""",
            now,
            limit,
        )
        return [_process(row) for row in rows]

    async def changed(self, tenant: str, since: datetime, limit: int) -> list[IssuanceProcess]:
        """Processes that changed at or after ``since``, in the order of their changes."""
        rows = await self._connection.fetch(
            """select * from issuance_process where tenant = $1 and update_time >= $2
               order by update_time, id limit $3""",
            tenant,
            since,
            limit,
        )
        return [_process(row) for row in rows]

    async def open_counts(self) -> dict[str, int]:
        """Running processes per tenant."""
        rows = await self._connection.fetch(
            """select tenant, count(*) as running from issuance_process
               where state in ('SUBMITTED', 'APPROVED') group by tenant"""
        )
        return {row["tenant"]: row["running"] for row in rows}

    async def waiting(self) -> list[Waiting]:
        """What waits, by what for. Each half has an index of its own."""
        rows = await self._connection.fetch(
            """select coalesce(phase, 'approval') as what, count(*) as count, min(next_attempt_time) as due,
                   count(distinct (tenant, holder_did)) filter (where attempts >= 3) as stuck
               from (select phase, next_attempt_time, tenant, holder_did, attempts from issuance_process
                     where phase is not null
                     union all
                     select phase, null, tenant, holder_did, 0 from issuance_process where state = 'SUBMITTED') w
               group by 1"""
        )
        return [Waiting(row["what"], row["count"], row["due"], row["stuck"]) for row in rows]


def _approvals_text(process: IssuanceProcess) -> str:
    return dumps([[approval.approver, approval.time.isoformat()] for approval in process.approvals])


def _process(row: Any) -> IssuanceProcess:
    return IssuanceProcess(
        id=UUID(int=row["id"].int),
        tenant=row["tenant"],
        parent_id=row["parent_id"],
        state=IssuanceState(row["state"]),
        version=row["version"],
        protocol=Protocol(row["protocol"]),
        protocol_version=row["protocol_version"],
        holder_did=row["holder_did"],
        holder_pid=row["holder_pid"],
        definitions=tuple(map(DefinitionRef, row["definition_ids"], row["definition_versions"])),
        claims=loads(row["claims"]),
        access_token=row["access_token"],
        submitter=row["submitter"],
        approvals=tuple(Approval(who, datetime.fromisoformat(time)) for who, time in loads(row["approvals"])),
        approvals_required=row["approvals_required"],
        approval_deadline=row["approval_deadline"],
        phase=None if row["phase"] is None else Phase(row["phase"]),
        attempts=row["attempts"],
        next_attempt_time=row["next_attempt_time"],
        delivery_deadline=row["delivery_deadline"],
        outcome_unknown=row["outcome_unknown"],
        error=None if row["error"] is None else IssuanceError(row["error"]),
        error_detail=row["error_detail"],
        rejection_reason=row["rejection_reason"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )
