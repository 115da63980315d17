"""Third hop: marks certificates issued; from here on their slices are due at the wallets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sealwright_common.domain.certificates import (
    CertificateRef,
    CertificatesChanged,
    CertificateState,
    DeliveryState,
    Step,
)

from sealwright_stamp.ports import Begin, Move, StampWork
from sealwright_stamp.usecases.backoff import Patience


@dataclass(frozen=True, slots=True)
class MarkIssued:
    """COMMITTED becomes ISSUED, the delivery PENDING."""

    patience: Patience

    async def __call__(self, tenant: str, refs: Sequence[CertificateRef], begin: Begin) -> None:
        """Marks what of ``refs`` the registry has committed."""
        async with begin() as work:
            rows = await work.certificates.rows(tenant, refs)
            await self.mark(work, list(rows.values()))

    async def mark(self, work: StampWork, rows: Sequence[int]) -> None:
        """The same by rows, in the caller's transaction."""
        moved = await work.chain.move(
            rows,
            Move(
                Step.ISSUED,
                frozenset({CertificateState.COMMITTED}),
                CertificateState.ISSUED,
                work.now + self.patience.event,
                DeliveryState.PENDING,
                work.now + self.patience.deliver_for,
            ),
        )
        work.emit(CertificatesChanged(Step.ISSUED, tuple(moved)))
