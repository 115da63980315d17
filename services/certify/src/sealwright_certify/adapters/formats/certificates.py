"""Certificates for issuing keys: requests (PKCS#10, RFC 2986) up to their signature, and chains read strictly.

The key is in the signer, so only the bytes to sign are made here; names and keys are encoded by ``cryptography``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.keys import from_jwk, from_material
from sealwright_common.verify.outcome import NotVerified

_SIGNATURES = {
    # AlgorithmIdentifier of each signature algorithm, DER.
    KeyAlgorithm.ES256: bytes.fromhex("300a06082a8648ce3d040302"),
    KeyAlgorithm.ES384: bytes.fromhex("300a06082a8648ce3d040303"),
    KeyAlgorithm.EDDSA: bytes.fromhex("300506032b6570"),
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a certificate is for."""

    common_name: str
    organization: str = ""
    country: str = ""
    """Two letters; mdoc signers need one (ISO/IEC 18013-5 table B.3)."""

    @property
    def name(self) -> x509.Name:
        """The distinguished name."""
        parts = ((NameOID.COUNTRY_NAME, self.country), (NameOID.ORGANIZATION_NAME, self.organization))
        named = [x509.NameAttribute(oid, value) for oid, value in parts if value]
        return x509.Name([*named, x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])


def tlv(tag: int, *contents: bytes) -> bytes:
    """One DER element."""
    content = b"".join(contents)
    if len(content) < 128:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def request_body(key: IssuerKey, subject: x509.Name) -> bytes:
    """The CertificationRequestInfo that the key itself signs."""
    return tlv(0x30, b"\x02\x01\x00", subject.public_bytes(), _public_info(key), tlv(0xA0))


def signed(body: bytes, algorithm: KeyAlgorithm, signature: bytes) -> bytes:
    """The request with its raw signature put in."""
    if algorithm is not KeyAlgorithm.EDDSA:
        half = len(signature) // 2
        signature = encode_dss_signature(
            int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        )
    return tlv(0x30, body, _SIGNATURES[algorithm], tlv(0x03, b"\x00", signature))


def read_chain(pem: str, now: datetime) -> tuple[list[bytes], str, datetime]:
    """A chain of PEM certificates: DER leaf first, the thumbprint of the leaf's key, when the first expires.

    InvalidArgument unless each is valid now and issued by the next, and the leaf is no CA and not self-signed. A root
    at the end is left out: verifiers have it, and neither x5c (HAIP) nor x5chain may carry it.
    """
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise InvalidArgument.of("chain_pem", "certificates as PEM, leaf first") from error
    leaf = chain[0]
    if len(chain) > 4 or leaf.issuer == leaf.subject:
        raise InvalidArgument.of("chain_pem", "1 to 4 certificates, the first of them not self-signed")
    for child, parent in pairwise(chain):
        try:
            child.verify_directly_issued_by(parent)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise InvalidArgument.of("chain_pem", "each certificate issued by the next one") from error
    if _is_ca(leaf):
        raise InvalidArgument.of("chain_pem", "a certificate of a key that signs credentials, not of an authority")
    if chain[-1].issuer == chain[-1].subject:
        chain = chain[:-1]
    if any(not entry.not_valid_before_utc <= now < entry.not_valid_after_utc for entry in chain):
        raise InvalidArgument.of("chain_pem", "certificates that are valid now")
    try:
        thumbprint = from_material(leaf.public_key()).thumbprint
    except NotVerified as error:
        raise InvalidArgument.of("chain_pem", "a leaf with a P-256, P-384 or Ed25519 key") from error
    return [entry.public_bytes(Encoding.DER) for entry in chain], thumbprint, min(e.not_valid_after_utc for e in chain)


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _public_info(key: IssuerKey) -> bytes:
    public = from_jwk({**key.jwk, "alg": key.algorithm.value})
    return public.material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class X509Writer:
    """These functions as one port."""

    def request_body(self, key: IssuerKey, common_name: str, organization: str, country: str) -> bytes:
        """What the key signs to ask for a certificate."""
        return request_body(key, Subject(common_name, organization, country).name)

    def request_like(self, key: IssuerKey, predecessor: bytes) -> bytes:
        """What the key signs to ask for a certificate in the name of another one (DER)."""
        return request_body(key, x509.load_der_x509_certificate(predecessor).subject)

    def signed(self, body: bytes, algorithm: KeyAlgorithm, signature: bytes) -> bytes:
        """The signed DER."""
        return signed(body, algorithm, signature)

    def read_chain(self, pem: str, now: datetime) -> tuple[list[bytes], str, datetime]:
        """DER leaf first, thumbprint of the leaf's key, first expiry."""
        return read_chain(pem, now)

    def thumbprint(self, key: IssuerKey) -> str:
        """RFC 7638 thumbprint of a key."""
        return from_jwk({**key.jwk, "alg": key.algorithm.value}).thumbprint
