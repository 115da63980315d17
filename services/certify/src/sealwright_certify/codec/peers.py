"""What certify says to the signer and the rotator, and what it hears."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio
from sealwright.common.v1 import keys_pb2
from sealwright.plugin.v1 import attestation_source_service_pb2 as plugin
from sealwright.plugin.v1.attestation_source_service_pb2_grpc import AttestationSourceServiceStub
from sealwright.rotator.v1 import resources_pb2 as rotator_resources
from sealwright.rotator.v1 import rotator_service_pb2 as rotator
from sealwright.rotator.v1.rotator_service_pb2_grpc import RotatorServiceStub
from sealwright.signer.v1 import signing_service_pb2 as signing
from sealwright.signer.v1.signing_service_pb2_grpc import SigningServiceStub
from sealwright_common.domain.definition_json import parse_json_object
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.keys import KeyAlgorithm, KeyState

from sealwright_certify.codec.values import json_text
from sealwright_certify.ports import IssuerKey, SigningKey

_ALGORITHMS = {
    keys_pb2.KEY_ALGORITHM_ES256: KeyAlgorithm.ES256,
    keys_pb2.KEY_ALGORITHM_ES384: KeyAlgorithm.ES384,
    keys_pb2.KEY_ALGORITHM_EDDSA: KeyAlgorithm.EDDSA,
    keys_pb2.KEY_ALGORITHM_PS256: KeyAlgorithm.PS256,
    keys_pb2.KEY_ALGORITHM_RS256: KeyAlgorithm.RS256,
}
_ALGORITHM_NUMBERS = {algorithm: number for number, algorithm in _ALGORITHMS.items()}


SourceStub = AttestationSourceServiceStub
"""Calls to an attestation source plugin."""


def signing_stub(channel: aio.Channel) -> SigningServiceStub:
    """Calls to the signer."""
    return SigningServiceStub(channel)


def rotator_stub(channel: aio.Channel) -> RotatorServiceStub:
    """Calls to the rotator."""
    return RotatorServiceStub(channel)


def sign_request(key: SigningKey, inputs: Sequence[bytes]) -> signing.SignBatchRequest:
    """Raw signatures over messages with one key, for assertions."""
    return signing.SignBatchRequest(
        key_id=key.key_id,
        purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
        algorithm=_ALGORITHM_NUMBERS[key.algorithm],
        inputs=inputs,
    )


def list_keys_request(issuer: str, page_token: str) -> rotator.ListKeysRequest:
    """One page of the keys of an issuer."""
    return rotator.ListKeysRequest(issuer_type=issuer, page_size=1000, page_token=page_token)


def assertion_keys(keys: Sequence[rotator_resources.IssuerKey]) -> list[IssuerKey]:
    """The keys that exist and may sign assertions; planned slots and other purposes are left out."""
    return [
        _key(key)
        for key in keys
        if key.key_id and key.purpose == keys_pb2.KEY_PURPOSE_ASSERTION and key.algorithm in _ALGORITHMS
    ]


def _key(key: rotator_resources.IssuerKey) -> IssuerKey:
    return IssuerKey(
        tenant=key.tenant,
        issuer=key.issuer_type,
        key_id=key.key_id,
        slot=key.slot,
        algorithm=_ALGORITHMS[key.algorithm],
        public_key=key.public_key,
        window=Interval(moment(key.window.start_time), moment(key.window.end_time)),
        state=KeyState(keys_pb2.KeyState.Name(key.state).removeprefix("KEY_STATE_")),
        version=key.version,
        verify_until=moment(key.verify_until_time) if key.HasField("verify_until_time") else None,
    )


def moment(time: Timestamp) -> datetime:
    """A timestamp as UTC."""
    return time.ToDatetime(UTC)


def source_stub(channel: aio.Channel) -> SourceStub:
    """Calls to an attestation source plugin."""
    return AttestationSourceServiceStub(channel)


def validate_source_request(tenant: str, configuration: JsonObject) -> plugin.ValidateSourceRequest:
    """Asks a plugin whether a configuration is good."""
    return plugin.ValidateSourceRequest(tenant=tenant, configuration_json=json_text(configuration))


def evaluate_source_request(
    tenant: str, attestation_id: str, configuration: JsonObject, holder_did: str
) -> plugin.EvaluateSourceRequest:
    """Asks a plugin for claims."""
    return plugin.EvaluateSourceRequest(
        tenant=tenant,
        attestation_id=attestation_id,
        configuration_json=json_text(configuration),
        holder_did=holder_did,
    )


def source_claims(response: plugin.EvaluateSourceResponse) -> JsonObject | None:
    """What a plugin said; InvalidArgument if it is no JSON object."""
    return parse_json_object(response.claims_json, "claims_json") if response.claims_json else None
