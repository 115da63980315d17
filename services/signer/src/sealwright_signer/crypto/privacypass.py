"""Privacy Pass (RFC 9577, RFC 9578): token types, public key encodings, key ids and the Token structure."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from sealwright_common.domain.keys import KeyAlgorithm

# AlgorithmIdentifier of id-RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes (RFC 9578 section 6.5).
_RSASSA_PSS = bytes.fromhex(
    "303d06092a864886f70d01010a3030a00d300b0609608648016503040202a11a301806092a864886f70d010108300b060960864801650304"
    "0202a203020130"
)
# AlgorithmIdentifier of rsaEncryption with NULL parameters, as SubjectPublicKeyInfo has it.
_RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")


@lru_cache(maxsize=4096)
def public_key_encoding(algorithm: KeyAlgorithm, public_key: bytes) -> bytes:
    """A blind key's public key as its protocol writes it: SPKI with id-RSASSA-PSS, or the serialized group element."""
    if algorithm.scalar:
        return public_key
    spki = load_der_public_key(public_key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    start = spki.index(_RSA_ENCRYPTION)
    body = _RSASSA_PSS + spki[start + len(_RSA_ENCRYPTION) :]
    return b"\x30\x82" + len(body).to_bytes(2) + body


def token_key_id(algorithm: KeyAlgorithm, public_key: bytes) -> bytes:
    """SHA-256 of the encoded public key; empty for keys that do not sign blindly."""
    return sha256(public_key_encoding(algorithm, public_key)).digest() if algorithm.blind else b""
