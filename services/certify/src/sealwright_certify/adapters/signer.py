"""The signer service as a port: what is asked for at the same moment is signed by one call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from grpc import aio
from sealwright_common.domain.errors import Problem
from sealwright_common.runtime.collector import Collector
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.grpc import metadata

from sealwright_certify.codec import peers
from sealwright_certify.ports import SigningKey

_INPUTS, _BYTES = 250, 512 * 1024
"""Most of each in a call, well below the signer's message limit. One input alone may be larger."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one caller wants signed."""

    tenant: str
    key: SigningKey
    inputs: Sequence[bytes]


class SignerClient:
    """Signs in batches. Signing again after a crash is harmless: nothing left, and ids and entries are reserved."""

    def __init__(self, channel: aio.Channel) -> None:
        self._stub = peers.signing_stub(channel)
        self.collector: Collector[_Asked, list[bytes]] = Collector(
            "signatures", self._sign_all, max_wait=timedelta(milliseconds=1)
        )
        """The part to add to the app."""

    async def sign(self, tenant: str, key: SigningKey, inputs: Sequence[bytes]) -> list[bytes]:
        """Raw signatures in the order of ``inputs``; raises the signer's Problem."""
        return await self.collector.submit(_Asked(tenant, key, inputs))

    async def _sign_all(self, asked: Sequence[_Asked]) -> list[list[bytes] | Exception]:
        results: list[list[bytes] | Exception] = [[] for _ in asked]
        groups: dict[tuple[str, SigningKey], list[tuple[int, bytes]]] = {}
        for number, one in enumerate(asked):
            groups.setdefault((one.tenant, one.key), []).extend((number, message) for message in one.inputs)
        for (tenant, key), group in groups.items():
            for batch in _batches(group):
                await self._batch(tenant, key, batch, results)
        return results

    async def _batch(
        self,
        tenant: str,
        key: SigningKey,
        batch: Sequence[tuple[int, bytes]],
        results: list[list[bytes] | Exception],
    ) -> None:
        fault_point("certify.reserved")
        request = peers.sign_request(key, [message for _, message in batch])
        try:
            response = await self._stub.SignBatch(request, metadata=metadata.for_tenant(tenant))
        except Problem as problem:
            error = type(problem)(problem.reason, f"signer: {problem.message}", retry_after=problem.retry_after)
            error.__cause__ = problem
            for number, _ in batch:
                results[number] = error
            return
        fault_point("certify.signed")
        for (number, _), signature in zip(batch, response.signatures, strict=True):
            signatures = results[number]
            if not isinstance(signatures, Exception):
                signatures.append(signature)


def _batches(group: Sequence[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    """Parts of a group that a call can take, in order."""
    batch: list[tuple[int, bytes]] = []
    size = 0
    for item in group:
        if batch and (len(batch) == _INPUTS or size + len(item[1]) > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item[1])
    if batch:
        yield batch
