"""Requests to the peers and their stubs: the registries, and the signer."""

from __future__ import annotations

from collections.abc import Sequence

import grpc
from project_origin.registry.v1.registry_pb2_grpc import RegistryServiceStub
from sealwright.common.v1 import keys_pb2 as keys
from sealwright.signer.v1 import resources_pb2 as resources
from sealwright.signer.v1 import signing_service_pb2 as signing
from sealwright.signer.v1.signing_service_pb2_grpc import SigningServiceStub

from sealwright_stamp.ports import SignedBatch

RegistryStub = RegistryServiceStub
"""Calls to a registry."""
MOST_SIGNATURES = 1000
"""Inputs a SignBatch takes."""


def registry_stub(channel: grpc.aio.Channel) -> RegistryStub:
    """Calls to a registry."""
    return RegistryServiceStub(channel)


def signing_stub(channel: grpc.aio.Channel) -> SigningServiceStub:
    """Calls to the signer."""
    return SigningServiceStub(channel)


def sign_request(issuer: str, cohort: int, messages: Sequence[bytes]) -> signing.SignBatchRequest:
    """Ed25519 signatures by the key of the issuer that is active now."""
    return signing.SignBatchRequest(
        issuer=resources.IssuerRef(issuer_type=issuer, issuer_cohort=cohort),
        purpose=keys.KEY_PURPOSE_TRANSACTION,
        algorithm=keys.KEY_ALGORITHM_EDDSA,
        inputs=messages,
    )


def signed(response: signing.SignBatchResponse) -> SignedBatch:
    """The signatures and their key."""
    return SignedBatch(response.key_id, tuple(response.signatures))
