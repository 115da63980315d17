"""Large batches are looked for in the registry's blocks; what is in none is asked for one by one."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest_asyncio
from project_origin.registry.v1 import registry_pb2 as registry
from project_origin.registry.v1.registry_pb2_grpc import RegistryServiceServicer, add_RegistryServiceServicer_to_server
from sealwright_common.runtime.grpc import connect
from sealwright_stamp.adapters.registry import FROM_BLOCKS, RegistryClients
from sealwright_stamp.ports import RegistryState

OLD_BLOCKS = 1000


def transaction(number: int) -> registry.Transaction:
    return registry.Transaction(payload=number.to_bytes(4, "big"))


def name(number: int) -> str:
    return b64encode(hashlib.sha256(transaction(number).SerializeToString()).digest()).decode()


class OtherRegistry(RegistryServiceServicer):
    """A registry with a long past, that counts what it is asked."""

    def __init__(self) -> None:
        self.blocks = [registry.Block(height=height) for height in range(OLD_BLOCKS)]
        self.statuses = 0
        self.whole: list[int] = []
        self.light = 0
        self.broken = False

    def seal(self, *numbers: int) -> None:
        block = registry.Block(height=len(self.blocks), transactions=[transaction(number) for number in numbers])
        self.blocks.append(block)

    async def GetBlocks(self, request: Any, context: Any) -> Any:
        if self.broken:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "not here")
        self.light += not request.include_transactions
        found = self.blocks[request.skip : request.skip + request.limit]
        if request.include_transactions:
            self.whole += [block.height for block in found]
        return registry.GetBlocksResponse(blocks=found)

    async def GetTransactionStatus(self, request: Any, context: Any) -> Any:
        self.statuses += 1
        return registry.GetTransactionStatusResponse(status=registry.TransactionState.COMMITTED)


@pytest_asyncio.fixture
async def other() -> AsyncIterator[tuple[OtherRegistry, RegistryClients]]:
    servicer = OtherRegistry()  # type: ignore[abstract]  # pyright: ignore[reportAbstractUsage]
    server = grpc.aio.server()
    add_RegistryServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = connect(f"127.0.0.1:{port}", "registry")
    yield servicer, RegistryClients({"other": channel})
    await channel.close()
    await server.stop(None)


async def test_blocks_save_statuses_from_the_newest_on(other: tuple[OtherRegistry, RegistryClients]) -> None:
    servicer, clients = other
    names = [name(number) for number in range(FROM_BLOCKS)]
    await clients.statuses("other", names)
    assert servicer.statuses == FROM_BLOCKS
    assert servicer.whole == [], "the past is not read"
    assert servicer.light < 25, "the end is found by halving"
    servicer.seal(*range(20))
    servicer.seal(*range(20, 30), 500)
    states = [answer.state for answer in await clients.statuses("other", names)]
    assert states == [RegistryState.FINALIZED] * 30 + [RegistryState.COMMITTED] * (FROM_BLOCKS - 30)
    assert servicer.statuses == FROM_BLOCKS + FROM_BLOCKS - 30
    await clients.statuses("other", names)
    assert servicer.whole == [OLD_BLOCKS, OLD_BLOCKS + 1], "no block is read twice"
    before = servicer.statuses
    await clients.statuses("other", names[:3])
    assert servicer.statuses == before + 3, "a few are asked for at once"


async def test_a_registry_without_blocks_is_asked_one_by_one(other: tuple[OtherRegistry, RegistryClients]) -> None:
    servicer, clients = other
    servicer.broken = True
    names = [name(number) for number in range(FROM_BLOCKS)]
    for round_ in (1, 2):
        states = {answer.state for answer in await clients.statuses("other", names)}
        assert states == {RegistryState.COMMITTED}
        assert servicer.statuses == round_ * FROM_BLOCKS
