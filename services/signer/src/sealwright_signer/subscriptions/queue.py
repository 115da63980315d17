"""The work queue on JetStream: blind signing and redemption, one effect and one set of bytes per request id.

Requests are events whose type is ``sealwright.signer.v1.requests.<queue>``; answers are published by the outbox under
``…results.<queue>``. A refusal is an answer; an outage is not: the request comes back until it can be answered. What
cannot be read at all becomes a dead letter.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError, Message
from sealwright.signer.v1 import queue_pb2
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import AlreadyExists, InvalidArgument, Problem, Reason
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.events import BeginWork, Event, Subscription
from sealwright_common.runtime.grpc.validation import validate

from sealwright_signer.codec import tokens as token_codec
from sealwright_signer.codec.keys import timestamp
from sealwright_signer.ports import QueueAnswer, Work
from sealwright_signer.usecases.blind_sign import BlindAnswer, BlindSign, RefusedItem, audit_answer
from sealwright_signer.usecases.redeem import Redeem, RedeemOutcome, spend

BATCH = 32
CONCURRENCY = 3
"""Requests handed over at once, and batches worked on at once: one signs while others are recorded and read."""
MAX_REQUEST_ID = 128
MAX_ITEMS = {token_codec.BLIND_SIGN: 64, token_codec.REDEEM: 1000}

MAX_ANSWER = 900_000
"""Bytes of an answer: less than the 1 MiB that a NATS server takes by default."""

R = TypeVar("R", queue_pb2.QueuedBlindSignRequest, queue_pb2.QueuedRedeemRequest)
D = TypeVar("D")


@dataclass(slots=True)
class _Request(Generic[R]):
    """A request of the queue."""

    tenant: str
    message: R
    digest: bytes
    trace: str

    @property
    def key(self) -> tuple[str, str]:
        return self.tenant, self.message.request_id


class _Queue(ABC, Generic[R, D]):
    """What the two queues share: known answers first, work outside the transaction, one transaction for the batch."""

    name: str
    kind: type[R]

    def __init__(self, database: Database[Any], clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def subscription(self) -> Subscription:
        """The queue's requests."""
        return Subscription(
            durable=f"signer-{self.name.replace('_', '-')}",
            stream="signer",
            types=[token_codec.REQUESTS + self.name],
            handler=self.handle,
            batch=BATCH,
            concurrency=CONCURRENCY,
        )

    async def handle(self, events: list[Event], begin: BeginWork) -> None:
        """Answers a batch of requests."""
        requests = [self._request(event) for event in events]
        keys = list({request.key for request in requests})
        async with self._database.read() as work:
            known = await work.answers.get(self.name, keys)
        fresh = list({request.key: request for request in requests if request.key not in known}.values())
        done = dict(
            zip(
                [request.key for request in fresh],
                await asyncio.gather(*(self.prepare(request) for request in fresh)),
                strict=True,
            )
        )
        async with begin() as work:
            await work.answers.claim(self.name, keys)
            known = await work.answers.get(self.name, keys)
            rows: list[tuple[str, str, bytes, bytes]] = []
            for request in requests:
                if request.key not in known:
                    answer = (await self.finish(work, request, done[request.key])).SerializeToString(deterministic=True)
                    known[request.key] = (request.digest, answer)
                    rows.append((*request.key, request.digest, answer))
                digest, answer = known[request.key]
                if digest != request.digest:
                    answer = self.reused(request).SerializeToString(deterministic=True)
                tenant, request_id = request.key
                work.emit(QueueAnswer(self.name, tenant, request_id, answer), trace=request.trace or None)
            if rows:
                await work.answers.put(self.name, rows, self._clock.now())

    def _request(self, event: Event) -> _Request[R]:
        """The request in an event. InvalidArgument, hence a dead letter, if it cannot be answered to anybody."""
        try:
            message = self.kind.FromString(event.payload)
        except DecodeError:
            raise InvalidArgument.of("payload", f"a message {self.kind.DESCRIPTOR.full_name}") from None
        if not 1 <= len(message.request_id) <= MAX_REQUEST_ID:
            raise InvalidArgument.of("request_id", f"1 to {MAX_REQUEST_ID} characters")
        if not 1 <= len(message.items) <= MAX_ITEMS[self.name]:
            raise InvalidArgument.of("items", f"1 to {MAX_ITEMS[self.name]} items")
        digest = sha256(message.SerializeToString(deterministic=True)).digest()
        return _Request(event.tenant, message, digest, event.trace)

    @abstractmethod
    async def prepare(self, request: _Request[R]) -> D:
        """The work that needs no transaction."""

    @abstractmethod
    async def finish(self, work: Work, request: _Request[R], done: D) -> Message:
        """The answer, with what the transaction adds."""

    @abstractmethod
    def reused(self, request: _Request[R]) -> Message:
        """The answer to a request id that was used for another body."""


def _problem(item: Message) -> Problem | None:
    """What is wrong with an item by the rules of its message."""
    try:
        validate(item)
    except InvalidArgument as problem:
        return problem
    return None


def _reused() -> AlreadyExists:
    return AlreadyExists(
        Reason.REQUEST_ID_REUSED, "the request_id was used for another request; send this one with a fresh request_id"
    )


class BlindSignQueue(_Queue[queue_pb2.QueuedBlindSignRequest, BlindAnswer]):
    """Blind signing on the queue."""

    name = token_codec.BLIND_SIGN
    kind = queue_pb2.QueuedBlindSignRequest

    def __init__(self, database: Database[Any], blind_sign: BlindSign, clock: Clock) -> None:
        super().__init__(database, clock)
        self._blind_sign = blind_sign

    async def prepare(self, request: _Request[queue_pb2.QueuedBlindSignRequest]) -> BlindAnswer:
        """Signs."""
        items = [token_codec.queued_blind_item(item, _problem(item)) for item in request.message.items]
        return await self._blind_sign.sign(request.tenant, request.message.request_id, items)

    async def finish(
        self, work: Work, request: _Request[queue_pb2.QueuedBlindSignRequest], done: BlindAnswer
    ) -> Message:
        """Audits. An answer that no message can carry is refused: nothing of it was released."""
        answer = token_codec.queued_blind_answer(done)
        if answer.ByteSize() > MAX_ANSWER:
            problem = InvalidArgument.of(
                "items", "fewer tokens: the answer does not fit into a message", reason=Reason.BLINDED_TOKENS_LIMIT
            )
            return self._refused(request, problem)
        audit_answer(work, done)
        return answer

    def reused(self, request: _Request[queue_pb2.QueuedBlindSignRequest]) -> Message:
        """Every item refused."""
        return self._refused(request, _reused())

    @staticmethod
    def _refused(request: _Request[queue_pb2.QueuedBlindSignRequest], problem: Problem) -> Message:
        refused = [RefusedItem(n, problem, item.associated_data) for n, item in enumerate(request.message.items)]
        return token_codec.queued_blind_answer(BlindAnswer(request.message.request_id, refused))


class RedeemQueue(_Queue[queue_pb2.QueuedRedeemRequest, tuple[Sequence[Any], Sequence[Any]]]):
    """Redemption on the queue."""

    name = token_codec.REDEEM
    kind = queue_pb2.QueuedRedeemRequest

    def __init__(self, database: Database[Any], redeem: Redeem, clock: Clock) -> None:
        super().__init__(database, clock)
        self._redeem = redeem

    async def prepare(self, request: _Request[queue_pb2.QueuedRedeemRequest]) -> tuple[Sequence[Any], Sequence[Any]]:
        """Checks the tokens."""
        items = [token_codec.queued_redeem_item(item, _problem(item)) for item in request.message.items]
        return items, await self._redeem.check(request.tenant, items)

    async def finish(
        self,
        work: Work,
        request: _Request[queue_pb2.QueuedRedeemRequest],
        done: tuple[Sequence[Any], Sequence[Any]],
    ) -> Message:
        """Spends them."""
        outcomes: list[RedeemOutcome] = await spend(work, request.tenant, *done)
        return queue_pb2.QueuedRedeemAnswer(
            request_id=request.message.request_id,
            outcomes=[token_codec.outcome_message(outcome) for outcome in outcomes],
            answer_time=timestamp(work.now),
        )

    def reused(self, request: _Request[queue_pb2.QueuedRedeemRequest]) -> Message:
        """Every item refused."""
        problem = _reused()
        return queue_pb2.QueuedRedeemAnswer(
            request_id=request.message.request_id,
            outcomes=[token_codec.refused_outcome(item.associated_data, problem) for item in request.message.items],
        )
