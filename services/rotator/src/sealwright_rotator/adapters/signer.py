"""The signer over gRPC. Keys of one call belong to one tenant, which travels in the metadata."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import groupby

from sealwright_common.domain.issuers import IssuerKey
from sealwright_common.domain.keys import RSA_ALGORITHMS
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.grpc import Channel

from sealwright_rotator.codec import signer as codec
from sealwright_rotator.ports import MadeKey
from sealwright_rotator.usecases.lifecycle import request_id

_TENANT = "sealwright-tenant"
_MOST = 1000
_IN_MAKING = 64
"""Keys that are being made at a time: enough to keep a token busy and to share commits, few enough that a key of RSA,
which takes a token a fifth of a second, does not wait for a minute."""


class GrpcSigner:
    """The port :class:`~sealwright_rotator.ports.Signer` over a channel."""

    def __init__(
        self, channel: Channel, *, timeout: timedelta = timedelta(seconds=10), making: timedelta = timedelta(minutes=5)
    ) -> None:
        self._keys = codec.key_stub(channel)
        self._signing = codec.signing_stub(channel)
        self._timeout = timeout.total_seconds()
        self._making = making.total_seconds()
        self._room = _Room(_IN_MAKING)

    async def make(self, keys: Sequence[IssuerKey]) -> list[MadeKey]:
        """Makes the keys of slots planned together. An RSA key takes a token a fifth of a second, hence the timeout."""
        first = keys[0]
        slow = first.issuer.algorithm in RSA_ALGORITHMS
        timeout = min(self._making, self._timeout + len(keys) * (2.0 if slow else 0.2))
        request = codec.creation(keys, request_id(first.batch, "make"))
        fault_point("rotator.planned")
        async with self._room.take(len(keys)):
            response = await self._keys.CreateKeys(request, timeout=timeout, metadata=_metadata(first))
        fault_point("rotator.made")
        return codec.made(response)

    async def advance(self, keys: Sequence[IssuerKey]) -> None:
        """Tells states and windows."""
        for _, group in groupby(sorted(keys, key=lambda k: k.issuer.tenant), key=lambda k: k.issuer.tenant):
            same = list(group)
            for start in range(0, len(same), _MOST):
                batch = same[start : start + _MOST]
                await self._keys.ScheduleKeys(codec.steps(batch), timeout=self._timeout, metadata=_metadata(batch[0]))
        fault_point("rotator.told")

    async def destroy(self, key: IssuerKey) -> datetime:
        """Schedules the destruction of a key."""
        response = await self._keys.ScheduleKeyDestruction(
            codec.destruction(key, request_id(key.id, "destroy")), timeout=self._timeout, metadata=_metadata(key)
        )
        return codec.destroyed_at(response.key)

    async def condemn(self, key: IssuerKey, note: str) -> None:
        """Marks a key compromised."""
        await self._keys.MarkKeyCompromised(
            codec.condemnation(key, note), timeout=self._timeout, metadata=_metadata(key)
        )
        fault_point("rotator.condemned")

    async def sign(self, key: IssuerKey, message: bytes) -> bytes:
        """A raw signature by a key."""
        response = await self._signing.Sign(
            codec.signature_over(key, message), timeout=self._timeout, metadata=_metadata(key)
        )
        return response.signature


class _Room:
    """Room for so many keys at a time, first come, first served; more than that have it all to themselves."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def take(self, count: int) -> AsyncGenerator[None, None]:
        """Waits for room and holds it for the length of a with block."""
        taken = 0
        try:
            async with self._turn:
                while taken < min(count, self._size):
                    await self._free.acquire()
                    taken += 1
            yield
        finally:
            for _ in range(taken):
                self._free.release()


def _metadata(key: IssuerKey) -> tuple[tuple[str, str], ...]:
    return ((_TENANT, key.issuer.tenant),)
