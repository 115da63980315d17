"""Signatures in software: what is hashed, how signatures are written, verification, and keys held in memory.

Everything works on *prepared* inputs: the message for EdDSA, the digest for ECDSA and RSA; and on *raw* signatures:
r‖s for ECDSA, the plain bytes else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ctypes import c_char_p, c_ulonglong
from functools import lru_cache
from hashlib import sha256, sha384
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, Reason
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.ristretto import sodium

from sealwright_signer.ports import InputKind, SignatureFormat

Check = Callable[[bytes, bytes], bool]
"""Whether a raw signature (second) is right for a prepared input (first)."""

_HASH: dict[KeyAlgorithm, Callable[[bytes], Any]] = {
    KeyAlgorithm.ES256: sha256,
    KeyAlgorithm.ES384: sha384,
    KeyAlgorithm.PS256: sha256,
    KeyAlgorithm.RS256: sha256,
}
_DIGEST_LENGTH = {KeyAlgorithm.ES256: 32, KeyAlgorithm.ES384: 48, KeyAlgorithm.PS256: 32, KeyAlgorithm.RS256: 32}
_CURVES: dict[KeyAlgorithm, tuple[ec.EllipticCurve, ec.ECDSA, int]] = {
    KeyAlgorithm.ES256: (ec.SECP256R1(), ec.ECDSA(Prehashed(hashes.SHA256())), 32),
    KeyAlgorithm.ES384: (ec.SECP384R1(), ec.ECDSA(Prehashed(hashes.SHA384())), 48),
}
_EDDSA_LENGTH = 64
_sodium_verify = sodium.crypto_sign_ed25519_verify_detached
"""Takes half the time of OpenSSL's, and another library than the one that signed shares no fault with it."""
_sodium_verify.argtypes = (c_char_p, c_char_p, c_ulonglong, c_char_p)
_PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
_PREHASHED_SHA256 = Prehashed(hashes.SHA256())


def prepare(algorithm: KeyAlgorithm, inputs: Sequence[bytes], kind: InputKind) -> Sequence[bytes]:
    """The inputs as the algorithm signs them. InvalidArgument for a digest of the wrong length, or any for EdDSA."""
    hasher = _HASH.get(algorithm)
    if kind is InputKind.MESSAGE:
        return inputs if hasher is None else [hasher(data).digest() for data in inputs]
    if hasher is None:
        raise InvalidArgument.of("input_kind", f"MESSAGE: {algorithm} signs messages, not digests")
    length = _DIGEST_LENGTH[algorithm]
    for position, data in enumerate(inputs):
        if len(data) != length:
            raise InvalidArgument.of(f"inputs[{position}]", f"a digest of {length} bytes for {algorithm}")
    return inputs


def write(algorithm: KeyAlgorithm, signatures: Sequence[bytes], form: SignatureFormat) -> Sequence[bytes]:
    """Raw signatures in the format asked for. InvalidArgument for DER of anything but ECDSA."""
    if form is SignatureFormat.RAW:
        return signatures
    check_format(algorithm, form)
    size = _CURVES[algorithm][2]
    return [encode_dss_signature(int.from_bytes(s[:size]), int.from_bytes(s[size:])) for s in signatures]


def check_format(algorithm: KeyAlgorithm, form: SignatureFormat) -> None:
    """Return if signatures of ``algorithm`` can be written so; InvalidArgument otherwise."""
    if form is SignatureFormat.DER and algorithm not in _CURVES:
        raise InvalidArgument.of("format", f"RAW: only ECDSA signatures have a DER form, not {algorithm}")


def make(algorithm: KeyAlgorithm, rsa_bits: int) -> tuple[bytes, bytes]:
    """A new key pair in memory: the public key as the domain writes it, and the private key as PKCS#8 DER."""
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    if algorithm is KeyAlgorithm.EDDSA:
        key = ed25519.Ed25519PrivateKey.generate()
    elif algorithm in _CURVES:
        key = ec.generate_private_key(_CURVES[algorithm][0])
    else:
        key = rsa.generate_private_key(65537, rsa_bits)
    return bare_public_key(key.public_key()), key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def bare_public_key(key: Any) -> bytes:
    """Ed25519: 32 bytes. EC: uncompressed point. RSA: SubjectPublicKeyInfo DER."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key.public_bytes_raw()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_key_object(algorithm: KeyAlgorithm, public_key: bytes) -> Any:
    """The ``cryptography`` public key of a signing key or a blind RSA key. FailedPrecondition for a group element."""
    if algorithm is KeyAlgorithm.EDDSA:
        return ed25519.Ed25519PublicKey.from_public_bytes(public_key)
    if algorithm in _CURVES:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[algorithm][0], public_key)
    if algorithm is KeyAlgorithm.VOPRF_P384:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), public_key)
    if algorithm.scalar:
        raise FailedPrecondition(Reason.KEY_ALGORITHM_MISMATCH, f"a key of {algorithm} has no SubjectPublicKeyInfo")
    return load_der_public_key(public_key)


Signer = Callable[[bytes], bytes]
"""A raw signature over a prepared input."""


def load_signer(algorithm: KeyAlgorithm, pkcs8: bytes) -> Signer:
    """The signing function of a private key in memory; safe for threads."""
    key: Any = load_der_private_key(pkcs8, None)
    if algorithm is KeyAlgorithm.EDDSA:
        return key.sign
    if algorithm in _CURVES:
        _, how, size = _CURVES[algorithm]

        def sign_ecdsa(digest: bytes) -> bytes:
            r, s = decode_dss_signature(key.sign(digest, how))
            return r.to_bytes(size) + s.to_bytes(size)

        return sign_ecdsa
    scheme = _PSS if algorithm is KeyAlgorithm.PS256 else padding.PKCS1v15()
    return lambda digest: key.sign(digest, scheme, _PREHASHED_SHA256)


@lru_cache(maxsize=1024)
def checker(algorithm: KeyAlgorithm, public_key: bytes) -> Check:
    """The verification of a public key; safe for threads."""
    verify = _verification(algorithm, public_key_object(algorithm, public_key))

    def check(data: bytes, signature: bytes) -> bool:
        try:
            verify(data, signature)
        except InvalidSignature:
            return False
        return True

    return check


def _verification(algorithm: KeyAlgorithm, key: Any) -> Callable[[bytes, bytes], None]:
    """A function of prepared input and raw signature that raises InvalidSignature."""
    if algorithm is KeyAlgorithm.EDDSA:
        public_key = key.public_bytes_raw()

        def verify_eddsa(data: bytes, signature: bytes) -> None:
            if len(signature) != _EDDSA_LENGTH or _sodium_verify(signature, data, len(data), public_key):
                raise InvalidSignature

        return verify_eddsa
    if algorithm in _CURVES:
        _, how, size = _CURVES[algorithm]

        def verify_ecdsa(digest: bytes, signature: bytes) -> None:
            if len(signature) != 2 * size:
                raise InvalidSignature
            der = encode_dss_signature(int.from_bytes(signature[:size]), int.from_bytes(signature[size:]))
            key.verify(der, digest, how)

        return verify_ecdsa
    scheme = _PSS if algorithm is KeyAlgorithm.PS256 else padding.PKCS1v15()
    return lambda digest, signature: key.verify(signature, digest, scheme, _PREHASHED_SHA256)
