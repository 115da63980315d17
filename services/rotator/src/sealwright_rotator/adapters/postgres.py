"""Issuers, their keys and the key log in PostgreSQL. Every statement works on sets; none runs once per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import Aborted, Reason
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_common.domain.schedule import Schedule, ScheduleMode
from sealwright_common.runtime.db import UnitOfWork
from sealwright_common.runtime.db.connection import Connection

from sealwright_rotator.adapters.postgres_audit_heads import AuditHeadTable
from sealwright_rotator.adapters.postgres_log import LogTable
from sealwright_rotator.ports import Creation, Due, IssuerFilter, KeyChange

_LIVE = "('PENDING', 'PUBLISHED', 'ACTIVE', 'VERIFY_ONLY')"
_KEY_COLUMNS = (
    "k.id as key_row, k.created_at as key_created_at, k.start_at, k.end_at, k.signing_key, k.public_key, k.cohort, "
    "k.slot, k.state as key_state, k.version as key_version, k.batch, k.published_at, k.activated_at, k.retired_at, "
    "k.compromised_at, k.verify_until, k.destroy_at"
)
_KEYS_OF = f"""select {_KEY_COLUMNS}, i.*
               from time_aware_keys k join time_aware_issuer i on i.id = k.time_aware_issuer_id"""  # noqa: S608 - constants

_INSERT_ISSUERS = """
insert into time_aware_issuer (id, tenant, issuer_type, cohorts, created_at, expires_at, valid_from, max_tokens, buffer,
    overlap, duration, mode, publish_lead, algorithm, purpose, protection, verify_for, destroy_delay,
    allow_legacy_protocol, state, version, created_by, creation_request_id, creation_digest, due_at)
select id, tenant, issuer_type, cohorts::smallint[], created_at, expires_at, valid_from, max_tokens, buffer, overlap,
    duration, mode, publish_lead, algorithm, purpose, protection, verify_for, destroy_delay, allow_legacy_protocol,
    state, version, created_by, creation_request_id, creation_digest, $25
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
    $8::integer[], $9::integer[], $10::integer[], $11::text[], $12::text[], $13::interval[], $14::text[], $15::text[],
    $16::text[], $17::interval[], $18::interval[], $19::boolean[], $20::text[], $21::bigint[], $22::text[],
    $23::text[], $24::bytea[])
    as new (id, tenant, issuer_type, cohorts, created_at, expires_at, valid_from, max_tokens, buffer, overlap, duration,
        mode, publish_lead, algorithm, purpose, protection, verify_for, destroy_delay, allow_legacy_protocol, state,
        version, created_by, creation_request_id, creation_digest)
on conflict (tenant, issuer_type) do nothing returning id
"""


class RotatorWork(UnitOfWork):
    """One transaction with the rotator's tables."""

    @property
    def issuers(self) -> IssuerTable:
        """Issuers."""
        return IssuerTable(self.connection)

    @property
    def keys(self) -> KeyTable:
        """Keys."""
        return KeyTable(self.connection)

    @property
    def log(self) -> LogTable:
        """The key log."""
        return LogTable(self.connection)

    @property
    def audit_heads(self) -> AuditHeadTable:
        """Heads of the services' audit logs."""
        return AuditHeadTable(self.connection)


class IssuerTable:
    """Table ``time_aware_issuer``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, new: Sequence[tuple[Issuer, Creation]], due_at: datetime) -> set[UUID]:
        """Stores new issuers; the ids of those whose tenant did not have the name already."""
        # Names in one order everywhere, so that two such transactions cannot wait for each other.
        new = sorted(new, key=lambda item: (item[0].tenant, item[0].issuer_type))
        columns = map(list, zip(*map(_new_row, new), strict=True))
        rows = await self._connection.fetch(_INSERT_ISSUERS, *columns, due_at)
        return {row["id"] for row in rows}

    async def creation(self, tenant: str, issuer_type: str) -> tuple[Issuer, Creation] | None:
        """The issuer in whatever state, locked, and who created it."""
        row = await self._connection.fetchrow(
            "select * from time_aware_issuer where tenant = $1 and issuer_type = $2 for update", tenant, issuer_type
        )
        if row is None:
            return None
        return issuer_of(row), Creation(row["created_by"], row["creation_request_id"], row["creation_digest"])

    async def locked(self, ids: Sequence[UUID]) -> dict[UUID, Issuer]:
        """The issuers that exist, locked."""
        rows = await self._connection.fetch(
            "select * from time_aware_issuer where id = any($1::uuid[]) order by id for update", ids
        )
        return {row["id"]: issuer_of(row) for row in rows}

    async def find(self, tenant: str, issuer_type: str) -> Issuer | None:
        """The issuer of that name, unless it is being created."""
        return await self._one(tenant, issuer_type, "")

    async def lock(self, tenant: str, issuer_type: str) -> Issuer | None:
        """As :meth:`find`, locked."""
        return await self._one(tenant, issuer_type, " for update")

    async def _one(self, tenant: str, issuer_type: str, lock: str) -> Issuer | None:
        row = await self._connection.fetchrow(
            "select * from time_aware_issuer where tenant = $1 and issuer_type = $2 and state <> 'CREATING'" + lock,  # noqa: S608 - constants
            tenant,
            issuer_type,
        )
        return None if row is None else issuer_of(row)

    async def page(self, tenant: str, which: IssuerFilter, after: str, size: int) -> list[Issuer]:
        """Issuers by name, in the byte order of the index."""
        rows = await self._connection.fetch(
            """select * from time_aware_issuer
               where tenant = $1 and issuer_type > $2 and state <> 'CREATING' and ($3::text is null or state = $3)
                 and ($4::text is null or purpose = $4)
               order by issuer_type limit $5""",
            tenant,
            after,
            which.state,
            which.purpose,
            size,
        )
        return [issuer_of(row) for row in rows]

    async def claim_due(self, now: datetime, until: datetime, limit: int) -> list[Due]:
        """Claims due issuers until ``until``."""
        # "= any(array(...))" rather than "in (...)": the plan then cannot become a scan of the whole table.
        rows = await self._connection.fetch(
            """with claimed as materialized (
                   select id, due_at from time_aware_issuer where due_at <= $1
                   order by due_at limit $3 for update skip locked)
               update time_aware_issuer i set due_at = $2 from claimed
               where i.id = any(array(select id from claimed)) and i.id = claimed.id
               returning i.*, claimed.due_at as was_due_at""",
            now,
            until,
            limit,
        )
        return await self._dues(rows, "was_due_at")

    async def lock_due(self, ids: Sequence[UUID]) -> list[Due]:
        """These issuers as they are now, locked."""
        rows = await self._connection.fetch(
            "select * from time_aware_issuer where id = any($1::uuid[]) order by id for update", ids
        )
        return await self._dues(rows, "due_at")

    async def _dues(self, rows: Sequence[Mapping[str, Any]], due_column: str) -> list[Due]:
        if not rows:
            return []
        ids = [row["id"] for row in rows]
        issuers = {row["id"]: issuer_of(row) for row in rows}
        keys: dict[UUID, list[IssuerKey]] = {id: [] for id in ids}
        for row in await self._connection.fetch(
            f"select {_KEY_COLUMNS}, k.time_aware_issuer_id as id from time_aware_keys k "  # noqa: S608 - constants
            f"where k.time_aware_issuer_id = any($1::uuid[]) and k.state in {_LIVE} order by k.cohort, k.slot",
            ids,
        ):
            keys[row["id"]].append(key_of(row, issuers[row["id"]]))
        slots: dict[UUID, dict[int, int]] = {id: {} for id in ids}
        for row in await self._connection.fetch(
            """select i.id, c.cohort,
                      (select k.slot from time_aware_keys k where k.time_aware_issuer_id = i.id and k.cohort = c.cohort
                       order by k.slot desc limit 1) as last
               from time_aware_issuer i cross join unnest(i.cohorts) as c (cohort) where i.id = any($1::uuid[])""",
            ids,
        ):
            slots[row["id"]][row["cohort"]] = 0 if row["last"] is None else row["last"] + 1
        return [
            Due(issuers[row["id"]], tuple(keys[row["id"]]), slots[row["id"]], row[due_column], row["failures"])
            for row in rows
        ]

    async def update(self, issuers: Sequence[Issuer]) -> None:
        """Stores what may change of locked issuers."""
        if not issuers:
            return
        await self._connection.execute(
            """update time_aware_issuer i set state = n.state, version = n.version, expires_at = n.expires_at,
                   last_rotated_at = n.last_rotated_at
               from unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[])
                    as n (id, state, version, expires_at, last_rotated_at)
               where i.id = n.id""",
            [i.id for i in issuers],
            [i.state.value for i in issuers],
            [i.version for i in issuers],
            [i.schedule.expires_at for i in issuers],
            [i.last_rotated_at for i in issuers],
        )

    async def set_due(self, due: Mapping[UUID, datetime | None], failures: Mapping[UUID, int]) -> None:
        """When these issuers are due next."""
        if not due:
            return
        await self._connection.execute(
            """update time_aware_issuer i set due_at = n.due_at, failures = n.failures
               from unnest($1::uuid[], $2::timestamptz[], $3::integer[]) as n (id, due_at, failures)
               where i.id = n.id""",
            list(due),
            list(due.values()),
            [failures.get(id, 0) for id in due],
        )

    async def remove(self, issuer_id: UUID) -> None:
        """Removes an issuer that is being created, with its slots."""
        await self._connection.execute(
            """with gone as (select id from time_aware_issuer where id = $1 and state = 'CREATING' for update),
                    slots as (delete from time_aware_keys where time_aware_issuer_id in (select id from gone))
               select 1""",
            issuer_id,
        )
        await self._connection.execute("delete from time_aware_issuer where id = $1 and state = 'CREATING'", issuer_id)


class KeyTable:
    """Table ``time_aware_keys``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, keys: Sequence[IssuerKey]) -> None:
        """Stores planned slots."""
        if not keys:
            return
        try:
            await self._connection.execute(
                """insert into time_aware_keys (id, time_aware_issuer_id, created_at, start_at, end_at, cohort, slot,
                       state, version, batch)
                   select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[],
                       $6::smallint[], $7::bigint[], $8::text[], $9::bigint[], $10::uuid[])""",
                [k.id for k in keys],
                [k.issuer.id for k in keys],
                [k.created_at for k in keys],
                [k.window.start for k in keys],
                [k.window.end for k in keys],
                [k.cohort for k in keys],
                [k.slot for k in keys],
                [k.state.value for k in keys],
                [k.version for k in keys],
                [k.batch for k in keys],
            )
        except asyncpg.UniqueViolationError as error:
            raise Aborted(Reason.SLOT_TAKEN, "another replica planned the same slot first; repeat the call") from error

    async def update(self, changes: Sequence[KeyChange]) -> set[UUID]:
        """Stores keys that nobody else changed meanwhile; the row ids of those."""
        if not changes:
            return set()
        keys = [change.after for change in changes]
        rows = await self._connection.fetch(
            """update time_aware_keys k set start_at = n.start_at, end_at = n.end_at, signing_key = n.signing_key,
                   public_key = n.public_key, state = n.state, version = n.version, published_at = n.published_at,
                   activated_at = n.activated_at, retired_at = n.retired_at, compromised_at = n.compromised_at,
                   verify_until = n.verify_until, destroy_at = n.destroy_at
               from unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::bytea[],
                       $7::text[], $8::bigint[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[],
                       $12::timestamptz[], $13::timestamptz[], $14::timestamptz[])
                    as n (id, was, start_at, end_at, signing_key, public_key, state, version, published_at,
                          activated_at, retired_at, compromised_at, verify_until, destroy_at)
               where k.id = n.id and k.version = n.was returning k.id""",
            [k.id for k in keys],
            [change.before.version for change in changes],
            [k.window.start for k in keys],
            [k.window.end for k in keys],
            [None if k.key_id is None else str(k.key_id) for k in keys],
            [k.public_key or None for k in keys],
            [k.state.value for k in keys],
            [k.version for k in keys],
            [k.published_at for k in keys],
            [k.activated_at for k in keys],
            [k.retired_at for k in keys],
            [k.compromised_at for k in keys],
            [k.verify_until for k in keys],
            [k.destroy_at for k in keys],
        )
        return {row["id"] for row in rows}

    async def of_issuer(self, issuer: Issuer) -> list[IssuerKey]:
        """Every key an issuer ever had."""
        rows = await self._connection.fetch(
            f"select {_KEY_COLUMNS} from time_aware_keys k where k.time_aware_issuer_id = $1 order by k.cohort, k.slot",  # noqa: S608 - constants
            issuer.id,
        )
        return [key_of(row, issuer) for row in rows]

    async def live(self, issuer: Issuer, cohort: int | None = None, slot: int | None = None) -> list[IssuerKey]:
        """The keys that are not at their end, and ``slot`` whatever its state."""
        rows = await self._connection.fetch(
            f"""select {_KEY_COLUMNS} from time_aware_keys k
               where k.time_aware_issuer_id = $1 and k.state in {_LIVE} and ($2::smallint is null or k.cohort = $2)
               union
               select {_KEY_COLUMNS} from time_aware_keys k
               where k.time_aware_issuer_id = $1 and k.cohort = $2 and k.slot = $3
               order by cohort, slot""",  # noqa: S608 - constants
            issuer.id,
            cohort,
            slot,
        )
        return [key_of(row, issuer) for row in rows]

    async def usable(self, issuer: Issuer, cohort: int, moment: datetime, limit: int) -> list[IssuerKey]:
        """The first keys of a cohort that are usable at ``moment``; the same rule as IssuerKey.usable."""
        rows = await self._connection.fetch(
            f"""select {_KEY_COLUMNS} from time_aware_keys k
               where k.time_aware_issuer_id = $1 and k.cohort = $2 and k.end_at > $3 and k.signing_key is not null
                 and k.state <> 'COMPROMISED' and (k.retired_at is null or k.retired_at > $3)
               order by k.slot limit $4""",  # noqa: S608 - constants
            issuer.id,
            cohort,
            moment,
            limit,
        )
        return [key_of(row, issuer) for row in rows]

    async def held_as(self, key_ids: Sequence[UUID]) -> list[IssuerKey]:
        """The keys that have these ids in the signer."""
        rows = await self._connection.fetch(
            f"{_KEYS_OF} where k.signing_key = any($1::text[]) order by k.id", [str(key_id) for key_id in key_ids]
        )
        return _keys(rows)

    async def page(
        self,
        tenant: str | None,
        issuer_type: str,
        states: Sequence[KeyState],
        after: tuple[UUID, int, int] | None,
        size: int,
    ) -> list[IssuerKey]:
        """A page of keys, in the order of the unique index."""
        rows = await self._connection.fetch(
            f"""{_KEYS_OF}
               where i.state <> 'CREATING' and ($1::text is null or i.tenant = $1) and ($2 = '' or i.issuer_type = $2)
                 and ($3::text[] is null or k.state = any($3))
                 and (k.time_aware_issuer_id, k.cohort, k.slot) > ($4, $5, $6)
               order by k.time_aware_issuer_id, k.cohort, k.slot limit $7""",
            tenant,
            issuer_type,
            [state.value for state in states] or None,
            *(after or (UUID(int=0), -1, -1)),
            size,
        )
        return _keys(rows)

    async def listed(self, tenant: str, blind: bool, issuer_type: str) -> list[IssuerKey]:
        """The keys a directory shows."""
        rows = await self._connection.fetch(
            f"""{_KEYS_OF}
               where i.tenant = $1 and i.state <> 'CREATING' and (i.purpose = 'blind-signature') = $2
                 and ($3 = '' or i.issuer_type = $3) and k.state in ('PUBLISHED', 'ACTIVE', 'VERIFY_ONLY')
               order by i.issuer_type, k.cohort, k.slot""",
            tenant,
            blind,
            issuer_type,
        )
        return _keys(rows)


def _keys(rows: Sequence[Mapping[str, Any]]) -> list[IssuerKey]:
    issuers: dict[UUID, Issuer] = {}
    for row in rows:
        if row["id"] not in issuers:
            issuers[row["id"]] = issuer_of(row)
    return [key_of(row, issuers[row["id"]]) for row in rows]


def _new_row(new: tuple[Issuer, Creation]) -> tuple[Any, ...]:
    issuer, creation = new
    s = issuer.schedule
    cohorts = f"{{{','.join(map(str, issuer.cohorts))}}}"  # an array of arrays would have to be rectangular
    return (
        issuer.id, issuer.tenant, issuer.issuer_type, cohorts, issuer.created_at, s.expires_at, s.valid_from,
        issuer.max_tokens, s.buffer, s.overlap, str(s.duration), s.mode.value, s.publish_lead, issuer.algorithm.value,
        issuer.purpose.value, issuer.protection.value, issuer.verify_for, issuer.destroy_delay,
        issuer.allow_legacy_protocol, issuer.state.value, issuer.version, creation.caller, creation.request_id,
        creation.digest,
    )  # fmt: skip


def issuer_of(row: Mapping[str, Any]) -> Issuer:
    """The issuer of a row."""
    return Issuer(
        id=row["id"],
        tenant=row["tenant"],
        issuer_type=row["issuer_type"],
        cohorts=tuple(row["cohorts"]),
        max_tokens=row["max_tokens"],
        schedule=Schedule(
            valid_from=row["valid_from"],
            duration=CalendarDuration.parse(row["duration"]),
            buffer=row["buffer"],
            overlap=row["overlap"],
            mode=ScheduleMode(row["mode"]),
            expires_at=row["expires_at"],
            publish_lead=row["publish_lead"],
        ),
        algorithm=KeyAlgorithm(row["algorithm"]),
        purpose=KeyPurpose(row["purpose"]),
        protection=Protection(row["protection"]),
        verify_for=row["verify_for"],
        destroy_delay=row["destroy_delay"],
        allow_legacy_protocol=row["allow_legacy_protocol"],
        state=IssuerState(row["state"]),
        created_at=row["created_at"],
        version=row["version"],
        last_rotated_at=row["last_rotated_at"],
    )


def key_of(row: Mapping[str, Any], issuer: Issuer) -> IssuerKey:
    """The key of a row."""
    return IssuerKey(
        id=row["key_row"],
        issuer=issuer,
        cohort=row["cohort"],
        slot=row["slot"],
        window=Interval(row["start_at"], row["end_at"]),
        state=KeyState(row["key_state"]),
        batch=row["batch"],
        created_at=row["key_created_at"],
        key_id=None if row["signing_key"] is None else UUID(row["signing_key"]),
        public_key=row["public_key"] or b"",
        version=row["key_version"],
        published_at=row["published_at"],
        activated_at=row["activated_at"],
        retired_at=row["retired_at"],
        compromised_at=row["compromised_at"],
        verify_until=row["verify_until"],
        destroy_at=row["destroy_at"],
    )
