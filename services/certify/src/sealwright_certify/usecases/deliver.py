"""Delivery: the stored bytes to the holder, at least once, until the window ends; and the news of a refusal.

A process is claimed for a lease and delivered outside any transaction. First attempts and retries are worked on by
separate workers, and one holder never has more than two deliveries under way, so that slow ones delay nobody else.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.credentials import IssuedCredential
from sealwright_common.domain.errors import Problem
from sealwright_common.domain.issuance import IssuanceError, IssuanceProcess, IssuanceState, Phase, Protocol

from sealwright_certify.ports import (
    CertifyWork,
    Delivered,
    DeliveryOutcome,
    HolderGateway,
    Refused,
    Secrets,
    Store,
    Tenant,
    TryAgain,
    Wake,
)
from sealwright_certify.usecases.events import ProcessMoved
from sealwright_certify.usecases.request_issuance import tenant_of

LEASE = timedelta(seconds=30)
"""How long a claimed delivery is left alone; longer than an attempt can take."""

FIRST_RETRY = timedelta(milliseconds=500)
"""Wait after the first failed attempt; doubles up to MAX_RETRY, with jitter."""

MAX_RETRY = timedelta(minutes=15)


class Delivery:
    """Delivers for one class of attempts: the first ones, or the retries."""

    def __init__(
        self,
        store: Store,
        gateways: Mapping[Protocol, HolderGateway],
        secrets: Secrets,
        *,
        phase: Phase,
        retries: bool | None,
        concurrency: int,
        ended: Wake,
        lease: timedelta = LEASE,
    ) -> None:
        self._store = store
        self._gateways = gateways
        self._secrets = secrets
        self._phase = phase
        self._retries = retries
        self._concurrency = concurrency
        self.name = f"{phase} {'all' if retries is None else 'retries' if retries else 'first attempts'}"
        self._ended = ended
        self._lease = lease
        self._full = False
        self._running: set[asyncio.Task[None]] = set()
        self._holders: Counter[str] = Counter()

    async def start(self) -> None:
        """Nothing runs before the first claim."""

    async def run(self) -> bool:
        """Claims what fits and starts it; True if there may be more."""
        room = self._concurrency - len(self._running)
        self._full = room <= 0
        if self._full:
            return False
        busy = list(self._holders)
        async with self._store.begin_system("deliver") as work:
            claimed = await work.processes.claim(
                self._phase, work.now, self._lease, min(room, 50), retries=self._retries, busy=busy
            )
        for process in claimed:
            self._holders[process.holder_did] += 1
            task = asyncio.create_task(self._deliver(process), name=f"deliver {process.id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        self._full = bool(claimed)
        return len(claimed) == min(room, 50)

    async def drain(self) -> None:
        """Waits for what is under way."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def stop(self) -> None:
        """Cuts off what still runs; its lease ends and another attempt follows."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running))

    async def _deliver(self, process: IssuanceProcess) -> None:
        try:
            await self._attempt(process)
        finally:
            self._holders[process.holder_did] -= 1
            if self._holders[process.holder_did] <= 0:
                del self._holders[process.holder_did]
            if self._full:
                self._ended()

    async def _attempt(self, process: IssuanceProcess) -> None:
        ids: tuple[UUID, ...] = ()
        try:
            issuer, credentials = await self._read(process)
            ids = tuple(credential.id for credential in credentials)
            outcome = await self._hand_over(process, issuer, credentials)
        except Problem as problem:
            outcome = TryAgain(f"{problem.reason}: {problem.message}", unknown=False, after=problem.retry_after)
        async with self._store.begin_system("deliver", process.tenant) as work:
            current = await work.processes.get(process.tenant, process.id, lock=True)
            if current is None or current.phase is not self._phase:
                return  # another instance took it over after our lease and finished first
            settled = self._settle(work, current, outcome, ids)
            await work.processes.save([settled])

    async def _read(self, process: IssuanceProcess) -> tuple[Tenant, list[IssuedCredential]]:
        async with self._store.read() as work:
            issuer = await tenant_of(work, process.tenant)
            owner = process.parent_id or process.id
            return issuer, await work.credentials.of_processes(process.tenant, [owner])

    async def _hand_over(
        self, process: IssuanceProcess, issuer: Tenant, credentials: Sequence[IssuedCredential]
    ) -> DeliveryOutcome:
        gateway = self._gateways[process.protocol]
        token = None if process.access_token is None else self._secrets.unseal(process.access_token)
        if process.phase is Phase.REFUSE:
            return await gateway.refuse(issuer, process, token)
        return await gateway.deliver(issuer, process, credentials, token)

    def _settle(
        self, work: CertifyWork, process: IssuanceProcess, outcome: DeliveryOutcome, ids: tuple[UUID, ...]
    ) -> IssuanceProcess:
        if process.state is IssuanceState.ERRORED:
            return _settle_refusal(process, outcome, work.now)
        match outcome:
            case Delivered():
                moved = process.delivered(work.now)
            case Refused(detail):
                moved = process.fail(IssuanceError.DELIVERY_REFUSED, detail, work.now)
                # The holder has just refused to talk about this request; a message about it would be refused too.
                moved = replace(moved, phase=None, next_attempt_time=None)
            case TryAgain(detail, unknown, after):
                next_time = work.now + (after or backoff(process.attempts))
                if process.delivery_deadline is not None and next_time >= process.delivery_deadline:
                    moved = process.fail(IssuanceError.DELIVERY_EXPIRED, detail, work.now)
                    moved = replace(moved, phase=None, next_attempt_time=None)
                else:
                    return replace(process.postponed(next_time, work.now, unknown=unknown), error_detail=detail[:1000])
            case _:
                raise TypeError(outcome)
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


class Expiry:
    """Refuses submitted processes whose approval deadline passed."""

    def __init__(self, store: Store, delivery_window: timedelta) -> None:
        self._store = store
        self._delivery_window = delivery_window

    async def run(self) -> bool:
        """Refuses one batch; True if there may be more."""
        async with self._store.begin_system("expire") as work:
            expired = await work.processes.claim_expired(work.now, 100)
            await work.processes.save(_expire(work, expired, work.now + self._delivery_window))
        return len(expired) == 100


def _expire(work: CertifyWork, processes: Sequence[IssuanceProcess], told_until: datetime) -> list[IssuanceProcess]:
    moved = [process.expire(work.now).tried_until(told_until) for process in processes]
    work.emit(*(ProcessMoved(process) for process in moved))
    for process in moved:
        work.audit("issuance.expire", str(process.id))
    return moved
