"""The signer service as a port."""

from __future__ import annotations

from collections.abc import Sequence

from grpc import aio
from sealwright_common.domain.errors import Problem
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.grpc import metadata

from sealwright_certify.codec import peers
from sealwright_certify.ports import SigningKey

_BATCH = 250
"""Inputs per call: 250 credentials of 2 KiB stay below the signer's message limit."""


class SignerClient:
    """Signs in batches. Signing again after a crash is harmless: nothing left, and ids and entries are reserved."""

    def __init__(self, channel: aio.Channel) -> None:
        self._stub = peers.signing_stub(channel)

    async def sign(self, tenant: str, key: SigningKey, inputs: Sequence[bytes]) -> list[bytes]:
        """Raw signatures in the order of ``inputs``; raises the signer's Problem."""
        fault_point("certify.reserved")
        signatures: list[bytes] = []
        for start in range(0, len(inputs), _BATCH):
            batch = inputs[start : start + _BATCH]
            request = peers.sign_request(key, batch)
            try:
                response = await self._stub.SignBatch(request, metadata=metadata.for_tenant(tenant))
            except Problem as problem:
                raise type(problem)(
                    problem.reason, f"signer: {problem.message}", retry_after=problem.retry_after
                ) from problem
            signatures += response.signatures
        fault_point("certify.signed")
        return signatures
