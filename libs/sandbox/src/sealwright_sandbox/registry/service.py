"""The registry's gRPC service: takes transactions at once, judges them in order behind the caller's back."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
from project_origin.registry.v1 import registry_pb2 as registry
from project_origin.registry.v1 import registry_pb2_grpc as registry_grpc

from sealwright_sandbox.registry.faults import RegistryFaults
from sealwright_sandbox.registry.ledger import Entry, Ledger, State
from sealwright_sandbox.registry.verify import refusal, stream_of

Context = grpc.aio.ServicerContext[Any, Any]


class RegistryService(registry_grpc.RegistryServiceServicer):
    """RegistryService over a ledger, with faults on request."""

    def __init__(self, name: str, ledger: Ledger, check_proofs: bool, committed_when_finalized: bool) -> None:
        """`committed_when_finalized`: polls answer COMMITTED for FINALIZED transactions too, as real ones may."""
        self.name = name
        self.ledger = ledger
        self.faults = RegistryFaults()
        self._check_proofs = check_proofs
        self._committed_when_finalized = committed_when_finalized
        self._queue: asyncio.Queue[Entry] = asyncio.Queue()
        self._released = asyncio.Event()
        self._released.set()

    def apply(self, faults: RegistryFaults) -> None:
        """Replaces the faults."""
        self.faults = faults
        if faults.hold:
            self._released.clear()
        else:
            self._released.set()

    async def judge(self) -> None:
        """Judges queued transactions in order, for ever. A proof takes some 12 ms, so it is checked in a thread."""
        while True:
            entry = await self._queue.get()
            await self._released.wait()
            stream = self.ledger.stream(stream_of(entry.transaction))
            forced = self.faults.fail.get(stream_of(entry.transaction)) or self.faults.fail.get("*")
            arguments = (entry.transaction, stream, self.ledger.keys, self.name, self._check_proofs)
            reason = forced or (
                await asyncio.to_thread(refusal, *arguments) if self._check_proofs else refusal(*arguments)
            )
            self.ledger.decide(entry, reason)
            self._queue.task_done()

    async def settled(self) -> None:
        """Waits until everything taken in was judged."""
        await self._queue.join()

    async def SendTransactions(
        self, request: registry.SendTransactionsRequest, context: Context
    ) -> registry.SubmitTransactionResponse:
        """Queues the transactions."""
        await self._delay()
        if self.faults.refuse_sends:
            self.faults.refuse_sends -= 1
            await self._refuse(context)
        for entry in self.ledger.take(self._without_lost(request.transactions)):
            self._queue.put_nowait(entry)
        if self.faults.drop_replies:
            self.faults.drop_replies -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection lost")
        return registry.SubmitTransactionResponse()

    async def GetTransactionStatus(
        self, request: registry.GetTransactionStatusRequest, context: Context
    ) -> registry.GetTransactionStatusResponse:
        """Where a transaction stands, or what the script says."""
        await self._delay()
        self.ledger.statistics.polls += 1
        if self.faults.refuse_polls:
            self.faults.refuse_polls -= 1
            await self._refuse(context)
        entry = self.ledger.entries.get(request.id)
        if entry is None:
            return registry.GetTransactionStatusResponse(status=State.UNKNOWN)
        entry.polls += 1
        if entry.polls <= len(self.faults.status_script):
            return registry.GetTransactionStatusResponse(status=self.faults.status_script[entry.polls - 1])
        state = entry.state
        if state == State.FINALIZED and self._committed_when_finalized:
            state = State.COMMITTED
        return registry.GetTransactionStatusResponse(status=state, message=entry.reason)

    async def GetStreamTransactions(
        self, request: registry.GetStreamTransactionsRequest, context: Context
    ) -> registry.GetStreamTransactionsResponse:
        """The transactions of a stream."""
        await self._delay()
        return registry.GetStreamTransactionsResponse(transactions=self.ledger.stream(request.stream_id.value))

    async def GetTransactionProof(
        self, request: registry.GetTransactionProofRequest, context: Context
    ) -> registry.MerkleProof:
        """The way from a transaction to its block."""
        entry = self.ledger.entries.get(request.id)
        proof = self.ledger.proof(entry) if entry else None
        if proof is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, "the transaction is in no block (yet)")
        assert proof is not None
        return proof

    async def GetBlocks(self, request: registry.GetBlocksRequest, context: Context) -> registry.GetBlocksResponse:
        """A part of the blocks; without a limit, all."""
        if request.skip < 0 or request.limit < 0:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "skip and limit must not be negative")
        blocks = self.ledger.blocks[request.skip :][: request.limit or None]
        return registry.GetBlocksResponse(blocks=blocks if request.include_transactions else map(_bare, blocks))

    def _without_lost(self, transactions: Sequence[registry.Transaction]) -> Sequence[registry.Transaction]:
        lost = min(self.faults.lose_transactions, len(transactions))
        self.faults.lose_transactions -= lost
        return transactions[lost:]

    async def _delay(self) -> None:
        if self.faults.delay_seconds:
            await asyncio.sleep(self.faults.delay_seconds)

    async def _refuse(self, context: Context) -> None:
        await context.abort(grpc.StatusCode[self.faults.error_code], "refused on request")


def _bare(block: registry.Block) -> registry.Block:
    return registry.Block(height=block.height, header=block.header, publication=block.publication)
