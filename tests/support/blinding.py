"""Clients of the blind-signing protocols, for tests: they blind, check proofs and unblind, as wallets do."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from sealwright_signer.crypto.ristretto import RISTRETTO255
from sealwright_signer.crypto.voprf import Voprf


@dataclass(frozen=True, slots=True)
class BlindedInput:
    """An input, blinded; the secret that unblinds its signature."""

    input: bytes
    blind: bytes
    blinded: bytes


def voprf_blind(voprf: Voprf, private_input: bytes) -> BlindedInput:
    """RFC 9497 section 3.3.2, Blind."""
    blind = voprf.group.scalar(secrets.randbelow(voprf.group.order - 1) + 1)
    return BlindedInput(private_input, blind, voprf.group.multiply(blind, voprf.hash_to_group(private_input)))


def voprf_output(voprf: Voprf, blinded: BlindedInput, evaluated: bytes) -> bytes:
    """RFC 9497 section 3.3.2, Finalize, after the proof was checked."""
    inverse = voprf.group.invert(blinded.blind)  # type: ignore[attr-defined]
    return voprf.finalize(blinded.input, voprf.group.multiply(inverse, evaluated))


def cbp_blind() -> BlindedInput:
    """A challenge-bypass token: 64 random bytes, mapped to the group unhashed."""
    preimage = hashlib.sha512(os.urandom(64)).digest()
    blind = RISTRETTO255.scalar(secrets.randbelow(RISTRETTO255.order - 1) + 1)
    return BlindedInput(preimage, blind, RISTRETTO255.multiply(blind, RISTRETTO255.from_uniform(preimage)))


def cbp_sign(blinded: BlindedInput, signed: bytes, payload: bytes) -> bytes:
    """The signature a challenge-bypass client redeems with."""
    unblinded = RISTRETTO255.multiply(RISTRETTO255.invert(blinded.blind), signed)
    key = hashlib.sha512(b"hash_derive_key" + blinded.input + unblinded).digest()
    return hmac.digest(key, payload, hashlib.sha512)


def public_rsa(spki: bytes) -> rsa.RSAPublicKey:
    """The RSA key in an id-RSASSA-PSS SubjectPublicKeyInfo."""
    key = load_der_public_key(spki)
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def rsa_blind(key: rsa.RSAPublicKey, prepared: bytes) -> BlindedInput:
    """RFC 9474 section 4.2, Blind: EMSA-PSS of the prepared message, times a random number to the exponent."""
    numbers = key.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    encoded = int.from_bytes(_emsa_pss(prepared, numbers.n.bit_length() - 1))
    number = secrets.randbelow(numbers.n - 2) + 2
    blinded = encoded * pow(number, numbers.e, numbers.n) % numbers.n
    return BlindedInput(prepared, pow(number, -1, numbers.n).to_bytes(size), blinded.to_bytes(size))


def rsa_unblind(key: rsa.RSAPublicKey, blinded: BlindedInput, signature: bytes) -> bytes:
    """RFC 9474 section 4.4, Finalize."""
    n = key.public_numbers().n
    return (int.from_bytes(signature) * int.from_bytes(blinded.blind) % n).to_bytes(len(signature))


def _emsa_pss(message: bytes, bits: int) -> bytes:
    """RFC 8017 section 9.1.1 with SHA-384 and a salt of 48 bytes."""
    size = (bits + 7) // 8
    salt = os.urandom(48)
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    data = bytes(size - 48 - 48 - 2) + b"\x01" + salt
    mask = b"".join(hashlib.sha384(digest + n.to_bytes(4)).digest() for n in range(-(-len(data) // 48)))[: len(data)]
    masked = bytearray(a ^ b for a, b in zip(data, mask, strict=True))
    masked[0] &= 0xFF >> (8 * size - bits)
    return bytes(masked) + digest + b"\xbc"
