"""First hop: prepares transactions, stores their exact bytes, then hands them to the registry.

What is sent is what is stored: a process that dies anywhere in between finds the stored bytes again and sends those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sealwright_common.domain.certificates import CertificateRef, CertificatesChanged, CertificateState, Step
from sealwright_common.domain.errors import Problem

from sealwright_stamp.ports import (
    Begin,
    Draft,
    Item,
    Material,
    Move,
    Registry,
    Signer,
    Storage,
    Submission,
    SubmissionKind,
    TransactionFormat,
    Workshop,
)
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.grouping import grouped

UNSENT = frozenset({CertificateState.STORED, CertificateState.WITHDRAWING})


@dataclass(frozen=True, slots=True)
class Submit:
    """Prepares and sends the transactions of a batch: one signer call per grid area, one registry call per registry."""

    storage: Storage
    workshop: Workshop
    transactions: TransactionFormat
    signer: Signer
    registry: Registry
    new_nonce: Callable[[], str]
    patience: Patience

    async def __call__(self, tenant: str, refs: Sequence[CertificateRef], begin: Begin) -> None:
        """Submits what of ``refs`` still waits for it."""
        async with self.storage.read() as work:
            items = await work.chain.items(tenant, refs)
        await self.run(tenant, [item for item in items if unsent(item)], begin)

    async def run(self, tenant: str, items: Sequence[Item], begin: Begin) -> None:
        """Submits ``items``. What fails for now is put off, item by item; the rest goes on."""
        failed: dict[int, str] = {}
        stored = await self._prepared(tenant, items, failed)
        sent: list[Item] = []
        for registry, batch in grouped(items, lambda item: item.ref.registry).items():
            ready = [item for item in batch if item.row in stored]
            try:
                if ready:
                    await self.registry.send(registry, [stored[item.row].transaction for item in ready])
                sent += ready
            except Problem as problem:
                failed |= {item.row: f"sending: {problem.message}" for item in ready}
        async with begin() as work:
            soon = work.now + self.patience.event
            for kind, batch in grouped(sent, lambda item: item.kind).items():
                if kind is SubmissionKind.WITHDRAW:
                    await work.chain.withdrawals_sent([item.row for item in batch])
                    poll = self.patience.poll.first
                    await work.chain.put_off([(item.row, work.now + poll, "") for item in batch])
                    continue
                moved = await work.chain.move(
                    [item.row for item in batch],
                    Move(Step.SENT, frozenset({CertificateState.STORED}), CertificateState.SENT, soon),
                )
                work.emit(CertificatesChanged(Step.SENT, tuple(moved)))
            if failed:
                tries = {item.row: item.attempts for item in items}
                await work.chain.put_off(
                    [(row, work.now + self._wait(tries[row]), note) for row, note in failed.items()]
                )

    def _wait(self, attempts: int) -> timedelta:
        return self.patience.submit.after(attempts)

    async def _prepared(self, tenant: str, items: Sequence[Item], failed: dict[int, str]) -> dict[int, Submission]:
        """The stored transaction of each item, made now where there is none yet."""
        stored = {item.row: item.submission for item in items if item.submission is not None}
        fresh = [item for item in items if item.submission is None]
        issuing = [item for item in fresh if item.kind is SubmissionKind.ISSUE]
        made = dict(zip((item.row for item in issuing), await self.workshop.make(issuing), strict=True))
        drafts = {item.row: self._draft(item, made.get(item.row)) for item in fresh}
        submissions: list[tuple[int, Submission]] = []
        for area, batch in grouped(fresh, lambda item: item.order.grid_area).items():
            try:
                signed = await self.signer.sign(area, [drafts[item.row].header for item in batch], tenant)
            except Problem as problem:
                failed |= {item.row: f"signing: {problem.message}" for item in batch}
                continue
            for item, signature in zip(batch, signed.signatures, strict=True):
                transaction, transaction_id = self.transactions.seal(drafts[item.row], signature)
                submissions.append((item.row, Submission(item.kind, signed.key_id, transaction_id, transaction)))
        if submissions:
            async with self.storage.begin_system("stamp-prepare", tenant) as work:
                stored |= await work.chain.store_submissions(submissions)
        return stored

    def _draft(self, item: Item, material: Material | None) -> Draft:
        if material is None:
            return self.transactions.withdraw(item, self.new_nonce())
        return self.transactions.issue(item, material, self.new_nonce())


def unsent(item: Item) -> bool:
    """Whether the certificate's transaction has still to be sent for the first time."""
    return item.state in UNSENT and (item.submission is None or item.submission.sends == 0)
