"""The registries over gRPC: many transactions per call, statuses from blocks or asked for side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import grpc
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.faults import fault_point

from sealwright_stamp.adapters.blocks import Blocks
from sealwright_stamp.codec import peers
from sealwright_stamp.codec import transactions as codec
from sealwright_stamp.ports import RegistryState, RegistryStatus

POLLS_AT_ONCE = 64
FROM_BLOCKS = 32
"""Transactions from which on a batch is looked for in the blocks first."""
FINAL = RegistryStatus(RegistryState.FINALIZED)


class RegistryClients:
    """One client per configured registry."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._stubs = {name: peers.registry_stub(channel) for name, channel in channels.items()}
        self._blocks = {name: Blocks(name, stub) for name, stub in self._stubs.items()}
        self._polls = asyncio.Semaphore(POLLS_AT_ONCE)

    async def send(self, registry: str, transactions: Sequence[bytes]) -> None:
        """Hands transactions over in one call; Unavailable if that is not certain."""
        fault_point("stamp.before_send")
        await self._stub(registry).SendTransactions(codec.send_request(list(transactions)))
        fault_point("stamp.after_send")

    async def statuses(self, registry: str, transaction_ids: Sequence[str]) -> list[RegistryStatus]:
        """States in the order of the ids."""
        stub = self._stub(registry)
        large = len(transaction_ids) >= FROM_BLOCKS
        final = await self._blocks[registry].among(transaction_ids) if large else set[str]()
        rest = [name for name in transaction_ids if name not in final]
        told = dict(zip(rest, await asyncio.gather(*(self._status(stub, name) for name in rest)), strict=True))
        fault_point("stamp.polled")
        return [told.get(name, FINAL) for name in transaction_ids]

    async def stream(self, registry: str, certificate_id: UUID) -> list[bytes]:
        """The committed transactions of a certificate's stream, as bytes."""
        request = codec.stream_request(certificate_id)
        return codec.stream(await self._stub(registry).GetStreamTransactions(request))

    async def _status(self, stub: peers.RegistryStub, transaction_id: str) -> RegistryStatus:
        async with self._polls:
            return codec.status(await stub.GetTransactionStatus(codec.status_request(transaction_id)))

    def _stub(self, registry: str) -> peers.RegistryStub:
        if registry not in self._stubs:
            known = ", ".join(sorted(self._stubs)) or "none"
            raise Unavailable(Reason.REGISTRY_UNKNOWN, f"registry {registry} is not configured (any more): {known} are")
        return self._stubs[registry]
