"""Certificates on their way: what waits, claims, stored transactions and steps, each for a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sealwright_common.domain.certificates import CertificateRef, Change
from sealwright_common.runtime.db.connection import Connection

from sealwright_stamp.adapters.postgres import rows as convert
from sealwright_stamp.ports import Item, Move, Pending, Slice, Submission, SubmissionKind, Trouble

_ITEM = f"""select c.row_id, c.tenant, c.state, c.position, c.blinding, c.attempts, c.delivery_attempts,
    c.delivery_deadline, r.endpoint_url, k.public_key, s.kind, s.signing_key_id, s.transaction_id, s.transaction,
    s.sends,
    {convert.ORDER_COLUMNS}
from {{source}} c
join recipient r on r.tenant = c.tenant and r.id = c.recipient_id
join wallet_key k on k.id = c.key_id
left join lateral (select * from submission s where s.row_id = c.row_id
    and s.kind = case when c.state = 'WITHDRAWING' then 'WITHDRAW' else 'ISSUE' end limit 1) s on true"""  # noqa: S608

_ITEMS = _ITEM.format(source=convert.NAMED)


def _arm(rows: str) -> str:
    """Has a sweeper look at ``rows`` when they are due; where it looks sooner anyway, it finds out by itself."""
    return f"""insert into certificate_due (row_id, due_time)
    select row_id, due_time from {rows} where due_time <
        coalesce((select d.due_time from certificate_due d where d.row_id = {rows}.row_id), 'infinity')
    on conflict (row_id) do update set due_time = excluded.due_time"""  # noqa: S608


# The certificates by rows in $1. What else is given of each is no join: where the planner expects one row, a join
# compares each with each.
GIVEN = "c.row_id = any($1::bigint[])"
PLACE = "array_position($1::bigint[], c.row_id)"

# Nothing here waits for a lock.
DUE = """select row_id from certificate_due where due_time <= $1 order by due_time limit $3 for update skip locked"""

# The smallest is at the head of the index, however large the table and whatever the planner believes of it.
_ANYTHING_DUE = "select min(due_time) <= $1 from certificate_due"

# What is due may have been put off since, be claimed by another instance, or be over.
_CLAIM_DUE = f"""with looked as materialized (
    select row_id, due_time is null as over, case when due_time > $1 then due_time
        when state = 'ISSUED' and claimed_until > $1 then claimed_until end as put_off
    from certificate where row_id = any(array({DUE})) for update skip locked),
claimed as materialized (
    update certificate set due_time = $2, claimed_until = case when state = 'ISSUED' then $2 else claimed_until end
    where row_id = any(array(select row_id from looked where not over and put_off is null))
    returning *),
armed as (
    update certificate_due d set due_time = coalesce(looked.put_off, $2) from looked
    where d.row_id = looked.row_id and d.row_id = any(array(select row_id from looked where not over))),
gone as (
    delete from certificate_due where row_id = any(array(select row_id from looked where over)))
{_ITEM.format(source="claimed")}"""  # noqa: S608

_CLAIM_DELIVERIES = f"""with claimed as materialized (
    update certificate c set due_time = $5, claimed_until = $5
    where c.row_id = any(array(select n.row_id from {convert.NAMED} n))
        and c.state = 'ISSUED' and c.delivery = 'PENDING' and (c.claimed_until is null or c.claimed_until <= $4)
    returning c.*)
select c.row_id, c.tenant, c.registry, c.certificate_id, c.position, c.quantity, c.blinding, c.hashed,
    c.delivery_attempts, c.delivery_deadline, r.endpoint_url, k.public_key
from claimed c
join recipient r on r.tenant = c.tenant and r.id = c.recipient_id
join wallet_key k on k.id = c.key_id"""  # noqa: S608

_PENDING = f"""select c.row_id, c.tenant, c.registry, c.certificate_id, c.attempts, s.kind, s.transaction_id
from {convert.NAMED} c
cross join lateral (select s.kind, s.transaction_id from submission s where s.row_id = c.row_id
    and s.kind = case c.state when 'SENT' then 'ISSUE' else 'WITHDRAW' end limit 1) s
where c.state in ('SENT', 'WITHDRAWING')"""  # noqa: S608

_TRANSACTIONS = "select row_id, transaction from submission where kind = $2 and row_id = any($1::bigint[])"

# In order, so that two instances with overlapping batches queue behind each other instead of deadlocking.
_STORE = """insert into submission (row_id, kind, signing_key_id, transaction_id, transaction, prepare_time)
select row_id, kind, signing_key_id, transaction_id, transaction, $6
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bytea[])
    as n (row_id, kind, signing_key_id, transaction_id, transaction)
order by row_id
on conflict (row_id, kind) do nothing
returning row_id"""

_STORED = """select row_id, kind, signing_key_id, transaction_id, transaction, sends
from submission join unnest($1::bigint[], $2::text[]) as w (row_id, kind) using (row_id, kind)"""

_WITHDRAWALS_SENT = """update submission set sends = sends + 1, sent_time = $2
where kind = 'WITHDRAW' and row_id = any($1::bigint[])"""

_PUT_OFF = f"""with later as (
    update certificate c set due_time = ($2::timestamptz[])[{PLACE}], attempts = c.attempts + 1,
        reason = ($3::text[])[{PLACE}]
    where {GIVEN} and c.state in ('STORED', 'SENT', 'WITHDRAWING')
    returning c.row_id, c.due_time)
{_arm("later")}"""  # noqa: S608

_PUT_OFF_DELIVERY = f"""with later as (
    update certificate c set due_time = ($2::timestamptz[])[{PLACE}], claimed_until = null,
        delivery_reason = ($3::text[])[{PLACE}], delivery_attempts = c.delivery_attempts + 1
    where {GIVEN} and c.state = 'ISSUED' and c.delivery = 'PENDING'
    returning c.row_id, c.due_time)
{_arm("later")}"""  # noqa: S608

# The reason of each, or none for all.
REASON = f"case when $2::text[] = '{{}}' then '' else ($2::text[])[{PLACE}] end"

# $4 the new state or null, $6 the new delivery state or null, $10 and $11 the steps before. A delivery's answer may
# come in while a withdrawal is under way, whose due time it must not touch; a slice still undelivered when its
# certificate is withdrawn stays so.
_MOVE = f"""with moved as (
    update certificate c set
        state = coalesce($4::text, c.state),
        reason = case when $4::text is null then c.reason else {REASON} end,
        delivery = case when $6::text is not null then $6
            when $4::text = 'WITHDRAWN' and c.delivery = 'PENDING' then 'NONE' else c.delivery end,
        delivery_reason = case when $6::text is null then c.delivery_reason else {REASON} end,
        delivery_attempts = c.delivery_attempts + coalesce($6::text in ('DELIVERED', 'UNDELIVERABLE'), false)::int,
        delivery_deadline = coalesce($7::timestamptz, c.delivery_deadline),
        claimed_until = case when $6::text is null then c.claimed_until end,
        due_time = case when $4::text is null and c.state <> 'ISSUED' then c.due_time
            when $4::text = 'ISSUED' and $6::text is null and c.delivery <> 'PENDING' then null
            else $5::timestamptz end,
        attempts = 0, version = c.version + 1 + cardinality($10::text[]), update_time = $9::timestamptz
    where {GIVEN} and c.state = any($3::text[])
        and ($6::text is null or $4::text is not null
            or (c.delivery <> $6::text and ($6::text <> 'UNDELIVERABLE' or c.delivery = 'PENDING')))
    returning c.row_id, c.registry, c.certificate_id, c.version, c.state, c.due_time, {REASON} as told_reason),
armed as (
    {_arm("moved")}),
over as (
    delete from certificate_due where row_id = any(array(select row_id from moved where due_time is null))),
told as (
    insert into certificate_history (row_id, version, state, event, reason, time)
    select row_id, version, state, $8, told_reason, $9 from moved
    union all select row_id, version - cardinality($10) + (place - 1)::int, b.state, b.event, '', $9
    from moved cross join unnest($10, $11::text[]) with ordinality as b (event, state, place))
select moved.*, s.transaction_id from moved left join submission s on s.row_id = moved.row_id
    and s.kind = case when moved.state in ('WITHDRAWING', 'WITHDRAWN') then 'WITHDRAW' else 'ISSUE' end
order by moved.row_id"""  # noqa: S608

_STALL = f"""with stalled as materialized (
    select row_id from certificate where row_id = any(array({DUE}))
        and update_time < $2 and state in ('STORED', 'SENT', 'WITHDRAWING')
    for update skip locked),
moved as (
    update certificate c set stuck_state = c.state, state = 'STUCK', due_time = null, version = c.version + 1,
        update_time = $1,
        reason = 'no progress in ' || c.state || case when c.reason = '' then '' else ': ' || c.reason end
    where c.row_id = any(array(select row_id from stalled))
    returning c.row_id, c.tenant, c.registry, c.certificate_id, c.version, c.state, c.reason as told_reason),
over as (
    delete from certificate_due where row_id = any(array(select row_id from stalled))),
told as (
    insert into certificate_history (row_id, version, state, event, reason, time)
    select row_id, version, state, 'CertificateStuck', told_reason, $1 from moved)
select moved.*, s.transaction_id from moved left join submission s on s.row_id = moved.row_id and s.kind = 'ISSUE'
order by moved.row_id"""  # noqa: S608

_RESUME = f"""with moved as (
    update certificate c set state = c.stuck_state, stuck_state = null, reason = '', due_time = $4, attempts = 0,
        version = c.version + 1, update_time = $5
    where c.tenant = $1 and c.certificate_id = $2 and c.registry = $3 and c.state = 'STUCK'
    returning c.row_id, c.registry, c.certificate_id, c.version, c.state, c.due_time, '' as told_reason),
armed as (
    {_arm("moved")}),
told as (
    insert into certificate_history (row_id, version, state, event, reason, time)
    select row_id, version, state, 'CertificateResumed', '', $5 from moved)
select moved.*, s.transaction_id from moved left join submission s on s.row_id = moved.row_id and s.kind = 'ISSUE'"""  # noqa: S608

_TROUBLE = """select (select count(*) from certificate where trouble = 'STUCK') as stuck,
    (select count(*) from certificate where undeliverable) as undeliverable"""


class PostgresChain:
    """Certificates on their way."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def items(self, tenant: str, refs: Sequence[CertificateRef]) -> list[Item]:
        """The certificates among ``refs`` that exist, with the transaction of their present kind if it is stored."""
        found = await self._connection.fetch(
            _ITEMS, tenant, [ref.registry for ref in refs], [ref.certificate_id for ref in refs]
        )
        return [convert.item(row) for row in found]

    async def pending(self, tenant: str, refs: Sequence[CertificateRef]) -> list[Pending]:
        """What those of ``refs`` that wait for the registry wait for."""
        found = await self._connection.fetch(
            _PENDING, tenant, [ref.registry for ref in refs], [ref.certificate_id for ref in refs]
        )
        return [convert.pending(row) for row in found]

    async def transactions(self, rows: Sequence[int], kind: SubmissionKind) -> dict[int, bytes]:
        """The stored transaction bytes of a kind, by row."""
        found = await self._connection.fetch(_TRANSACTIONS, list(rows), kind.value)
        return {row["row_id"]: row["transaction"] for row in found}

    async def anything_due(self) -> bool:
        """Whether a sweeper would find something now."""
        return bool(await self._connection.fetchval(_ANYTHING_DUE, self._now))

    async def claim_due(self, limit: int, lease: timedelta) -> list[Item]:
        """Takes up to ``limit`` certificates that are due, of any tenant, putting their due time off by ``lease``."""
        found = await self._connection.fetch(_CLAIM_DUE, self._now, self._now + lease, limit)
        return [convert.item(row) for row in found]

    async def claim_deliveries(self, tenant: str, refs: Sequence[CertificateRef], lease: timedelta) -> list[Slice]:
        """Takes the certificates among ``refs`` whose slice is to be posted and that nobody else holds."""
        found = await self._connection.fetch(
            _CLAIM_DELIVERIES,
            tenant,
            [ref.registry for ref in refs],
            [ref.certificate_id for ref in refs],
            self._now,
            self._now + lease,
        )
        return [convert.slice_of(row) for row in found]

    async def store_submissions(self, submissions: Sequence[tuple[int, Submission]]) -> dict[int, Submission]:
        """Stores transactions by certificate row unless one of the kind is stored; returns what is stored now."""
        stored = dict(submissions)
        mine = await self._connection.fetch(
            _STORE,
            [row for row, _ in submissions],
            [submission.kind.value for _, submission in submissions],
            [submission.signing_key_id for _, submission in submissions],
            [submission.transaction_id for _, submission in submissions],
            [submission.transaction for _, submission in submissions],
            self._now,
        )
        # Another statement: the one above cannot see what was committed by others while it waited for them.
        others = stored.keys() - {row["row_id"] for row in mine}
        if others:
            kinds = [stored[row].kind.value for row in others]
            for row in await self._connection.fetch(_STORED, list(others), kinds):
                stored[row["row_id"]] = convert.submission(row)
        return stored

    async def withdrawals_sent(self, rows: Sequence[int]) -> None:
        """Counts a sending of withdrawals; that an issuing transaction was sent is told by the state."""
        await self._connection.execute(_WITHDRAWALS_SENT, list(rows), self._now)

    async def put_off(self, delays: Sequence[tuple[int, datetime, str]]) -> None:
        """Sets when each certificate (row, moment, what stopped it) is looked at again, and counts the attempt."""
        await self._connection.execute(_PUT_OFF, *_columns(delays))

    async def put_off_delivery(self, due: Sequence[tuple[int, datetime, str]]) -> None:
        """The same for a delivery: row, next moment, the wallet's answer. Releases the claim."""
        await self._connection.execute(_PUT_OFF_DELIVERY, *_columns(due))

    async def move(self, rows: Sequence[int], move: Move, reasons: Sequence[str] = ()) -> list[Change]:
        """Makes a step with those of ``rows`` that are in one of its source states, writes their history and returns
        what to tell of them."""
        moved = await self._connection.fetch(
            _MOVE,
            list(rows),
            list(reasons) if any(reasons) else [],
            [state.value for state in move.sources],
            None if move.target is None else move.target.value,
            move.due,
            None if move.delivery is None else move.delivery.value,
            move.delivery_deadline,
            move.step.value,
            self._now,
            [step.value for step, _ in move.before],
            [state.value for _, state in move.before],
        )
        return [convert.change(row) for row in moved]

    async def forget_withdrawal(self, rows: Sequence[int]) -> None:
        """Drops the transaction of a withdrawal that was refused, so that another can be made."""
        await self._connection.execute(
            "delete from submission where kind = 'WITHDRAW' and row_id = any($1::bigint[])", list(rows)
        )

    async def stall(self, before: datetime, limit: int) -> dict[str, list[Change]]:
        """Makes STUCK what is due, under way and has not moved since ``before``; returns it by tenant."""
        stalled: dict[str, list[Change]] = {}
        for row in await self._connection.fetch(_STALL, self._now, before, limit):
            stalled.setdefault(row["tenant"], []).append(convert.change(row))
        return stalled

    async def resume(self, tenant: str, ref: CertificateRef, due: datetime) -> Change | None:
        """Puts a STUCK certificate back into the state it stuck in; None if it is not STUCK."""
        row = await self._connection.fetchrow(_RESUME, tenant, ref.certificate_id, ref.registry, due, self._now)
        return None if row is None else convert.change(row)

    async def trouble(self) -> Trouble:
        """How many certificates are STUCK and how many slices UNDELIVERABLE, over all tenants."""
        row = await self._connection.fetchrow(_TROUBLE)
        assert row is not None
        return Trouble(row["stuck"], row["undeliverable"])


def _columns(delays: Sequence[tuple[int, datetime, str]]) -> tuple[list[int], list[datetime], list[str]]:
    return [row for row, _, _ in delays], [due for _, due, _ in delays], [note for _, _, note in delays]
