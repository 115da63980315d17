"""Imports: a stream of meter readings becomes certificates, resumable and never doubled.

The id of each certificate is a function of registry, metering point, type and period, so a row that comes again is the
same order again. Progress is stored in the same transaction as the certificates it counts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import Attribute, CertificateOrder
from sealwright_common.domain.errors import Aborted, AlreadyExists, FieldProblem, InvalidArgument, Problem, Reason

from sealwright_stamp.ports import ImportProgress, StampWork, Storage
from sealwright_stamp.usecases.accept import RACES, Accepted, AcceptOrders, Refused
from sealwright_stamp.usecases.readings import LineSplitter, MeasurementFormat, Reading, is_header, read

BATCH = 500
"""Rows stored in one transaction."""
NAMESPACE = UUID("6f2c1c0e-4b8e-5d59-9f0a-3f6d3c1f7a10")
"""Namespace of the certificate ids that imports derive (RFC 9562, version 5)."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What the readings of a file become."""

    import_id: str
    layout: MeasurementFormat
    recipient_id: UUID
    registry: str
    grid_area: str
    clear_text: tuple[Attribute, ...]
    digest: bytes
    """SHA-256 over the plan: an import id belongs to one plan."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that did not become a certificate."""

    line: int
    problem: Problem


@dataclass(slots=True)
class _Batch:
    """Lines read but not yet durable."""

    orders: list[CertificateOrder] = field(default_factory=list[CertificateOrder])
    order_lines: list[int] = field(default_factory=list[int])
    unreadable: list[RefusedRow] = field(default_factory=list[RefusedRow])
    rows: int = 0
    zero: int = 0
    line: int = 0
    start: int = 0
    """Offset its first line begins at."""
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ImportMeasurements:
    """Reads, orders and stores, BATCH rows at a time."""

    storage: Storage
    accept: AcceptOrders

    async def __call__(
        self, call: Call, plan: ImportPlan, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[tuple[ImportProgress, Sequence[RefusedRow]]]:
        """First where to send the file from, then progress after each batch; ``done`` on the last. Raises
        InvalidArgument for a file that is none, AlreadyExists if the import id belongs to another plan."""
        async with self.storage.begin(call) as work:
            progress = await self._open(work, call.tenant, plan)
        yield progress, ()
        splitter = LineSplitter(progress.offset)
        batch = _Batch(line=progress.line, start=progress.offset, offset=progress.offset)
        async for chunk in chunks:
            for line, offset in splitter.feed(chunk):
                self._take(plan, batch, line, offset)
                if batch.rows >= BATCH:
                    progress, refused = await self._store(call, plan, batch, done=False)
                    yield progress, refused
                    batch = _Batch(line=progress.line, start=progress.offset, offset=progress.offset)
        for line, offset in splitter.last():
            self._take(plan, batch, line, offset)
        yield await self._store(call, plan, batch, done=True)

    async def _open(self, work: StampWork, tenant: str, plan: ImportPlan) -> ImportProgress:
        progress = await work.imports.open(tenant, plan.import_id, plan.digest)
        if progress is None:
            raise AlreadyExists(
                Reason.CONFLICT,
                f"import {plan.import_id} was begun with another plan; give this one another import_id",
                fields=(FieldProblem("plan.import_id", "a name not used with another plan"),),
            )
        return progress

    def _take(self, plan: ImportPlan, batch: _Batch, line: bytes, offset: int) -> None:
        batch.line += 1
        batch.offset = offset
        if batch.line == 1 and is_header(line, plan.layout):
            return
        if not line.strip():
            return
        batch.rows += 1
        try:
            reading = read(line, plan.layout)
        except InvalidArgument as problem:
            batch.unreadable.append(RefusedRow(batch.line, problem))
            return
        if reading.quantity == 0:
            batch.zero += 1
        else:
            batch.orders.append(order_of(plan, reading))
            batch.order_lines.append(batch.line)

    async def _store(
        self, call: Call, plan: ImportPlan, batch: _Batch, *, done: bool
    ) -> tuple[ImportProgress, list[RefusedRow]]:
        """Stores a batch and its progress together; another run of the same import must not be ahead."""
        for _ in range(RACES):
            try:
                async with self.storage.begin(call) as work:
                    return await self._store_once(work, call, plan, batch, done)
            except Aborted as race:
                if race.reason is not Reason.CONFLICT:
                    raise
        raise Aborted(Reason.CONFLICT, "other calls store the same certificates; run the import again")

    async def _store_once(
        self, work: StampWork, call: Call, plan: ImportPlan, batch: _Batch, done: bool
    ) -> tuple[ImportProgress, list[RefusedRow]]:
        before = await self._open(work, call.tenant, plan)
        if before.offset != batch.start:
            raise Aborted(
                Reason.CERTIFICATE_STATE_CONFLICT, "another run of this import went on meanwhile; run it again"
            )
        outcomes = await self.accept.store(work, call, batch.orders)
        refused = [
            RefusedRow(line, outcome.problem)
            for line, outcome in zip(batch.order_lines, outcomes, strict=True)
            if isinstance(outcome, Refused)
        ]
        accepted = [outcome for outcome in outcomes if isinstance(outcome, Accepted)]
        repeated = sum(outcome.repeated for outcome in accepted)
        progress = replace(
            before,
            offset=batch.offset,
            line=batch.line,
            rows=before.rows + batch.rows,
            accepted=before.accepted + len(accepted) - repeated,
            repeated=before.repeated + repeated,
            zero=before.zero + batch.zero,
            refused=before.refused + len(refused) + len(batch.unreadable),
            done=done,
        )
        await work.imports.save(call.tenant, plan.import_id, progress)
        return progress, sorted([*refused, *batch.unreadable], key=lambda row: row.line)


def order_of(plan: ImportPlan, reading: Reading) -> CertificateOrder:
    """The order a reading becomes; its certificate id is derived, so that the same reading gives the same id."""
    name = "|".join(
        [
            plan.registry,
            reading.meter_id,
            reading.type.value,
            reading.start.isoformat(),
            reading.end.isoformat(),
        ]
    )
    return CertificateOrder(
        plan.recipient_id,
        plan.registry,
        uuid5(NAMESPACE, name),
        reading.meter_id,
        reading.type,
        reading.quantity,
        reading.start,
        reading.end,
        plan.grid_area,
        plan.clear_text,
    )
