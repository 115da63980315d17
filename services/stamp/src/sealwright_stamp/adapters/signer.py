"""The signer service: one SignBatch per grid area and batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import grpc
from sealwright_common.domain.errors import Problem, Reason, Unavailable
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.grpc import metadata

from sealwright_stamp.codec import peers
from sealwright_stamp.ports import SignedBatch


@dataclass(frozen=True, slots=True)
class AreaIssuer:
    """The time-aware issuer whose keys sign for a grid area."""

    name: str
    cohort: int = 1


class SignerClient:
    """Signs with the key of a grid area that is active now: time chooses the key, nobody here does."""

    def __init__(self, channel: grpc.aio.Channel, issuers: Mapping[str, AreaIssuer]) -> None:
        self._stub = peers.signing_stub(channel)
        self._issuers = issuers

    async def sign(self, grid_area: str, messages: Sequence[bytes], tenant: str) -> SignedBatch:
        """Ed25519 signatures in the order of the messages. Raises the signer's Problem."""
        issuer = self._issuers.get(grid_area)
        if issuer is None:
            raise Unavailable(Reason.GRID_AREA_UNKNOWN, f"grid area {grid_area} has no issuer in the settings")
        signatures: list[bytes] = []
        key_id = ""
        for start in range(0, len(messages), peers.MOST_SIGNATURES):
            request = peers.sign_request(issuer.name, issuer.cohort, messages[start : start + peers.MOST_SIGNATURES])
            try:
                batch = peers.signed(await self._stub.SignBatch(request, metadata=metadata.for_tenant(tenant)))
            except Problem as problem:
                raise type(problem)(problem.reason, f"signer: {problem.message}") from problem
            key_id = key_id or batch.key_id
            signatures += batch.signatures
        fault_point("stamp.signed")
        return SignedBatch(key_id, tuple(signatures))
