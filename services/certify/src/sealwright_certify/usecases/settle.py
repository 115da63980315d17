"""What becomes of a process after an attempt to reach its holder. Attempts that end together are settled together."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.issuance import IssuanceError, IssuanceProcess, IssuanceState, Phase

from sealwright_certify.ports import CertifyWork, Delivered, DeliveryOutcome, Refused, Store, TryAgain
from sealwright_certify.usecases.events import ProcessMoved
from sealwright_certify.usecases.supersede import supersede

FIRST_RETRY = timedelta(milliseconds=500)
"""Wait after the first failed attempt; doubles up to MAX_RETRY, with jitter."""

MAX_RETRY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Settling:
    """One attempt that ended."""

    process_id: UUID
    phase: Phase
    """What was attempted."""
    outcome: DeliveryOutcome
    credential_ids: tuple[UUID, ...]


class Settlement:
    """Writes down how attempts ended."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def __call__(self, items: Sequence[Settling]) -> list[Exception | None]:
        """Settles all of them in one transaction."""
        async with self._store.begin_system("deliver") as work:
            processes = await work.processes.locked([item.process_id for item in items])
            settled: list[IssuanceProcess] = []
            for item in items:
                current = processes.get(item.process_id)
                # Another instance may have taken it over after our lease and finished first.
                if current is not None and current.phase is item.phase:
                    settled.append(_settle(work, current, item.outcome, item.credential_ids))
            await work.processes.save(settled)
            await supersede(work, [process for process in settled if process.state is IssuanceState.DELIVERED])
        return [None] * len(items)


def _settle(
    work: CertifyWork, process: IssuanceProcess, outcome: DeliveryOutcome, ids: tuple[UUID, ...]
) -> IssuanceProcess:
    if process.state is IssuanceState.ERRORED:
        return _settle_refusal(process, outcome, work.now)
    match outcome:
        case Delivered():
            moved = process.delivered(work.now)
        case Refused(detail):
            moved = process.fail(IssuanceError.DELIVERY_REFUSED, detail, work.now)
            # The holder has just refused to talk about this request; a message about it would be refused too.
            moved = replace(moved, phase=None, next_attempt_time=None, attempts=process.attempts + 1)
        case TryAgain(detail, unknown, after):
            next_time = work.now + (after or backoff(process.attempts))
            if process.delivery_deadline is not None and next_time >= process.delivery_deadline:
                moved = process.fail(IssuanceError.DELIVERY_EXPIRED, detail, work.now)
                moved = replace(moved, phase=None, next_attempt_time=None, attempts=process.attempts + 1)
            else:
                return replace(process.postponed(next_time, work.now, unknown=unknown), error_detail=detail[:1000])
        case _:
            raise TypeError(outcome)
    with work.acting_for(replace(work.call, tenant=process.tenant)):
        work.emit(ProcessMoved(moved, ids if moved.state is IssuanceState.DELIVERED else ()))
        work.audit("issuance.settle", str(moved.id), state=moved.state)
    return moved


def _settle_refusal(process: IssuanceProcess, outcome: DeliveryOutcome, now: datetime) -> IssuanceProcess:
    if isinstance(outcome, TryAgain):
        next_time = now + (outcome.after or backoff(process.attempts))
        if process.delivery_deadline is not None and next_time < process.delivery_deadline:
            return process.postponed(next_time, now, unknown=False)
    return replace(process, phase=None, next_attempt_time=None, update_time=now)


def backoff(attempts: int) -> timedelta:
    """The wait after failed attempt ``attempts`` (from 0): doubling, at most 15 minutes, half of it random."""
    full = min(MAX_RETRY, FIRST_RETRY * (1 << min(attempts, 20)))
    return full * (0.5 + random.random() / 2)  # noqa: S311 - spreads load, guards nothing
