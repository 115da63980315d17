"""Keys for the format tests: a local signer, a certificate authority and certificates for its keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier
from sealwright_common.domain.formats import Content, HolderKey, IssuerKey, Unsigned
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.keys import PublicKey, from_material
from sealwright_common.verify.trust import MDOC_SIGNER

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def generate(algorithm: KeyAlgorithm) -> Any:
    match algorithm:
        case KeyAlgorithm.ES256:
            return ec.generate_private_key(ec.SECP256R1())
        case KeyAlgorithm.ES384:
            return ec.generate_private_key(ec.SECP384R1())
        case KeyAlgorithm.EDDSA:
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(65537, 2048)


def sign(key: Any, algorithm: KeyAlgorithm, message: bytes) -> bytes:
    """A raw signature as the signer service gives it."""
    match algorithm:
        case KeyAlgorithm.ES256 | KeyAlgorithm.ES384:
            size, sha = (32, hashes.SHA256()) if algorithm is KeyAlgorithm.ES256 else (48, hashes.SHA384())
            r, s = decode_dss_signature(key.sign(message, ec.ECDSA(sha)))
            return r.to_bytes(size, "big") + s.to_bytes(size, "big")
        case KeyAlgorithm.EDDSA:
            return key.sign(message)
        case KeyAlgorithm.PS256:
            return key.sign(message, PSS(MGF1(hashes.SHA256()), 32), hashes.SHA256())
        case _:
            return key.sign(message, PKCS1v15(), hashes.SHA256())


@dataclass
class Authority:
    """A certificate authority of one key, and certificates it issued."""

    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    name: str = "Test IACA"

    @property
    def subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    def certificate(
        self,
        subject_key: Any = None,
        *,
        usage: ObjectIdentifier | None = MDOC_SIGNER,
        start: datetime = NOW - timedelta(days=1),
        end: datetime = NOW + timedelta(days=400),
    ) -> bytes:
        """A certificate for ``subject_key``; the authority's own when it is None."""
        own = subject_key is None
        name = self.subject if own else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Document signer")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.subject)
            .public_key((self.key if own else subject_key).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=own, path_length=0 if own else None), critical=True)
        )
        if usage is not None and not own:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


class Signer:
    """One signing key with its public forms."""

    def __init__(self, algorithm: KeyAlgorithm, authority: Authority | None = None) -> None:
        self.algorithm = algorithm
        self.key = generate(algorithm)
        self.public: PublicKey = from_material(self.key.public_key(), algorithm.value)
        chain = (authority.certificate(self.key),) if authority else ()
        method = "https://issuer.example/a#key-1"
        self.issuer = IssuerKey("key-1", algorithm, self.public.jwk, "https://issuer.example/a", method, chain)

    def finish(self, unsigned: Unsigned) -> Any:
        return unsigned.assemble(sign(self.key, self.algorithm, unsigned.message))


def holder(algorithm: KeyAlgorithm = KeyAlgorithm.ES256) -> HolderKey:
    public = from_material(generate(algorithm).public_key())
    return HolderKey(public.jwk, public.did_jwk)


def content(**claims: Any) -> Content:
    return Content(
        credential_id="urn:uuid:0190a1b2-0000-7000-8000-000000000001",
        claims=claims
        or {
            "given_name": "Ada",
            "family_name": "Müller",
            "birth_date": "1990-12-10",
            "address": {"street": "Ringweg 1", "country": "DE"},
            "nationalities": ["DE", "FR"],
            "age": 35,
        },
        issued=NOW,
        valid_from=NOW,
        valid_until=NOW + timedelta(days=365),
    )
