# ruff: noqa: S608 - statements are put together from constants of this file only
"""Keys, issuers and redemptions in PostgreSQL. Every statement works on sets of rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sealwright_common.domain.errors import AlreadyExists, Reason
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import Key, KeyAlgorithm, KeyPurpose, KeySlot, KeyState, Protection
from sealwright_common.runtime.db import UnitOfWork
from sealwright_common.runtime.db.connection import Connection

from sealwright_signer.ports import Issuer, KeyFilter, Redemption, StoredKey

_COLUMNS = (
    "tenant, id, algorithm, purpose, protection, state, previous_state, disabled, public_key, token_key_id,"
    " signing_key, labels, issuer_type, issuer_cohort, slot, valid_from, valid_to, created_time, destroy_time, version"
)
_INSERT = f"""insert into signing_key ({_COLUMNS})
select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[],
    $9::bytea[], $10::bytea[], $11::text[], $12::jsonb[], $13::text[], $14::int[], $15::bigint[], $16::timestamptz[],
    $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::bigint[])"""
_UPDATE = """update signing_key k set state = n.state, previous_state = n.previous_state, disabled = n.disabled,
    signing_key = n.signing_key, issuer_type = n.issuer_type, issuer_cohort = n.issuer_cohort, slot = n.slot,
    valid_from = n.valid_from, valid_to = n.valid_to, destroy_time = n.destroy_time, version = n.version
from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bool[], $6::text[], $7::text[], $8::int[], $9::bigint[],
    $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::bigint[])
    as n (tenant, id, state, previous_state, disabled, signing_key, issuer_type, issuer_cohort, slot, valid_from,
          valid_to, destroy_time, version)
where k.tenant = n.tenant and k.id = n.id"""
_LIVE = "state in ('PUBLISHED', 'ACTIVE')"
# The state as it holds at $6: what was decided, moved on by the window. The same rule as Key.state_at.
_STATE_AT = """case when state not in ('PUBLISHED', 'ACTIVE') or valid_from is null then state
    when $6 >= valid_to then 'VERIFY_ONLY' when $6 >= valid_from then 'ACTIVE' else 'PUBLISHED' end"""


class PostgresKeys:
    """The Keys port inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def begin_making(self, key_ids: Sequence[UUID]) -> None:
        """Remembers pairs that the token is to make."""
        await self._connection.execute(
            "insert into key_making (id, begun_time) select id, now() from unnest($1::uuid[]) id", key_ids
        )

    async def being_made(self, key_ids: Sequence[UUID]) -> set[UUID]:
        """Those that are being made, locked in the order of their ids."""
        rows = await self._connection.fetch(
            "select id from key_making where id = any($1::uuid[]) order by id for update", key_ids
        )
        return {row["id"] for row in rows}

    async def give_up(self, key_ids: Sequence[UUID]) -> None:
        """Removes the rows of these keys."""
        await self._connection.execute("delete from key_making where id = any($1::uuid[])", key_ids)

    async def take_unfinished(self, before: datetime, limit: int) -> list[UUID]:
        """Removes rows begun before then; their ids. Rows of keys that are being recorded are locked and skipped."""
        rows = await self._connection.fetch(
            "delete from key_making where id = any(array(select id from key_making where begun_time < $1"
            " order by begun_time limit $2 for update skip locked)) returning id",
            before,
            limit,
        )
        return [row["id"] for row in rows]

    async def insert(self, keys: Sequence[StoredKey]) -> None:
        """Stores new keys, which ends their making. AlreadyExists SLOT_TAKEN if an issuer's slot has a key already."""
        if not keys:
            return
        in_token = [stored.key.id for stored in keys if stored.key.protection is Protection.HSM]
        if in_token:
            await self.give_up(in_token)
        try:
            await self._connection.execute(_INSERT, *_transposed([_row(key) for key in keys]))
        except asyncpg.UniqueViolationError as error:
            raise AlreadyExists(
                Reason.SLOT_TAKEN, "a slot of this issuer has a key already; list the issuer's keys with ListKeys"
            ) from error

    async def get(self, tenant: str, ids: Sequence[UUID]) -> dict[UUID, StoredKey]:
        """The keys that exist among ``ids``."""
        return await self._by_ids(tenant, ids, "")

    async def lock(self, tenant: str, ids: Sequence[UUID]) -> dict[UUID, StoredKey]:
        """As :meth:`get`, locked in the order of their ids, so that two calls cannot wait for each other."""
        return await self._by_ids(tenant, ids, "order by id for update")

    async def unexpired(self, tenant: str, issuer_type: str, cohort: int, now: datetime, limit: int) -> list[StoredKey]:
        """The issuer's unexpired keys, published or active, disabled ones too, earliest window first."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from signing_key where tenant = $1 and issuer_type = $2 and issuer_cohort = $3"
            f" and valid_to > $4 and {_LIVE} order by slot limit $5",
            tenant,
            issuer_type,
            cohort,
            now,
            limit,
        )
        return [_stored(row) for row in rows]

    async def redeemable(
        self, tenant: str, issuer_type: str, cohort: int, now: datetime, leeway: timedelta
    ) -> list[StoredKey]:
        """Keys whose window, widened by ``leeway``, holds ``now``, strictly active first; any cohort for 0."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from signing_key where tenant = $1 and issuer_type = $2"
            " and ($3 = 0 or issuer_cohort = $3) and valid_to > $4::timestamptz - $5::interval"
            " and valid_from <= $4::timestamptz + $5::interval"
            " and state in ('PUBLISHED', 'ACTIVE', 'VERIFY_ONLY') and not disabled"
            " order by (valid_from <= $4 and valid_to > $4) desc, slot limit 1000",
            tenant,
            issuer_type,
            cohort,
            now,
            leeway,
        )
        return [_stored(row) for row in rows]

    async def by_token_key_id(self, tenant: str, token_key_ids: Sequence[bytes]) -> dict[bytes, StoredKey]:
        """Blind keys by their Privacy Pass key id."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from signing_key where tenant = $1 and token_key_id = any($2::bytea[])",
            tenant,
            token_key_ids,
        )
        return {row["token_key_id"]: _stored(row) for row in rows}

    async def of_cohort(self, tenant: str, issuer_type: str, cohort: int) -> bool:
        """Whether the issuer's cohort has any key at all."""
        found = await self._connection.fetchval(
            "select exists (select from signing_key where tenant = $1 and issuer_type = $2 and issuer_cohort = $3)",
            tenant,
            issuer_type,
            cohort,
        )
        return bool(found)

    async def page(
        self, tenant: str, which: KeyFilter, now: datetime, before: UUID | None, size: int
    ) -> list[StoredKey]:
        """Up to ``size`` keys, newest first, made before ``before``."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from signing_key where tenant = $1 and ($2::uuid is null or id < $2)"
            " and ($3::text is null or purpose = $3) and ($4::text is null or algorithm = $4)"
            f" and ($5::text is null or {_STATE_AT} = $5)"
            " and ($7 = '' or issuer_type = $7) and ($8 = 0 or issuer_cohort = $8) order by id desc limit $9",
            tenant,
            before,
            which.purpose,
            which.algorithm,
            which.state,
            now,
            which.issuer_type,
            which.cohort,
            size,
        )
        return [_stored(row) for row in rows]

    async def update(self, keys: Sequence[StoredKey]) -> None:
        """Stores what may change of locked keys. AlreadyExists SLOT_TAKEN if a slot has another key."""
        rows = [_changing(key) for key in keys]
        try:
            await self._connection.execute(_UPDATE, *_transposed(rows))
        except asyncpg.UniqueViolationError as error:
            raise AlreadyExists(
                Reason.SLOT_TAKEN, "a slot of this issuer has another key; list the issuer's keys with ListKeys"
            ) from error

    async def due_for_destruction(self, now: datetime, limit: int) -> list[StoredKey]:
        """Keys of any tenant whose destruction is due, locked; rows locked by others are skipped."""
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from signing_key where state = 'DESTROY_SCHEDULED' and destroy_time <= $1"
            " order by destroy_time limit $2 for update skip locked",
            now,
            limit,
        )
        return [_stored(row) for row in rows]

    async def _by_ids(self, tenant: str, ids: Sequence[UUID], tail: str) -> dict[UUID, StoredKey]:
        rows = await self._connection.fetch(
            f"select {_COLUMNS} from signing_key where tenant = $1 and id = any($2::uuid[]) {tail}", tenant, ids
        )
        return {row["id"]: _stored(row) for row in rows}


class PostgresSchedule:
    """The Schedule port inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, issuers: Sequence[Issuer]) -> None:
        """Stores issuers; an older version than the stored one is left out."""
        newest = {(issuer.tenant, issuer.issuer_type): issuer for issuer in sorted(issuers, key=lambda i: i.version)}
        await self._connection.execute(
            """insert into issuer (tenant, issuer_type, buffer, overlap, max_tokens, allow_legacy_protocol, signing,
                                   expires_at, version)
            select * from unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::bool[], $7::bool[],
                                 $8::timestamptz[], $9::bigint[])
            on conflict (tenant, issuer_type) do update set buffer = excluded.buffer, overlap = excluded.overlap,
                max_tokens = excluded.max_tokens, allow_legacy_protocol = excluded.allow_legacy_protocol,
                signing = excluded.signing, expires_at = excluded.expires_at, version = excluded.version
            where issuer.version <= excluded.version""",
            *_transposed(
                [
                    (
                        i.tenant,
                        i.issuer_type,
                        i.buffer,
                        i.overlap,
                        i.max_tokens,
                        i.allow_legacy_protocol,
                        i.signing,
                        i.expires_at,
                        i.version,
                    )
                    for i in newest.values()
                ]
            ),
        )

    async def issuer(self, tenant: str, issuer_type: str) -> Issuer | None:
        """The issuer, if it is known."""
        row = await self._connection.fetchrow(
            "select tenant, issuer_type, buffer, overlap, max_tokens, allow_legacy_protocol, signing, expires_at,"
            " version"
            " from issuer where tenant = $1 and issuer_type = $2",
            tenant,
            issuer_type,
        )
        return None if row is None else Issuer(*row)


class PostgresRedemptions:
    """The Redemptions port inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def spend(self, tenant: str, redemptions: Sequence[Redemption]) -> list[Redemption]:
        """Records each token once; the record that holds, in order: the given one if the token was unspent."""
        ordered = sorted({r.token_id: r for r in reversed(redemptions)}.values(), key=lambda r: r.token_id)
        await self._connection.execute(
            """insert into redemption (tenant, token_id, id, key_id, issuer_type, issuer_cohort, binding, redeem_time,
                                       keep_until)
            select $1, * from unnest($2::bytea[], $3::uuid[], $4::uuid[], $5::text[], $6::int[], $7::bytea[],
                                     $8::timestamptz[], $9::timestamptz[])
            on conflict (tenant, token_id) do nothing""",
            tenant,
            *_transposed(
                [
                    (r.token_id, r.id, r.key_id, r.issuer_type, r.cohort, r.binding, r.time, r.keep_until)
                    for r in ordered
                ]
            ),
        )
        rows = await self._connection.fetch(
            "select id, token_id, key_id, issuer_type, issuer_cohort, binding, redeem_time, keep_until"
            " from redemption where tenant = $1 and token_id = any($2::bytea[])",
            tenant,
            [r.token_id for r in ordered],
        )
        held = {row["token_id"]: Redemption(*row) for row in rows}
        return [held[r.token_id] for r in redemptions]

    async def forget_expired(self, now: datetime, limit: int) -> int:
        """Removes records whose time is over; how many."""
        gone = await self._connection.fetch(
            "delete from redemption where ctid = any(array(select ctid from redemption where keep_until < $1"
            " order by keep_until limit $2)) returning 1",
            now,
            limit,
        )
        return len(gone)


class PostgresAnswers:
    """The Answers port inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def claim(self, queue: str, requests: Sequence[tuple[str, str]]) -> None:
        """Makes this transaction the only one that answers these (tenant, request id) pairs, in a fixed order."""
        names = sorted(f"{queue} {tenant} {request_id}" for tenant, request_id in requests)
        await self._connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(name, 0)) from unnest($1::text[]) name", names
        )

    async def get(self, queue: str, requests: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[bytes, bytes]]:
        """Digest of the request and answer, by (tenant, request id)."""
        rows = await self._connection.fetch(
            "select tenant, request_id, digest, answer from queue_answer where queue = $1"
            " and (tenant, request_id) in (select * from unnest($2::text[], $3::text[]))",
            queue,
            [tenant for tenant, _ in requests],
            [request_id for _, request_id in requests],
        )
        return {(row["tenant"], row["request_id"]): (row["digest"], row["answer"]) for row in rows}

    async def put(self, queue: str, rows: Sequence[tuple[str, str, bytes, bytes]], now: datetime) -> None:
        """Stores (tenant, request id, digest, answer)."""
        await self._connection.execute(
            "insert into queue_answer (tenant, request_id, digest, answer, queue, answer_time)"
            " select *, $5::text, $6::timestamptz from unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[])",
            *_transposed(rows),
            queue,
            now,
        )

    async def forget_before(self, moment: datetime, limit: int) -> int:
        """Removes answers older than ``moment``; how many."""
        gone = await self._connection.fetch(
            "delete from queue_answer where ctid = any(array(select ctid from queue_answer where answer_time < $1"
            " order by answer_time limit $2)) returning 1",
            moment,
            limit,
        )
        return len(gone)


class SignerWork(UnitOfWork):
    """The signer's unit of work."""

    @property
    def keys(self) -> PostgresKeys:
        """Stored keys."""
        return PostgresKeys(self.connection)

    @property
    def schedule(self) -> PostgresSchedule:
        """Issuers."""
        return PostgresSchedule(self.connection)

    @property
    def answers(self) -> PostgresAnswers:
        """Answers of the work queue."""
        return PostgresAnswers(self.connection)

    @property
    def redemptions(self) -> PostgresRedemptions:
        """Spent tokens."""
        return PostgresRedemptions(self.connection)


def _transposed(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _slot_columns(slot: KeySlot | None) -> tuple[Any, ...]:
    if slot is None:
        return (None, None, None, None, None)
    return (slot.issuer_type, slot.cohort, slot.slot, slot.window.start, slot.window.end)


def _row(stored: StoredKey) -> tuple[Any, ...]:
    key = stored.key
    return (
        key.tenant,
        key.id,
        key.algorithm,
        key.purpose,
        key.protection,
        key.state,
        stored.previous_state,
        key.disabled,
        key.public_key,
        key.token_key_id or None,
        stored.signing_key,
        json.dumps(dict(key.labels)),
        *_slot_columns(key.slot),
        key.created_time,
        key.destroy_time,
        key.version,
    )


def _changing(stored: StoredKey) -> tuple[Any, ...]:
    key = stored.key
    return (
        key.tenant,
        key.id,
        key.state,
        stored.previous_state,
        key.disabled,
        stored.signing_key,
        *_slot_columns(key.slot),
        key.destroy_time,
        key.version,
    )


def _stored(row: Any) -> StoredKey:
    slot = None
    if row["issuer_type"] is not None:
        window = Interval(row["valid_from"], row["valid_to"])
        slot = KeySlot(row["issuer_type"], row["issuer_cohort"], row["slot"], window)
    key = Key(
        id=row["id"],
        tenant=row["tenant"],
        algorithm=KeyAlgorithm(row["algorithm"]),
        purpose=KeyPurpose(row["purpose"]),
        protection=Protection(row["protection"]),
        state=KeyState(row["state"]),
        public_key=row["public_key"],
        created_time=row["created_time"],
        version=row["version"],
        disabled=row["disabled"],
        slot=slot,
        labels=json.loads(row["labels"]),
        destroy_time=row["destroy_time"],
        token_key_id=row["token_key_id"] or b"",
    )
    previous = KeyState(row["previous_state"]) if row["previous_state"] else None
    return StoredKey(key, row["signing_key"], previous)
