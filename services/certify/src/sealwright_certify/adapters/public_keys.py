"""Public keys of the schedule as verification keys and JWKs."""

from __future__ import annotations

from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.keys import PublicKey, from_encoded


def verification_key(algorithm: KeyAlgorithm, public_key: bytes) -> PublicKey:
    """The key as the signer encodes it."""
    return from_encoded(algorithm.value, public_key)


def public_jwk(algorithm: KeyAlgorithm, public_key: bytes) -> JsonObject:
    """The key's public JWK."""
    return {**verification_key(algorithm, public_key).jwk}
