"""What no event takes up any more: retries that are due, and certificates that do not move at all."""

from __future__ import annotations

from dataclasses import dataclass

from sealwright_common.domain.certificates import CertificatesChanged, CertificateState, Step

from sealwright_stamp.ports import Begin, Item, Storage
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.check import Check
from sealwright_stamp.usecases.deliver import Postman
from sealwright_stamp.usecases.grouping import grouped
from sealwright_stamp.usecases.submit import Submit, unsent

BATCH = 250


@dataclass(frozen=True, slots=True)
class Sweep:
    """Takes up what is due, in batches, whichever instance runs it: rows are claimed with SKIP LOCKED. What has not
    moved for too long when it is due becomes STUCK instead."""

    storage: Storage
    submit: Submit
    check: Check
    postman: Postman
    patience: Patience

    async def __call__(self) -> bool:
        """One round; True if there may be more at once."""
        await self.postman.room()
        async with self.storage.read() as work:
            if not await work.chain.anything_due():
                return False
        claimed_at = self.postman.time()
        async with self.storage.begin_system("stamp-sweep") as work:
            stalled = await work.chain.stall(work.now - self.patience.stuck_after, BATCH)
            for tenant, changes in stalled.items():
                work.emit(CertificatesChanged(Step.STUCK, tuple(changes), tenant))
            items = await work.chain.claim_due(BATCH, self.patience.lease)
        hops = grouped(items, lambda item: (item.tenant, _hop(item)))
        # First, since their lease runs and the rest takes its time.
        due = [item.slice() for (_, hop), batch in hops.items() if hop == "deliver" for item in batch]
        self.postman.take(due, claimed_at)
        for (tenant, hop), batch in hops.items():
            await self._hop(hop, tenant, batch)
        return len(items) == BATCH

    async def _hop(self, hop: str, tenant: str, batch: list[Item]) -> None:
        begin = self._begin(tenant)
        match hop:
            case "submit":
                await self.submit.run(tenant, batch, begin)
            case "check":
                await self.check.run([item.pending() for item in batch], begin)
            case _:
                pass  # in the postman's hands

    def _begin(self, tenant: str) -> Begin:
        return lambda: self.storage.begin_system("stamp-sweep", tenant)


def _hop(item: Item) -> str:
    if unsent(item):
        return "submit"
    return "deliver" if item.state is CertificateState.ISSUED else "check"
