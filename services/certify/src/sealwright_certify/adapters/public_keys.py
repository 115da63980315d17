"""Public keys of the schedule as verification keys and JWKs."""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.keys import PublicKey, from_material


@lru_cache(maxsize=1024)
def verification_key(algorithm: KeyAlgorithm, public_key: bytes) -> PublicKey:
    """The key as the signer encodes it: Ed25519 32 bytes, EC uncompressed point, RSA SubjectPublicKeyInfo."""
    match algorithm:
        case KeyAlgorithm.EDDSA:
            return from_material(ed25519.Ed25519PublicKey.from_public_bytes(public_key))
        case KeyAlgorithm.ES256:
            return from_material(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key))
        case KeyAlgorithm.ES384:
            return from_material(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), public_key))
        case _:
            return from_material(load_der_public_key(public_key), algorithm.value)


def public_jwk(algorithm: KeyAlgorithm, public_key: bytes) -> JsonObject:
    """The key's public JWK."""
    return {**verification_key(algorithm, public_key).jwk}
