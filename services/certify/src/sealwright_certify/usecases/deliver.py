"""Delivery: the stored bytes to the holder, at least once, until the window ends; and the news of a refusal.

A process is delivered outside any transaction, under a lease: by whoever generated it, or by whoever claimed it. First
attempts and retries are worked on by separate workers, one holder never has more than two deliveries under way, and
retries begin one by one at an even pace, so that what cannot be delivered delays nobody else.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sealwright_common.domain.credentials import IssuedCredential
from sealwright_common.domain.errors import Problem
from sealwright_common.domain.issuance import IssuanceProcess, Phase, Protocol

from sealwright_certify.ports import (
    CertifyWork,
    Delivered,
    DeliveryOutcome,
    HolderGateway,
    Secrets,
    Store,
    Tenant,
    TryAgain,
    Wake,
)
from sealwright_certify.usecases.events import ProcessMoved
from sealwright_certify.usecases.generate import Expected
from sealwright_certify.usecases.in_hand import InHand
from sealwright_certify.usecases.settle import Settling

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a claimed delivery is left alone; longer than an attempt can take."""

PER_HOLDER = 2
"""Most deliveries to one holder under way at a time."""

MAX_CLAIM = 50
"""Most processes claimed at a time."""
PORTIONS = 8
"""Claims over which attempts are spread: all at once would hold up whoever comes in that moment."""


class Delivery(InHand):
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
        settle: Callable[[Settling], Awaitable[None]],
        ended: Wake,
        lease: timedelta = LEASE,
        spread: timedelta = timedelta(0),
    ) -> None:
        """``spread``: time over which the beginnings of as many attempts as fit are spread, portion by portion."""
        super().__init__()
        self._store = store
        self._gateways = gateways
        self._secrets = secrets
        self._phase = phase
        self._retries = retries
        self._concurrency = concurrency
        self._settle = settle
        self.name = f"{phase} {'all' if retries is None else 'retries' if retries else 'first attempts'}"
        self._ended = ended
        self._lease = lease
        portions = min(PORTIONS, concurrency) if spread else 1
        self._portion = min(MAX_CLAIM, concurrency // portions)
        self._pace = spread / portions
        self._more = False
        self._holders: Counter[str] = Counter()
        self._passed_over: set[str] = set()

    async def run(self) -> bool | timedelta | None:
        """Claims what fits and starts it; if there may be more, True, or the time after which to come for it."""
        room = min(self._concurrency - len(self._running), self._portion)
        if room <= 0:
            self._more = True
            return None
        busy = list(self._holders)
        async with self._store.begin_system("deliver") as work:
            claimed = await work.processes.claim(
                self._phase, work.now, self._lease, room, retries=self._retries, busy=busy
            )
            issuers = {t.name: t for t in await work.tenants.by_key_issuer(sorted({p.tenant for p in claimed}))}
            credentials = await self._stored(work, claimed)
        self._more = bool(claimed)
        for number, (process, expected) in enumerate(zip(claimed, credentials, strict=True)):
            self._begin(process, issuers[process.tenant], expected, number * self._pace.total_seconds() / self._portion)
        return (self._pace or True) if len(claimed) == room else None

    def expect(self, process: IssuanceProcess, issuer: Tenant) -> Expected | None:
        """Begins the delivery of a process whose credentials are in the making, and are given to what is returned.

        It waits for them before it sends anything, and ends without trace if they are cancelled. None if this holder,
        or we, have too many deliveries under way.
        """
        if len(self._running) >= self._concurrency:
            self._more = True
            return None
        if self._holders[process.holder_did] >= PER_HOLDER:
            self._passed_over.add(process.holder_did)
            return None
        expected: Expected = asyncio.get_running_loop().create_future()
        self._begin(process, issuer, expected, 0)
        return expected

    async def _stored(self, work: CertifyWork, claimed: Sequence[IssuanceProcess]) -> list[Expected]:
        """The stored credentials of each process."""
        found: defaultdict[UUID, list[IssuedCredential]] = defaultdict(list)
        for tenant in sorted({process.tenant for process in claimed if self._phase is Phase.DELIVER}):
            ids = [process.parent_id or process.id for process in claimed if process.tenant == tenant]
            for credential in await work.credentials.of_processes(tenant, ids):
                found[credential.process_id].append(credential)
        stored: list[Expected] = []
        for process in claimed:
            expected: Expected = asyncio.get_running_loop().create_future()
            expected.set_result(found[process.parent_id or process.id])
            stored.append(expected)
        return stored

    def _begin(self, process: IssuanceProcess, issuer: Tenant, expected: Expected, after: float) -> None:
        self._holders[process.holder_did] += 1
        self.run_on(self._deliver(process, issuer, expected, after), f"deliver {process.id}")

    async def _deliver(self, process: IssuanceProcess, issuer: Tenant, expected: Expected, after: float) -> None:
        went_well = False
        try:
            await asyncio.sleep(after)
            went_well = await self._attempt(process, issuer, expected)
        except Problem as problem:
            log.warning("delivery of %s is repeated when its lease ends: %s", process.id, problem.message)
        except Exception as error:
            log.exception("delivery of %s failed", process.id, exc_info=error)
        finally:
            holder = process.holder_did
            self._holders[holder] -= 1
            if self._holders[holder] <= 0:
                del self._holders[holder]
            # Retries that fail make no room for the next ones before the next sweep: what cannot be delivered goes on
            # at its own pace, whatever there is of it, and what can be goes on at once.
            if (self._more or holder in self._passed_over) and (went_well or not self._retries):
                self._ended()
            if holder not in self._holders:
                self._passed_over.discard(holder)

    async def _attempt(self, process: IssuanceProcess, issuer: Tenant, expected: Expected) -> bool:
        """Whether the holder took it."""
        try:
            outcome = await self._hand_over(process, issuer, expected)
        except Problem as problem:
            outcome = TryAgain(f"{problem.reason}: {problem.message}", unknown=False, after=problem.retry_after)
        # Also where it failed early, nothing is settled before the credentials are recorded.
        ids = tuple(credential.id for credential in await expected)
        await self._settle(Settling(process.id, self._phase, outcome, ids))
        return isinstance(outcome, Delivered)

    async def _hand_over(self, process: IssuanceProcess, issuer: Tenant, expected: Expected) -> DeliveryOutcome:
        gateway = self._gateways[process.protocol]
        token = None if process.access_token is None else self._secrets.unseal(process.access_token)
        if process.phase is Phase.REFUSE:
            return await gateway.refuse(issuer, process, token)
        return await gateway.deliver(issuer, process, expected, token)


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
