"""The challenge-bypass wire format over ristretto255, for old clients only.

Its preimage is mapped to the group unhashed, so that related tokens can be derived: an issuer must allow it by name.
The identity and the all-zero preimage, whose tokens anybody can make, are refused in any case.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha512

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from sealwright_signer.crypto.groups import BadElement, fits_one_key, linear_combination
from sealwright_signer.crypto.ristretto import RISTRETTO255
from sealwright_signer.crypto.voprf import Inconsistent

PREIMAGE_LENGTH = 64
SIGNATURE_LENGTH = 64
_GROUP = RISTRETTO255
_BASE = _GROUP.multiply_base(_GROUP.scalar(1))


def evaluate(
    secret: bytes, public: bytes, blinded: Sequence[bytes], nonce: bytes | None = None
) -> tuple[tuple[bytes, ...], bytes]:
    """Signed tokens and one batch proof. BadElement, Inconsistent as :meth:`voprf.Voprf.evaluate`."""
    signed = tuple(_GROUP.multiply(secret, element) for element in blinded)
    scalars = _scalars(public, blinded, signed)
    m = linear_combination(_GROUP, scalars, blinded)
    z = _GROUP.multiply(secret, m)
    try:
        consistent = fits_one_key(_GROUP, secret, blinded, signed)
    except BadElement:
        consistent = linear_combination(_GROUP, scalars, signed) == z
    if not consistent:
        raise Inconsistent
    if nonce is None:
        nonce = _GROUP.reduce(hmac.digest(secret, b"cbp proof nonce" + public + m + z, "sha512"))
    challenge = _challenge(public, m, z, _GROUP.multiply_base(nonce), _GROUP.multiply(nonce, m))
    return signed, challenge + _GROUP.response(nonce, challenge, secret)


def verify_proof(public: bytes, blinded: Sequence[bytes], signed: Sequence[bytes], proof: bytes) -> bool:
    """The client's check of a batch proof."""
    if len(proof) != 64 or len(blinded) != len(signed) or not blinded:
        return False
    challenge, response = proof[:32], proof[32:]
    try:
        _GROUP.number(challenge)
        _GROUP.number(response)
        scalars = _scalars(public, blinded, signed)
        m = linear_combination(_GROUP, scalars, blinded)
        z = linear_combination(_GROUP, scalars, signed)
        a = _GROUP.add(_GROUP.multiply_base(response), _GROUP.multiply(challenge, public))
        b = _GROUP.add(_GROUP.multiply(response, m), _GROUP.multiply(challenge, z))
    except BadElement:
        return False
    return hmac.compare_digest(_challenge(public, m, z, a, b), challenge)


def element(preimage: bytes) -> bytes:
    """What a preimage maps to. BadElement for a wrong length, all zeros, or one that maps to the identity."""
    if len(preimage) == PREIMAGE_LENGTH and any(preimage):
        mapped: bytes = _GROUP.from_uniform(preimage)
        if mapped != _GROUP.identity:
            return mapped
    raise BadElement("not a preimage of 64 bytes that a token can be made of")


def token_mac(secret: bytes, preimage: bytes, payload: bytes) -> bytes:
    """HMAC-SHA-512 of ``payload`` under the key derived from the unblinded token. BadElement for a bad preimage."""
    unblinded = _GROUP.multiply(secret, element(preimage))
    key = sha512(b"hash_derive_key" + preimage + unblinded).digest()
    return hmac.digest(key, payload, sha512)


def _scalars(public: bytes, blinded: Sequence[bytes], signed: Sequence[bytes]) -> tuple[bytes, ...]:
    """Wide reductions of the ChaCha20 stream keyed by the hash of the whole batch."""
    pairs = b"".join(p + q for p, q in zip(blinded, signed, strict=True))
    seed = sha512(_BASE + public + pairs).digest()[:32]
    stream = Cipher(algorithms.ChaCha20(seed, bytes(16)), None).encryptor().update(bytes(64 * len(blinded)))
    return tuple(_GROUP.reduce(stream[start : start + 64]) for start in range(0, len(stream), 64))


def _challenge(public: bytes, m: bytes, z: bytes, a: bytes, b: bytes) -> bytes:
    return _GROUP.reduce(sha512(_BASE + public + m + z + a + b).digest())
