"""Public keys in their encodings: JWK (RFC 7517), COSE_Key (RFC 9052), Multikey, did:key, did:jwk and X.509.

A key knows the one signature algorithm it may be used with, so that no header can choose another (algorithm confusion).
The exception is an RSA key that was published without one: it is good for PS256 and for RS256.
ECDSA signatures are r || s of fixed length everywhere, as JOSE, COSE and Data Integrity want them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from sealwright_common.verify.outcome import NotVerified

COSE_ALGORITHMS: Mapping[str, int] = {"ES256": -7, "EdDSA": -8, "ES384": -35, "ES512": -36, "PS256": -37, "RS256": -257}
"""COSE numbers of the algorithms (RFC 9053, RFC 8812), by JOSE name."""

_CURVES: Mapping[str, tuple[type[ec.EllipticCurve], str, int, int, bytes]] = {
    # JOSE curve -> class, algorithm, coordinate length, COSE curve, multicodec prefix
    "P-256": (ec.SECP256R1, "ES256", 32, 1, b"\x80\x24"),
    "P-384": (ec.SECP384R1, "ES384", 48, 2, b"\x81\x24"),
    "P-521": (ec.SECP521R1, "ES512", 66, 3, b"\x82\x24"),
}
_ED25519_CODEC = b"\xed\x01"
_RSA = ("PS256", "RS256")
_ECDSA: Mapping[str, ec.ECDSA] = {
    "ES256": ec.ECDSA(hashes.SHA256()),
    "ES384": ec.ECDSA(hashes.SHA384()),
    "ES512": ec.ECDSA(hashes.SHA512()),
}
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


_STANDARD = bytes.maketrans(b"-_+/=", b"+/***")
"""The characters of base64url as those of base64; what base64url does not have becomes what base64 does not have."""


def unb64url(text: str) -> bytes:
    """The bytes of unpadded base64url; anything else (padding, other alphabets, stray bits) is NotVerified."""
    try:
        standard = text.encode().translate(_STANDARD) + b"=" * (-len(text) % 4)
        raw = binascii.a2b_base64(standard, strict_mode=True)
    except ValueError as error:
        raise NotVerified("malformed", "expected unpadded base64url") from error
    # Only in an incomplete last group can bits be left over.
    rest = len(text) % 4
    if rest and b64url(raw[1 - rest :]) != text[-rest:]:
        raise NotVerified("malformed", "expected unpadded base64url in its one canonical form")
    return raw


def base58(data: bytes) -> str:
    """Base58 with the Bitcoin alphabet (multibase ``z`` without the prefix)."""
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def unbase58(text: str) -> bytes:
    """The bytes of a base58 text of at most 512 characters."""
    if len(text) > 512 or any(character not in _BASE58 for character in text):
        raise NotVerified("malformed", "expected base58 text of at most 512 characters")
    number = 0
    for character in text:
        number = number * 58 + _BASE58.index(character)
    return b"\0" * (len(text) - len(text.lstrip("1"))) + number.to_bytes((number.bit_length() + 7) // 8, "big")


Material = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key bound to its one algorithm: ES256, ES384, ES512, EdDSA, or for RSA PS256 or RS256."""

    algorithm: str
    material: Material
    stated: bool = field(default=True, compare=False)
    """Whether the algorithm follows from the key or was published with it; False of an RSA key that came without."""

    def used_with(self, algorithm: str) -> PublicKey:
        """The key for a signature whose header names ``algorithm``; NotVerified if it is not one of this key's."""
        if algorithm == self.algorithm or (algorithm == "Ed25519" and self.algorithm == "EdDSA"):  # RFC 9864
            return self
        if not self.stated and algorithm in _RSA:
            return replace(self, algorithm=algorithm)
        raise NotVerified("algorithm", f"alg {algorithm} does not belong to the key, which is {self.algorithm}")

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raises NotVerified unless ``signature`` (r || s for ECDSA) is this key's over ``message``."""
        try:
            self._verify(message, signature)
        except InvalidSignature as error:
            raise NotVerified("signature", "the signature does not fit the content and the key") from error

    def _verify(self, message: bytes, signature: bytes) -> None:
        match self.material:
            case ec.EllipticCurvePublicKey() as key:
                size = (key.key_size + 7) // 8
                if len(signature) != 2 * size:
                    raise InvalidSignature
                r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
                key.verify(encode_dss_signature(r, s), message, _ECDSA[self.algorithm])
            case ed25519.Ed25519PublicKey() as key:
                key.verify(signature, message)
            case rsa.RSAPublicKey() as key:
                pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
                key.verify(
                    signature, message, pss if self.algorithm == "PS256" else padding.PKCS1v15(), hashes.SHA256()
                )

    @property
    def jwk(self) -> dict[str, str]:
        """The public JWK: required members only, so that its thumbprint is RFC 7638's."""
        match self.material:
            case ed25519.Ed25519PublicKey() as key:
                raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
                return {"crv": "Ed25519", "kty": "OKP", "x": b64url(raw)}
            case ec.EllipticCurvePublicKey() as key:
                name, size = next((n, c[2]) for n, c in _CURVES.items() if c[1] == self.algorithm)
                point = key.public_numbers()
                x, y = (b64url(value.to_bytes(size, "big")) for value in (point.x, point.y))
                return {"crv": name, "kty": "EC", "x": x, "y": y}
            case rsa.RSAPublicKey() as key:
                public = key.public_numbers()
                e, n = (b64url(value.to_bytes((value.bit_length() + 7) // 8, "big")) for value in (public.e, public.n))
                return {"e": e, "kty": "RSA", "n": n}

    @property
    def thumbprint(self) -> str:
        """RFC 7638 SHA-256 thumbprint, base64url."""
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return b64url(hashlib.sha256(canonical.encode()).digest())

    @property
    def cose_key(self) -> dict[int, int | bytes]:
        """The COSE_Key map (RFC 9052 section 7); RSA keys have none here."""
        jwk = self.jwk
        if jwk["kty"] == "OKP":
            return {1: 1, -1: 6, -2: unb64url(jwk["x"])}
        if jwk["kty"] == "EC":
            return {1: 2, -1: _CURVES[jwk["crv"]][3], -2: unb64url(jwk["x"]), -3: unb64url(jwk["y"])}
        raise NotVerified("key", "an RSA key cannot be a COSE device key; use P-256, P-384 or Ed25519")

    @property
    def multikey(self) -> str:
        """``publicKeyMultibase`` of the key (Multikey); also the identifier part of its did:key."""
        match self.material:
            case ed25519.Ed25519PublicKey() as key:
                return "z" + base58(_ED25519_CODEC + key.public_bytes(Encoding.Raw, PublicFormat.Raw))
            case ec.EllipticCurvePublicKey() as key:
                codec = next(c[4] for c in _CURVES.values() if c[1] == self.algorithm)
                return "z" + base58(codec + key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))
            case rsa.RSAPublicKey():
                raise NotVerified("key", "an RSA key has no Multikey form; use P-256, P-384 or Ed25519")

    @property
    def did_key(self) -> str:
        """The did:key of this key."""
        return f"did:key:{self.multikey}"

    @property
    def did_jwk(self) -> str:
        """The did:jwk of this key."""
        return "did:jwk:" + b64url(json.dumps(self.jwk, separators=(",", ":")).encode())


def from_material(material: object, rsa_algorithm: str = "PS256") -> PublicKey:
    """Wraps a key of the ``cryptography`` library; curves and types we do not use are refused."""
    match material:
        case ed25519.Ed25519PublicKey():
            return PublicKey("EdDSA", material)
        case ec.EllipticCurvePublicKey():
            for kind, algorithm, *_ in _CURVES.values():
                if isinstance(material.curve, kind):
                    return PublicKey(algorithm, material)
        case rsa.RSAPublicKey() if 2048 <= material.key_size <= 8192:
            return PublicKey(rsa_algorithm, material)
        case _:
            pass
    raise NotVerified("key", "expected a P-256, P-384, P-521, Ed25519 or RSA (2048 bits or more) key")


@lru_cache(maxsize=1024)
def from_encoded(algorithm: str, public_key: bytes) -> PublicKey:
    """The key as the signer encodes it: Ed25519 32 bytes, EC uncompressed point, RSA SubjectPublicKeyInfo."""
    try:
        match algorithm:
            case "EdDSA":
                return from_material(ed25519.Ed25519PublicKey.from_public_bytes(public_key))
            case "ES256":
                return from_material(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key))
            case "ES384":
                return from_material(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP384R1(), public_key))
            case _:
                return from_material(load_der_public_key(public_key), algorithm)
    except ValueError as error:
        raise NotVerified("key", f"expected a public key of {algorithm} as the signer encodes it") from error


def from_jwk(jwk: object) -> PublicKey:
    """The key of a public JWK. Private or symmetric members, unknown curves and points off the curve are refused."""
    if not isinstance(jwk, Mapping):
        raise NotVerified("key", "expected a JWK object")
    members = cast(Mapping[str, Any], jwk)
    if {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & members.keys():
        raise NotVerified("key", "the JWK holds private key material; send the public key only")
    try:
        key = _from_members(members)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotVerified("key", "the JWK is incomplete or not a point of its curve") from error
    if members.get("alg", key.algorithm) not in (key.algorithm, "Ed25519" if key.algorithm == "EdDSA" else None):
        raise NotVerified("key", f"the JWK's alg does not fit its key; expected {key.algorithm}")
    return key


def _from_members(jwk: Mapping[str, Any]) -> PublicKey:
    match jwk["kty"], jwk.get("crv", ""):
        case "OKP", "Ed25519":
            return PublicKey("EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(unb64url(jwk["x"])))
        case "EC", curve if curve in _CURVES:
            kind, algorithm, size, _, _ = _CURVES[curve]
            x, y = unb64url(jwk["x"]), unb64url(jwk["y"])
            if len(x) != size or len(y) != size:
                raise NotVerified("key", f"coordinates of a {curve} key have {size} bytes")
            point = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), kind())
            return PublicKey(algorithm, point.public_key())
        case "RSA", _:
            e, n = (int.from_bytes(unb64url(jwk[member]), "big") for member in ("e", "n"))
            key = from_material(
                rsa.RSAPublicNumbers(e, n).public_key(), jwk["alg"] if jwk.get("alg") in _RSA else "PS256"
            )
            return replace(key, stated="alg" in jwk)
        case _:
            raise NotVerified("key", "expected a P-256, P-384, P-521, Ed25519 or RSA JWK")


def from_cose(cose: object) -> PublicKey:
    """The key of a COSE_Key map (EC2 with both coordinates, or OKP Ed25519)."""
    if not isinstance(cose, Mapping):
        raise NotVerified("key", "expected a COSE_Key map")
    members = cast(Mapping[int, Any], cose)
    try:
        if members[1] == 1 and members[-1] == 6:
            return from_jwk({"kty": "OKP", "crv": "Ed25519", "x": b64url(members[-2])})
        curve = next(name for name, entry in _CURVES.items() if entry[3] == members[-1] and members[1] == 2)
        return from_jwk({"kty": "EC", "crv": curve, "x": b64url(members[-2]), "y": b64url(members[-3])})
    except (KeyError, StopIteration, TypeError) as error:
        raise NotVerified("key", "expected an EC2 (P-256, P-384, P-521) or OKP (Ed25519) COSE_Key") from error


@lru_cache(maxsize=1024)
def from_multikey(text: str) -> PublicKey:
    """The key of a ``publicKeyMultibase`` value (base58, Ed25519, P-256, P-384 or P-521)."""
    if not text.startswith("z"):
        raise NotVerified("key", "expected a multibase base58 key (z...)")
    raw = unbase58(text[1:])
    try:
        if raw[:2] == _ED25519_CODEC:
            return PublicKey("EdDSA", ed25519.Ed25519PublicKey.from_public_bytes(raw[2:]))
        for kind, algorithm, _, _, codec in _CURVES.values():
            if raw[:2] == codec and raw[2:3] in (b"\x02", b"\x03"):
                return PublicKey(algorithm, ec.EllipticCurvePublicKey.from_encoded_point(kind(), raw[2:]))
    except ValueError as error:
        raise NotVerified("key", "the multibase key is not a point of its curve") from error
    raise NotVerified("key", "expected an Ed25519, P-256, P-384 or P-521 Multikey")


def from_did(url: str) -> PublicKey:
    """The key of a self-describing DID (did:key, did:jwk) or DID URL; other methods need a resolver."""
    did, _, fragment = url.partition("#")
    if did.startswith("did:key:"):
        if fragment and fragment != did.removeprefix("did:key:"):
            raise NotVerified("key", "the fragment of a did:key URL names its own key")
        return from_multikey(did.removeprefix("did:key:"))
    if did.startswith("did:jwk:"):
        if fragment not in ("", "0"):
            raise NotVerified("key", "the only key of a did:jwk is #0")
        try:
            return from_jwk(json.loads(unb64url(did.removeprefix("did:jwk:"))))
        except ValueError as error:
            raise NotVerified("key", "the did:jwk holds no JWK") from error
    raise NotVerified("key", "the key of this identifier is not known; give it with the trusted keys")


def from_certificate(der: bytes, rsa_algorithm: str = "PS256") -> PublicKey:
    """The key of an X.509 certificate."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        return from_material(certificate.public_key(), rsa_algorithm)
    except ValueError as error:
        raise NotVerified("certificate", "the certificate is not X.509 DER") from error
