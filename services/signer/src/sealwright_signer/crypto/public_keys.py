"""Public keys in the formats their users ask for."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sealwright_common.domain.errors import FailedPrecondition, Reason
from sealwright_common.domain.keys import RSA_ALGORITHMS, Key, KeyAlgorithm

from sealwright_signer.crypto.privacypass import public_key_encoding
from sealwright_signer.crypto.signatures import public_key_object

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_MULTICODEC = {
    KeyAlgorithm.EDDSA: bytes.fromhex("ed01"),
    KeyAlgorithm.ES256: bytes.fromhex("8024"),
    KeyAlgorithm.ES384: bytes.fromhex("8124"),
}
"""Multicodec prefixes of ed25519-pub, p256-pub and p384-pub, as unsigned varints."""
_CURVE_NAMES = {KeyAlgorithm.ES256: "P-256", KeyAlgorithm.ES384: "P-384"}


@dataclass(frozen=True, slots=True)
class EncodedKey:
    """A public key in one format."""

    data: bytes
    media_type: str


def jwk(key: Key) -> EncodedKey:
    """JSON Web Key (RFC 7517) with kid and alg; members sorted."""
    public: Any = _object(key, "JWK")
    members: dict[str, str] = {"kid": str(key.id), "alg": key.algorithm.value, "use": "sig"}
    if key.algorithm is KeyAlgorithm.EDDSA:
        members |= {"kty": "OKP", "crv": "Ed25519", "x": _b64(key.public_key)}
    elif key.algorithm in RSA_ALGORITHMS:
        numbers = public.public_numbers()
        members |= {"kty": "RSA", "n": _b64(_minimal(numbers.n)), "e": _b64(_minimal(numbers.e))}
    elif key.algorithm in _CURVE_NAMES:
        size = (len(key.public_key) - 1) // 2
        x, y = key.public_key[1 : 1 + size], key.public_key[1 + size :]
        members |= {"kty": "EC", "crv": _CURVE_NAMES[key.algorithm], "x": _b64(x), "y": _b64(y)}
    else:
        raise _no_such_form(key, "JWK")
    return EncodedKey(json.dumps(members, sort_keys=True, separators=(",", ":")).encode(), "application/jwk+json")


def spki_pem(key: Key) -> EncodedKey:
    """SubjectPublicKeyInfo in PEM."""
    data = _object(key, "SPKI").public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return EncodedKey(data, "application/x-pem-file")


def spki_der(key: Key) -> EncodedKey:
    """SubjectPublicKeyInfo in DER."""
    data = _object(key, "SPKI").public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return EncodedKey(data, "application/octet-stream")


def multikey(key: Key) -> EncodedKey:
    """Multikey (W3C Controlled Identifiers): ``z`` and base58-btc of the multicodec prefix and the compressed key."""
    if key.algorithm not in _MULTICODEC:
        raise _no_such_form(key, "MULTIKEY")
    bare = key.public_key
    if key.algorithm is not KeyAlgorithm.EDDSA:
        public = _object(key, "MULTIKEY")
        assert isinstance(public, ec.EllipticCurvePublicKey)
        bare = public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return EncodedKey(("z" + _base58(_MULTICODEC[key.algorithm] + bare)).encode(), "text/plain")


def privacy_pass(key: Key) -> EncodedKey:
    """The encoding of RFC 9578 for blind keys."""
    if not key.algorithm.blind:
        raise _no_such_form(key, "PRIVACY_PASS")
    return EncodedKey(public_key_encoding(key.algorithm, key.public_key), "application/octet-stream")


def raw(key: Key) -> EncodedKey:
    """The bare key: Ed25519 bytes, uncompressed EC point, serialized group element."""
    if key.algorithm in RSA_ALGORITHMS:
        raise _no_such_form(key, "RAW")
    return EncodedKey(key.public_key, "application/octet-stream")


FORMATS: dict[str, Callable[[Key], EncodedKey]] = {
    "JWK": jwk,
    "SPKI_PEM": spki_pem,
    "SPKI_DER": spki_der,
    "MULTIKEY": multikey,
    "PRIVACY_PASS": privacy_pass,
    "RAW": raw,
}
"""Encoders by the name of their format."""


def _object(key: Key, form: str) -> Any:
    try:
        return public_key_object(key.algorithm, key.public_key)
    except FailedPrecondition:
        raise _no_such_form(key, form) from None


def _no_such_form(key: Key, form: str) -> FailedPrecondition:
    return FailedPrecondition(
        Reason.KEY_ALGORITHM_MISMATCH, f"a key of {key.algorithm} has no {form} form; ask for another format"
    )


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _base58(data: bytes) -> str:
    number, text = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text
