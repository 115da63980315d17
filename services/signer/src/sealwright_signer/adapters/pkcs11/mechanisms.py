"""How each key algorithm is made and used in PKCS#11."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asn1crypto.core import OctetString
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import MGF, Attribute, KeyType, Mechanism
from pkcs11.util.ec import encode_named_curve_parameters
from sealwright_common.domain.keys import KeyAlgorithm

SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
"""What RSASSA-PKCS1-v1_5 puts before a SHA-256 digest (RFC 8017 section 9.2, note 1)."""


@dataclass(frozen=True, slots=True)
class HowTo:
    """Making keys of an algorithm and signing with them."""

    key_type: KeyType
    generation: Mechanism
    signing: Mechanism
    parameter: Any = None
    curve: str | None = None
    """Name or OID of the curve; None for RSA."""
    prefix: bytes = b""
    """Put before each input."""


_RAW_RSA = HowTo(KeyType.RSA, Mechanism.RSA_PKCS_KEY_PAIR_GEN, Mechanism.RSA_X_509)

HOW_TO: dict[KeyAlgorithm, HowTo] = {
    KeyAlgorithm.EDDSA: HowTo(
        KeyType.EC_EDWARDS, Mechanism.EC_EDWARDS_KEY_PAIR_GEN, Mechanism.EDDSA, curve="1.3.101.112"
    ),
    KeyAlgorithm.ES256: HowTo(KeyType.EC, Mechanism.EC_KEY_PAIR_GEN, Mechanism.ECDSA, curve="secp256r1"),
    KeyAlgorithm.ES384: HowTo(KeyType.EC, Mechanism.EC_KEY_PAIR_GEN, Mechanism.ECDSA, curve="secp384r1"),
    KeyAlgorithm.PS256: HowTo(
        KeyType.RSA,
        Mechanism.RSA_PKCS_KEY_PAIR_GEN,
        Mechanism.RSA_PKCS_PSS,
        parameter=(Mechanism.SHA256, MGF.SHA256, 32),
    ),
    KeyAlgorithm.RS256: HowTo(
        KeyType.RSA, Mechanism.RSA_PKCS_KEY_PAIR_GEN, Mechanism.RSA_PKCS, prefix=SHA256_DIGEST_INFO
    ),
    KeyAlgorithm.RSABSSA_DETERMINISTIC: _RAW_RSA,
    KeyAlgorithm.RSABSSA_RANDOMIZED: _RAW_RSA,
}
"""The algorithms whose keys a token can hold."""


def public_template() -> dict[Attribute, Any]:
    """A public key that verifies and does nothing else."""
    return {Attribute.VERIFY: True, Attribute.ENCRYPT: False, Attribute.WRAP: False}


def private_template(how: HowTo) -> dict[Attribute, Any]:
    """A private key that signs and does nothing else, and never leaves."""
    return {
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True,
        Attribute.DECRYPT: False,
        Attribute.UNWRAP: False,
        Attribute.DERIVE: False,
        Attribute.SIGN_RECOVER: False,
        Attribute.ALLOWED_MECHANISMS: [how.signing],
    }


def generate(session: Any, label: str, algorithm: KeyAlgorithm, rsa_bits: int, template: dict[Attribute, Any]) -> Any:
    """A stored key pair; its public half."""
    how = HOW_TO[algorithm]
    shared = {
        "label": label,
        "id": label.encode(),
        "store": True,
        "mechanism": how.generation,
        "public_template": public_template(),
        "private_template": template,
    }
    if how.curve is None:
        public, _ = session.generate_keypair(how.key_type, rsa_bits, **shared)
    else:
        attributes = {Attribute.EC_PARAMS: encode_named_curve_parameters(how.curve)}
        parameters = session.create_domain_parameters(how.key_type, attributes, local=True)
        public, _ = parameters.generate_keypair(**shared)
    return public


def public_key(public: Any, algorithm: KeyAlgorithm) -> bytes:
    """The public key as the domain writes it: Ed25519 bytes, uncompressed point, or RSA SubjectPublicKeyInfo."""
    if HOW_TO[algorithm].curve is None:
        exponent = int.from_bytes(public[Attribute.PUBLIC_EXPONENT], "big")
        modulus = int.from_bytes(public[Attribute.MODULUS], "big")
        key = RSAPublicNumbers(exponent, modulus).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    point: bytes = public[Attribute.EC_POINT]
    # CKA_EC_POINT is a DER OCTET STRING; some modules give the bare bytes.
    if algorithm is KeyAlgorithm.EDDSA and len(point) == 32:
        return point
    if point[:1] == b"\x04" and len(point) % 2 == 1 and len(point) in (65, 97):
        return point
    return bytes(OctetString.load(point).native)
