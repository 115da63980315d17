"""What makes a transaction acceptable: the checks of the registry's verifier in its order, then two it leaves out."""

import hashlib
from collections.abc import Sequence
from fractions import Fraction

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from project_origin.common.v1 import common_pb2
from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry

from sealwright_sandbox.registry.rangeproof import proof_is_valid
from sealwright_sandbox.registry.trust import IssuerKeys

ISSUED = electricity.IssuedEvent.DESCRIPTOR.full_name
WITHDRAWN = electricity.WithdrawnEvent.DESCRIPTOR.full_name
SHORTEST, LONGEST = 60, 3600
"""Limits of a certificate's period, in seconds."""


def refusal(
    transaction: registry.Transaction,
    stream: Sequence[registry.Transaction],
    keys: IssuerKeys,
    name: str,
    check_proofs: bool = True,
) -> str | None:
    """Why a registry called `name` refuses `transaction` after the transactions in `stream`, or None if it takes it."""
    header = transaction.header
    if header.federated_stream_id.registry != name:
        return f"Invalid registry: this is {name!r}, the transaction is for {header.federated_stream_id.registry!r}"
    if header.payload_type == ISSUED:
        reason = _refuse_issued(transaction, stream, keys, check_proofs)
    elif header.payload_type == WITHDRAWN:
        reason = _refuse_withdrawn(transaction, stream, keys)
    else:
        return f"Payload type {header.payload_type!r} is not supported"
    if reason is None and hashlib.sha512(transaction.payload).digest() != header.payload_sha512:
        return "The payload is not the one whose SHA-512 was signed"
    return reason


def _refuse_issued(
    transaction: registry.Transaction, stream: Sequence[registry.Transaction], keys: IssuerKeys, check_proofs: bool
) -> str | None:
    if stream:
        return f"Certificate with id {stream[0].header.federated_stream_id.stream_id.value} already exists"
    try:
        event = electricity.IssuedEvent.FromString(transaction.payload)
    except DecodeError:
        return "The payload is not an IssuedEvent"
    label = transaction.header.federated_stream_id.stream_id.value.encode()
    commitment = event.quantity_commitment
    if check_proofs and not proof_is_valid(commitment.content, commitment.range_proof, label):
        return "Invalid range proof for the quantity commitment"
    if event.type == electricity.INVALID:
        return "Invalid certificate type"
    if not owner_key_is_importable(event.owner_public_key):
        return "Invalid owner key, not a valid public key"
    length = _seconds(event.period.end) - _seconds(event.period.start)
    if length > LONGEST:
        return "Invalid period, maximum period is 1 hour"
    if length < SHORTEST:
        return "Invalid period, minimum period is 1 minute"
    if not keys.of(event.grid_area):
        return f"No issuer found for grid area {event.grid_area!r}; known areas: {', '.join(keys.areas) or 'none'}"
    if not _signed(transaction, event.grid_area, keys):
        return f"Invalid issuer signature for grid area {event.grid_area!r}"
    if event.certificate_id != transaction.header.federated_stream_id:
        return "The payload is of another certificate than the header"
    return None


def _refuse_withdrawn(
    transaction: registry.Transaction, stream: Sequence[registry.Transaction], keys: IssuerKeys
) -> str | None:
    if not stream:
        return "Certificate does not exist"
    if any(earlier.header.payload_type == WITHDRAWN for earlier in stream):
        return "Certificate is already withdrawn"
    area = electricity.IssuedEvent.FromString(stream[0].payload).grid_area
    if not _signed(transaction, area, keys):
        return f"Invalid issuer signature for grid area {area!r}"
    return None


def _signed(transaction: registry.Transaction, area: str, keys: IssuerKeys) -> bool:
    """The header is serialised again, so only its canonical encoding verifies."""
    return keys.signed(area, transaction.header.SerializeToString(deterministic=True), transaction.header_signature)


def owner_key_is_importable(key: electricity.PublicKey) -> bool:
    """Whether the key is a point of secp256k1 (33 bytes, compressed) or an Ed25519 SubjectPublicKeyInfo (44 bytes)."""
    try:
        if key.type == electricity.Secp256k1:
            EllipticCurvePublicKey.from_encoded_point(SECP256K1(), key.content)
            return len(key.content) == 33
        return len(key.content) == 44 and isinstance(load_der_public_key(key.content), Ed25519PublicKey)
    except (ValueError, UnsupportedAlgorithm):
        return False


def _seconds(moment: Timestamp) -> Fraction:
    """Exact, and without the limits of datetime."""
    return moment.seconds + Fraction(moment.nanos, 10**9)


def stream_of(transaction: registry.Transaction) -> str:
    """The id of the stream a transaction belongs to."""
    return transaction.header.federated_stream_id.stream_id.value


def federated(name: str, stream_id: str) -> common_pb2.FederatedStreamId:
    """Stream `stream_id` of registry `name`."""
    return common_pb2.FederatedStreamId(registry=name, stream_id=common_pb2.Uuid(value=stream_id))
