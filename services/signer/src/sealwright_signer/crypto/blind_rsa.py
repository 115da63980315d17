"""Blind RSA (RFC 9474): what surrounds the raw RSA operation, which happens in the token."""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

SALT_LENGTH = 48
_PSS = padding.PSS(padding.MGF1(hashes.SHA384()), SALT_LENGTH)
PREFIX_LENGTH = 32
"""Bytes of randomness that the Randomized variants put before the message."""


@lru_cache(maxsize=1024)
def _public(spki: bytes) -> tuple[rsa.RSAPublicKey, int, int, int]:
    """Key, modulus, exponent and length of the modulus in bytes."""
    key = load_der_public_key(spki)
    assert isinstance(key, rsa.RSAPublicKey)
    numbers = key.public_numbers()
    return key, numbers.n, numbers.e, (numbers.n.bit_length() + 7) // 8


def message_length(spki: bytes) -> int:
    """Bytes of every blinded message: as many as the modulus has."""
    return _public(spki)[3]


def is_blinded_message(spki: bytes, blinded: bytes) -> bool:
    """Whether it is as long as the modulus and below it (section 4.3), and not 0, 1 or -1, which map to themselves."""
    _, modulus, _, length = _public(spki)
    return len(blinded) == length and 1 < int.from_bytes(blinded) < modulus - 1


def inverts(spki: bytes, blinded: bytes, blind_signature: bytes) -> bool:
    """Whether RSAVP1 of the signature is the blinded message again (section 4.3, the check against faults)."""
    _, modulus, exponent, length = _public(spki)
    signature = int.from_bytes(blind_signature)
    return (
        len(blind_signature) == length
        and signature < modulus
        and pow(signature, exponent, modulus) == int.from_bytes(blinded)
    )


def verifies(spki: bytes, prepared_message: bytes, signature: bytes) -> bool:
    """RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 bytes over the prepared message (section 4.5)."""
    key = _public(spki)[0]
    try:
        key.verify(signature, prepared_message, _PSS, hashes.SHA384())
    except InvalidSignature:
        return False
    return True
