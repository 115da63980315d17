"""A development authority for document signers: an IACA root that certifies whatever asks. Never for production.

The profile is that of ISO/IEC 18013-5 annex B, without revocation lists.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from sealwright_common.verify.trust import MDOC_SIGNER

_CONTACT = x509.IssuerAlternativeName([x509.UniformResourceIdentifier("https://sealwright.example/development")])
_UNUSED = dict.fromkeys(
    (
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


class IssuingCa:
    """One root key, in memory or in a folder."""

    def __init__(self, country: str = "DK") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, country),
                x509.NameAttribute(NameOID.COMMON_NAME, "Sealwright development IACA"),
            ]
        )
        public = self._key.public_key()
        usage = x509.KeyUsage(digital_signature=False, key_cert_sign=True, crl_sign=True, **_UNUSED)
        self.root: bytes = (
            self._builder(self._name, public, timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )
        """The trust anchor, DER."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The authority whose key lies in ``folder``, made when there is none."""
        key_file, root_file = folder / "iaca-key.pem", folder / "iaca.pem"
        made = cls()
        if key_file.exists() and root_file.exists():
            key = load_pem_private_key(key_file.read_bytes(), None)
            root = x509.load_pem_x509_certificate(root_file.read_bytes())
            if not isinstance(key, ec.EllipticCurvePrivateKey) or root.public_key() != key.public_key():
                raise ValueError(f"{key_file} is not the key of {root_file}; remove both to start anew")
            made._key, made._name, made.root = key, root.subject, root.public_bytes(Encoding.DER)
            return made
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key_file.touch(mode=0o600)
        key_file.write_bytes(made._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        root_file.write_bytes(x509.load_der_x509_certificate(made.root).public_bytes(Encoding.PEM))
        return made

    def certify(self, request_pem: str, days: int = 90) -> str:
        """A document signer certificate for a request, as PEM. ValueError if the request is not signed by its key."""
        request = x509.load_pem_x509_csr(request_pem.encode())
        if not request.is_signature_valid:
            raise ValueError("the certificate request is not signed by its key")
        der = self.certify_key(request.public_key(), request.subject, timedelta(days=days))
        return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode()

    def certify_key(self, key: CertificatePublicKeyTypes, subject: x509.Name, span: timedelta) -> bytes:
        """A document signer certificate for a key, DER; nobody proves to have the private one."""
        usage = x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **_UNUSED)
        return (
            self._builder(subject, key, span)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([MDOC_SIGNER]), critical=True)
            .sign(self._key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )

    def _builder(self, subject: x509.Name, key: CertificatePublicKeyTypes, span: timedelta) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + span)
            .add_extension(authority, critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(_CONTACT, critical=False)
        )
