"""Last hop: posts slices to their wallets, each until it was accepted once or refused for good.

A slice is claimed before it is posted, so that no two processes post it at a time, and never posted again once a 2xx is
recorded. A process that dies between a wallet's 2xx and its record leaves a claim; after the lease the same bytes are
posted again under the same idempotency key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sealwright_common.domain.certificates import (
    CertificateRef,
    CertificatesChanged,
    CertificateState,
    DeliveryState,
    Step,
)

from sealwright_stamp.ports import Begin, Item, Move, PostResult, PostVerdict, StampWork, Storage, Wallets
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.grouping import grouped

POSTED_FROM = frozenset({CertificateState.ISSUED, CertificateState.WITHDRAWING, CertificateState.WITHDRAWN})
"""States in which an answer may come in: a withdrawal can be asked for while a post is under way."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Posts the slices of a batch, as many at a time as each wallet allows, and records the answers together."""

    storage: Storage
    wallets: Wallets
    patience: Patience

    async def __call__(self, tenant: str, refs: Sequence[CertificateRef], begin: Begin) -> None:
        """Posts what of ``refs`` waits for it and is not in other hands."""
        async with self.storage.begin_system("stamp-claim", tenant) as work:
            items = await work.chain.claim_deliveries(tenant, refs, self.patience.lease)
        await self.run(items, begin)

    async def run(self, items: Sequence[Item], begin: Begin) -> None:
        """Posts slices that were claimed. Each wallet's answers are recorded when its posts are done: a slow one
        delays nobody else's record."""
        by_wallet = list(grouped(items, lambda item: self.wallets.origin(item.endpoint.url)).values())
        if len(by_wallet) > 1:
            await asyncio.gather(*(self._post(batch, self._apart(batch[0].tenant)) for batch in by_wallet))
            by_wallet = []
        if by_wallet:
            await self._post(by_wallet[0], begin)
        else:
            async with begin():
                pass

    def _apart(self, tenant: str) -> Begin:
        return lambda: self.storage.begin_system("stamp-deliver", tenant)

    async def _post(self, batch: Sequence[Item], begin: Begin) -> None:
        results = await self.wallets.post(batch, self.patience.lease)
        async with begin() as work:
            await self._record(work, list(zip(batch, results, strict=True)))

    async def _record(self, work: StampWork, results: Sequence[tuple[Item, PostResult]]) -> None:
        delivered = [(item, "") for item, result in results if result.verdict is PostVerdict.ACCEPTED]
        given_up: list[tuple[Item, str]] = []
        later: list[tuple[int, datetime, str]] = []
        for item, result in results:
            if result.verdict is PostVerdict.ACCEPTED:
                continue
            due = work.now + self.patience.deliver.after(item.delivery_attempts)
            if result.verdict is PostVerdict.REFUSED:
                given_up.append((item, result.reason))
            elif item.delivery_deadline is not None and due > item.delivery_deadline:
                given_up.append((item, f"not taken in time; last answer: {result.reason}"))
            else:
                later.append((item.row, due, result.reason))
        await self._move(work, Step.DELIVERED, DeliveryState.DELIVERED, delivered)
        await self._move(work, Step.UNDELIVERABLE, DeliveryState.UNDELIVERABLE, given_up)
        if later:
            await work.chain.put_off_delivery(later)

    async def _move(
        self, work: StampWork, step: Step, delivery: DeliveryState, results: Sequence[tuple[Item, str]]
    ) -> None:
        if not results:
            return
        moved = await work.chain.move(
            [item.row for item, _ in results],
            Move(step, POSTED_FROM, None, None, delivery),
            [reason for _, reason in results],
        )
        work.emit(CertificatesChanged(step, tuple(moved)))
