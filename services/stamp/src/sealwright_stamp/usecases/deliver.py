"""Last hop: claims slices for the postman, who posts each until it was accepted once or refused for good.

A slice is claimed before it is posted, so that no two processes post it at a time, and never posted again once a 2xx is
recorded. A process that dies between a wallet's 2xx and its record leaves a claim; after the lease the same bytes are
posted again under the same idempotency key. The claim is durable, so the event is done with it: however slow a wallet
is, it holds up no event and no other wallet's slices.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from sealwright_common.domain.errors import Unavailable

from sealwright_stamp.ports import Begin, Move, PostResult, PostVerdict, Slice, StampWork, Storage, Wallets
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.grouping import grouped

POSTED_FROM = frozenset({CertificateState.ISSUED, CertificateState.WITHDRAWING, CertificateState.WITHDRAWN})
"""States in which an answer may come in: a withdrawal can be asked for while a post is under way."""
MOST_IN_HAND = 5000
"""Slices claimed and not recorded yet, beyond which no more are claimed."""
BATCH = 250
"""Answers that are recorded at once without waiting for more."""
SOON_SECONDS = 0.1
"""How long an answer waits for others to be recorded with."""
RECORD_AGAIN_SECONDS = 0.5
"""Pause before answers are recorded again when the database is away."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Claims what waits for its wallet and is in nobody's hands; the event is done with the claim."""

    postman: Postman
    patience: Patience

    async def __call__(self, tenant: str, refs: Sequence[CertificateRef], begin: Begin) -> None:
        """Claims of ``refs`` what is to be posted and hands it over."""
        await self.postman.room()
        claimed_at = self.postman.time()
        async with begin() as work:
            slices = await work.chain.claim_deliveries(tenant, refs, self.patience.lease)
        self.postman.take(slices, claimed_at)


class Postman:
    """Posts slices that were claimed, side by side, and records the answers in batches; a part of the app."""

    def __init__(self, storage: Storage, wallets: Wallets, patience: Patience) -> None:
        self.name = "postman"
        self._storage = storage
        self._wallets = wallets
        self._patience = patience
        self._posts: set[asyncio.Task[None]] = set()
        self._answers: list[tuple[Slice, PostResult]] = []
        self._in_hand = 0
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._room = asyncio.Event()
        self._idle = asyncio.Event()
        self._count(0)
        self._recorder: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to record answers."""
        self._recorder = asyncio.create_task(self._record_all(), name="postman's records")

    async def drain(self) -> None:
        """Begins no further post, waits for those under way and until their answers are recorded."""
        self._wallets.leave()
        await self._idle.wait()

    async def stop(self) -> None:
        """What is still under way is posted again after its lease."""
        tasks = {*self._posts, *({self._recorder} if self._recorder else ())}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def time(self) -> float:
        """The moment by the clock that ``take`` reads."""
        return asyncio.get_running_loop().time()

    async def room(self) -> None:
        """Returns once more slices may be claimed."""
        await self._room.wait()

    def take(self, slices: Sequence[Slice], claimed_at: float) -> None:
        """Takes over slices that were claimed at ``claimed_at`` or a little later."""
        self._count(len(slices))
        for slice in slices:
            post = asyncio.create_task(self._post(slice, claimed_at + self._patience.lease.total_seconds()))
            self._posts.add(post)
            post.add_done_callback(self._posted)

    async def _post(self, slice: Slice, lease_ends: float) -> None:
        result = await self._wallets.post(slice, lease_ends)
        self._answers.append((slice, result))
        self._some.set()
        if len(self._answers) >= min(BATCH, self._in_hand):
            self._enough.set()

    def _posted(self, post: asyncio.Task[None]) -> None:
        self._posts.discard(post)
        if not post.cancelled() and (error := post.exception()) is not None:
            self._count(-1)
            _report("a slice could not be posted; it is posted again after its lease", error)

    def _count(self, more: int) -> None:
        self._in_hand += more
        for event, holds in ((self._room, self._in_hand < MOST_IN_HAND), (self._idle, not self._in_hand)):
            if holds:
                event.set()
            else:
                event.clear()

    async def _record_all(self) -> None:
        while True:
            await self._some.wait()
            # What others answer within a moment goes into the same transaction.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SOON_SECONDS):
                    await self._enough.wait()
            answers = self._taken()
            for tenant, batch in grouped(answers, lambda answer: answer[0].tenant).items():
                record = asyncio.create_task(self._record(tenant, batch))
                await asyncio.wait({record})
                if (error := record.exception()) is not None:
                    _report(f"the answers to {len(batch)} slices were not recorded; they are posted again", error)
            self._count(-len(answers))

    def _taken(self) -> list[tuple[Slice, PostResult]]:
        answers, self._answers = self._answers, []
        self._some.clear()
        self._enough.clear()
        return answers

    async def _record(self, tenant: str, answers: Sequence[tuple[Slice, PostResult]]) -> None:
        """Records answers, again and again while the database is away: a 2xx must not be forgotten while the claim
        lasts."""
        give_up = self.time() + self._patience.lease.total_seconds()
        while True:
            try:
                async with self._storage.begin_system("stamp-deliver", tenant) as work:
                    await self._write(work, answers)
                return
            except Unavailable:
                if self.time() > give_up:
                    raise
            await asyncio.sleep(RECORD_AGAIN_SECONDS)

    async def _write(self, work: StampWork, answers: Sequence[tuple[Slice, PostResult]]) -> None:
        delivered = [(slice, "") for slice, result in answers if result.verdict is PostVerdict.ACCEPTED]
        given_up: list[tuple[Slice, str]] = []
        later: list[tuple[int, datetime, str]] = []
        for slice, result in answers:
            if result.verdict is PostVerdict.ACCEPTED:
                continue
            due = work.now + self._patience.deliver.after(slice.attempts)
            if result.verdict is PostVerdict.REFUSED:
                given_up.append((slice, result.reason))
            elif slice.deadline is not None and due > slice.deadline:
                given_up.append((slice, f"not taken in time; last answer: {result.reason}"))
            else:
                later.append((slice.row, due, result.reason))
        await _move(work, Step.DELIVERED, DeliveryState.DELIVERED, delivered)
        await _move(work, Step.UNDELIVERABLE, DeliveryState.UNDELIVERABLE, given_up)
        if later:
            await work.chain.put_off_delivery(later)


async def _move(work: StampWork, step: Step, delivery: DeliveryState, results: Sequence[tuple[Slice, str]]) -> None:
    if not results:
        return
    moved = await work.chain.move(
        [slice.row for slice, _ in results],
        Move(step, POSTED_FROM, None, None, delivery),
        [reason for _, reason in results],
    )
    work.emit(CertificatesChanged(step, tuple(moved)))


def _report(message: str, error: BaseException) -> None:
    """To the loop's handler, which logs it."""
    asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})
