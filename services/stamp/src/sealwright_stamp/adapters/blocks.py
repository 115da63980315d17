"""What a registry has finalized, read from its blocks: one call tells of hundreds of transactions.

The registry has no call for the states of many transactions, and one call for each is the largest part of what a
certificate costs on both sides. A block tells of all it holds, so large batches look there first; what is in no block
yet is asked for one by one. Blocks come after the commit: this saves calls, and never makes anybody wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

import structlog
from sealwright_common.domain.errors import Problem

from sealwright_stamp.codec import peers
from sealwright_stamp.codec import transactions as codec

log = structlog.get_logger(__name__)

AT_ONCE = 10
"""Blocks asked for at once."""
REMEMBERED = 100_000
"""Transactions remembered, the newest; older ones are asked for one by one."""
PAUSE_SECONDS = 60.0
"""How long a registry whose blocks cannot be read is not asked for them."""


class Blocks:
    """Follows the blocks of one registry from the moment they are first asked for."""

    def __init__(self, registry: str, stub: peers.RegistryStub) -> None:
        self._registry = registry
        self._stub = stub
        self._height: int | None = None
        self._seen: dict[str, None] = {}
        self._reading = asyncio.Lock()
        self._not_before = 0.0

    async def among(self, transaction_ids: Collection[str]) -> set[str]:
        """Those of the ids that are in blocks read so far, the newest included; none if blocks cannot be read."""
        loop = asyncio.get_running_loop()
        async with self._reading:
            if loop.time() >= self._not_before:
                try:
                    await self._read_on()
                except Problem as problem:
                    # A block may be larger than a message may be: begin again behind it.
                    self._height, self._not_before = None, loop.time() + PAUSE_SECONDS
                    log.warning("blocks cannot be read", registry=self._registry, problem=problem.message)
        return {name for name in transaction_ids if name in self._seen}

    async def _read_on(self) -> None:
        height = await self._end() if self._height is None else self._height
        while True:
            blocks = codec.blocks(await self._stub.GetBlocks(codec.blocks_request(height, AT_ONCE, whole=True)))
            self._remember([name for block in blocks for name in block])
            height += len(blocks)
            self._height = height
            if len(blocks) < AT_ONCE:
                return

    def _remember(self, names: Sequence[str]) -> None:
        self._seen |= dict.fromkeys(names)
        for name in list(self._seen)[: max(0, len(self._seen) - REMEMBERED)]:
            del self._seen[name]

    async def _end(self) -> int:
        """How many blocks there are, found by doubling and halving: nobody tells."""
        low, high = 0, 1
        while await self._exists(high - 1):
            low, high = high, 2 * high
        while low < high - 1:
            middle = (low + high) // 2
            if await self._exists(middle - 1):
                low = middle
            else:
                high = middle
        return low

    async def _exists(self, height: int) -> bool:
        request = codec.blocks_request(height, 1, whole=False)
        return bool(codec.blocks(await self._stub.GetBlocks(request)))
