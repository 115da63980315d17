"""Second hop: asks the registry what became of transactions, and believes FAILED only after reading the stream.

What is committed is marked as issued in the same transaction, for nothing acts in between: two steps, two events.

COMMITTED and FINALIZED count as done. UNKNOWN means the registry lost it: the same bytes are sent again. FAILED may be
the registry's answer to a repeat of what it had committed before ("already exists"): if the certificate's stream holds
our exact bytes, they are committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sealwright_common.domain.certificates import (
    CertificateRef,
    CertificatesChanged,
    CertificateState,
    Change,
    DeliveryState,
    Step,
)
from sealwright_common.domain.errors import Problem

from sealwright_stamp.ports import (
    Begin,
    Move,
    Pending,
    Registry,
    RegistryState,
    RegistryStatus,
    StampWork,
    Storage,
    SubmissionKind,
)
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.grouping import grouped

DONE = frozenset({RegistryState.COMMITTED, RegistryState.FINALIZED})
DOUBTFUL = frozenset({RegistryState.FAILED, RegistryState.UNKNOWN})
"""Answers that are not taken at their word."""


@dataclass(frozen=True, slots=True)
class Check:
    """Looks at the transactions of a batch and records what the registry decided."""

    storage: Storage
    registry: Registry
    patience: Patience

    async def __call__(self, tenant: str, refs: Sequence[CertificateRef], begin: Begin) -> None:
        """Checks what of ``refs`` waits for the registry."""
        async with self.storage.read() as work:
            items = await work.chain.pending(tenant, refs)
        await self.run(items, begin)

    async def run(self, items: Sequence[Pending], begin: Begin) -> None:
        """Checks ``items``; what is undecided is looked at again later."""
        done: list[Pending] = []
        failed: list[tuple[Pending, str]] = []
        later: list[tuple[Pending, str]] = []
        for registry, batch in grouped(items, lambda item: item.ref.registry).items():
            try:
                answers = await self._decided(registry, batch)
            except Problem as problem:
                later += [(item, f"asking: {problem.message}") for item in batch]
                continue
            for item, answer in zip(batch, answers, strict=True):
                if answer.state in DONE:
                    done.append(item)
                elif answer.state is RegistryState.FAILED:
                    failed.append((item, answer.reason or "refused by the registry without a reason"))
                else:
                    later.append((item, f"registry says {answer.state} {answer.reason}".strip()))
        async with begin() as work:
            await self._record_done(work, done)
            await self._record_failed(work, failed)
            if later:
                moment = work.now
                await work.chain.put_off(
                    [(item.row, moment + self.patience.poll.after(item.attempts), note) for item, note in later]
                )

    async def _decided(self, registry: str, items: Sequence[Pending]) -> list[RegistryStatus]:
        answers = await self.registry.statuses(registry, [item.transaction_id for item in items])
        doubtful = [i for i, answer in enumerate(answers) if answer.state in DOUBTFUL]
        ours = await self._transactions([items[index] for index in doubtful])
        lost: list[bytes] = []
        for index in doubtful:
            if answers[index].state is RegistryState.UNKNOWN:
                lost.append(ours[items[index]])
            elif ours[items[index]] in await self.registry.stream(registry, items[index].ref.certificate_id):
                answers[index] = RegistryStatus(RegistryState.COMMITTED)
        if lost:
            await self.registry.send(registry, lost)
        return answers

    async def _transactions(self, items: Sequence[Pending]) -> dict[Pending, bytes]:
        """The stored bytes of what the registry has lost or refused."""
        found: dict[Pending, bytes] = {}
        for kind, batch in grouped(items, lambda item: item.kind).items():
            async with self.storage.read() as work:
                stored = await work.chain.transactions([item.row for item in batch], kind)
            found |= {item: stored[item.row] for item in batch}
        return found

    async def _record_done(self, work: StampWork, items: Sequence[Pending]) -> None:
        soon = work.now + self.patience.event
        by_kind = grouped(items, lambda item: item.kind)
        if issued := by_kind.get(SubmissionKind.ISSUE):
            moved = await work.chain.move(
                [item.row for item in issued],
                Move(
                    Step.ISSUED,
                    frozenset({CertificateState.SENT}),
                    CertificateState.ISSUED,
                    soon,
                    DeliveryState.PENDING,
                    work.now + self.patience.deliver_for,
                    before=((Step.COMMITTED, CertificateState.COMMITTED),),
                ),
            )
            work.emit(
                CertificatesChanged(Step.COMMITTED, tuple(_committed(change) for change in moved)),
                CertificatesChanged(Step.ISSUED, tuple(moved)),
            )
        for tenant, withdrawn in grouped(by_kind.get(SubmissionKind.WITHDRAW, []), lambda item: item.tenant).items():
            moved = await work.chain.move(
                [item.row for item in withdrawn],
                Move(Step.WITHDRAWN, frozenset({CertificateState.WITHDRAWING}), CertificateState.WITHDRAWN, None),
            )
            gone = {change.ref for change in moved}
            await work.withdrawals.append(tenant, [item.row for item in withdrawn if item.ref in gone])
            work.emit(CertificatesChanged(Step.WITHDRAWN, tuple(moved)))

    async def _record_failed(self, work: StampWork, failed: Sequence[tuple[Pending, str]]) -> None:
        for kind, batch in grouped(failed, lambda pair: pair[0].kind).items():
            rows, reasons = [item.row for item, _ in batch], [reason for _, reason in batch]
            if kind is SubmissionKind.ISSUE:
                move = Move(Step.FAILED, frozenset({CertificateState.SENT}), CertificateState.FAILED, None)
            else:
                # Should the slice still be on its way, its delivery goes on.
                move = Move(
                    Step.WITHDRAWAL_FAILED, frozenset({CertificateState.WITHDRAWING}), CertificateState.ISSUED, work.now
                )
                await work.chain.forget_withdrawal(rows)
            moved = await work.chain.move(rows, move, reasons)
            work.emit(CertificatesChanged(move.step, tuple(moved)))


def _committed(issued: Change) -> Change:
    """The step before: what the registry has done, told under a version of its own."""
    return Change(issued.ref, issued.version - 1, CertificateState.COMMITTED, issued.transaction_id)
