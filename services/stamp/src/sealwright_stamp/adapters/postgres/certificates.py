"""Certificates at the door and for reading. Sets go in as arrays joined by ``unnest``: one statement a batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from sealwright_common.domain.certificates import (
    Certificate,
    CertificateOrder,
    CertificateRef,
    CertificateState,
    DeliveryState,
    HistoryEntry,
)
from sealwright_common.domain.errors import Aborted, Reason
from sealwright_common.runtime.db.connection import Connection

from sealwright_stamp.adapters.postgres import rows as convert
from sealwright_stamp.ports import CertificateFilter, KnownCertificate, NewCertificate

_LOCK_KEYS = """with locked as materialized (
    select k.id from wallet_key k
    where k.id in (select r.key_id from recipient r where r.tenant = $1 and r.id = any($2::uuid[]))
    order by k.id for no key update)
select r.id, r.key_id from recipient r join locked on locked.id = r.key_id where r.tenant = $1 and r.id = any($2)"""

_MEASURED = """select w.place, c.registry, c.certificate_id
from unnest($2::int[], $3::text[], $4::timestamptz[], $5::timestamptz[])
    as w (place, metering_point_id, start_time, end_time)
cross join lateral (select c.registry, c.certificate_id from certificate c
    where c.tenant = $1 and c.metering_point_id = w.metering_point_id and c.start_time = w.start_time
        and c.end_time = w.end_time and not c.void limit 1) c"""

_KNOWN = f"select c.registry, c.certificate_id, c.digest, c.state, c.position from {convert.NAMED} c"  # noqa: S608

_TAKEN = """select w.key_id, w.position from unnest($1::bigint[], $2::int[]) as w (key_id, position)
where exists (select from certificate c where c.key_id = w.key_id and c.position = w.position offset 0)"""

_INSERT = """with stored as (
    insert into certificate (tenant, registry, certificate_id, recipient_id, key_id, metering_point_id, type, quantity,
        start_time, end_time, grid_area, clear_text, hashed, on_clash, allow_clear_text_quantity, digest, position,
        blinding, state, due_time, version, create_time, update_time)
    select $1, n.registry, n.certificate_id, n.recipient_id, n.key_id, n.metering_point_id, n.type, n.quantity,
        n.start_time, n.end_time, n.grid_area, n.clear_text::jsonb, n.hashed::jsonb, n.on_clash, n.allow, n.digest,
        n.position, n.blinding, 'STORED', $2, 1, $3, $3
    from unnest($4::text[], $5::uuid[], $6::uuid[], $7::bigint[], $8::text[], $9::text[], $10::bigint[],
        $11::timestamptz[], $12::timestamptz[], $13::text[], $14::text[], $15::text[], $16::text[], $17::boolean[],
        $18::bytea[], $19::int[], $20::bytea[])
        as n (registry, certificate_id, recipient_id, key_id, metering_point_id, type, quantity, start_time, end_time,
              grid_area, clear_text, hashed, on_clash, allow, digest, position, blinding)
    returning row_id),
due as (insert into certificate_due (row_id, due_time) select row_id, $2 from stored)
insert into certificate_history (row_id, version, state, event, reason, time)
select row_id, 1, 'STORED', 'CertificateStored', '', $3 from stored"""

_CERTIFICATE = f"""select c.row_id, c.state, c.reason, c.position, c.delivery, c.delivery_reason, c.delivery_attempts,
    c.version, c.create_time, c.update_time, s.transaction_id, s.signing_key_id, {convert.ORDER_COLUMNS}
from certificate c left join submission s on s.row_id = c.row_id and s.kind = 'ISSUE' where c.tenant = $1"""  # noqa: S608

_ROWS = f"""select c.row_id, c.registry, c.certificate_id from certificate c
where c.row_id = any(array(select n.row_id from {convert.NAMED} n)) order by c.row_id for no key update"""  # noqa: S608

PAGE = """ and c.row_id > $2
    and ($4::text is null or c.state = $4) and ($5::text is null or c.delivery = $5)
    and ($6::uuid is null or c.recipient_id = $6) and ($7 = '' or c.metering_point_id = $7)
    and ($8 = '' or c.grid_area = $8) and ($9::timestamptz is null or c.start_time >= $9)
    and ($10::timestamptz is null or c.start_time < $10)
order by c.row_id limit $3"""
_PAGE = _CERTIFICATE + PAGE
# Two filters that always find few have an index of their own.
_PAGE_IN_TROUBLE = _CERTIFICATE + " and c.trouble = $4" + PAGE
_PAGE_UNDELIVERABLE = _CERTIFICATE + " and c.undeliverable" + PAGE

_HISTORY = """select h.version, h.state, h.event, h.reason, h.time
from certificate c join certificate_history h on h.row_id = c.row_id
where c.tenant = $1 and c.certificate_id = $2 and c.registry = $3 and h.version > $4 order by h.version"""


TROUBLE = frozenset({CertificateState.STUCK, CertificateState.FAILED})
"""States of the column of that name."""


class PostgresCertificates:
    """Stored certificates, as the door sees them."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def lock_keys(self, tenant: str, recipients: Sequence[UUID]) -> dict[UUID, int]:
        """Key row of each recipient that exists; locks the keys, in order, until the transaction ends."""
        found = await self._connection.fetch(_LOCK_KEYS, tenant, list(recipients))
        return {row["id"]: row["key_id"] for row in found}

    async def measured(self, tenant: str, orders: Sequence[CertificateOrder]) -> dict[int, CertificateRef]:
        """Index of each order whose metering point and period are taken, with the certificate that has them."""
        found = await self._connection.fetch(
            _MEASURED,
            tenant,
            list(range(len(orders))),
            [order.metering_point_id for order in orders],
            [order.start for order in orders],
            [order.end for order in orders],
        )
        return {row["place"]: convert.ref(row) for row in found}

    async def known(self, tenant: str, refs: Sequence[CertificateRef]) -> dict[CertificateRef, KnownCertificate]:
        """The certificates among ``refs`` that exist."""
        found = await self._connection.fetch(_KNOWN, tenant, *_columns(refs))
        return {
            convert.ref(row): KnownCertificate(row["digest"], CertificateState(row["state"]), row["position"])
            for row in found
        }

    async def taken(self, positions: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of the (key row, position) pairs that a certificate has."""
        found = await self._connection.fetch(_TAKEN, [key for key, _ in positions], [p for _, p in positions])
        return {(row["key_id"], row["position"]) for row in found}

    async def insert(self, tenant: str, key_rows: Sequence[int], new: Sequence[NewCertificate], due: datetime) -> None:
        """Stores certificates, STORED, version 1. Raises Aborted if a name, period or position was taken meanwhile."""
        orders = [certificate.order for certificate in new]
        try:
            await self._connection.execute(
                _INSERT,
                tenant,
                due,
                self._now,
                [order.registry for order in orders],
                [order.certificate_id for order in orders],
                [order.recipient_id for order in orders],
                list(key_rows),
                [order.metering_point_id for order in orders],
                [order.type.value for order in orders],
                [order.quantity for order in orders],
                [order.start for order in orders],
                [order.end for order in orders],
                [order.grid_area for order in orders],
                [convert.clear_text_json(order.clear_text) for order in orders],
                [convert.hashed_json(certificate.hashed) for certificate in new],
                [order.on_clash.value for order in orders],
                [order.allow_clear_text_quantity for order in orders],
                [certificate.digest for certificate in new],
                [certificate.position for certificate in new],
                [certificate.blinding for certificate in new],
            )
        except asyncpg.UniqueViolationError as error:
            raise Aborted(
                Reason.CONFLICT, "another call stored one of the certificates first; repeat the call"
            ) from error

    async def get(self, tenant: str, ref: CertificateRef) -> Certificate | None:
        """The certificate, or None."""
        row = await self._connection.fetchrow(
            _CERTIFICATE + " and c.certificate_id = $2 and c.registry = $3", tenant, ref.certificate_id, ref.registry
        )
        return None if row is None else convert.certificate(row)

    async def rows(self, tenant: str, refs: Sequence[CertificateRef]) -> dict[CertificateRef, int]:
        """Row of each certificate that exists, locked until the transaction ends."""
        found = await self._connection.fetch(_ROWS, tenant, *_columns(refs))
        return {convert.ref(row): row["row_id"] for row in found}

    async def page(
        self, tenant: str, wanted: CertificateFilter, after: int, size: int
    ) -> list[tuple[int, Certificate]]:
        """Up to ``size`` certificates with rows above ``after``, by rising row."""
        statement = _PAGE
        if wanted.state in TROUBLE:
            statement = _PAGE_IN_TROUBLE
        elif wanted.delivery is DeliveryState.UNDELIVERABLE:
            statement = _PAGE_UNDELIVERABLE
        found = await self._connection.fetch(
            statement,
            tenant,
            after,
            size,
            None if wanted.state is None else wanted.state.value,
            None if wanted.delivery is None else wanted.delivery.value,
            wanted.recipient_id,
            wanted.metering_point_id,
            wanted.grid_area,
            wanted.from_time,
            wanted.until_time,
        )
        return [(row["row_id"], convert.certificate(row)) for row in found]

    async def history(self, tenant: str, ref: CertificateRef, after: int = 0) -> list[HistoryEntry]:
        """Its history above version ``after``, oldest first."""
        found = await self._connection.fetch(_HISTORY, tenant, ref.certificate_id, ref.registry, after)
        return [
            HistoryEntry(row["version"], CertificateState(row["state"]), row["event"], row["reason"], row["time"])
            for row in found
        ]


def _columns(refs: Sequence[CertificateRef]) -> tuple[list[str], list[UUID]]:
    return [ref.registry for ref in refs], [ref.certificate_id for ref in refs]
