"""A development authority for document signers: an IACA root that certifies whatever asks. Never for production."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sealwright_common.verify.trust import MDOC_SIGNER


class IssuingCa:
    """One root key, in memory."""

    def __init__(self, country: str = "DK") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [
                x509.NameAttribute(NameOID.COUNTRY_NAME, country),
                x509.NameAttribute(NameOID.COMMON_NAME, "Sealwright development IACA"),
            ]
        )
        now = datetime.now(UTC)
        self.root: bytes = (
            self._builder(self._name, self._key.public_key(), now, timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, hashes.SHA256())
            .public_bytes(Encoding.DER)
        )
        """The trust anchor, DER."""

    def certify(self, request_pem: str, days: int = 90) -> str:
        """A document signer certificate for a request, as PEM. ValueError if the request is not signed by its key."""
        request = x509.load_pem_x509_csr(request_pem.encode())
        if not request.is_signature_valid:
            raise ValueError("the certificate request is not signed by its key")
        certificate = (
            self._builder(request.subject, request.public_key(), datetime.now(UTC), timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([MDOC_SIGNER]), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(Encoding.PEM).decode()

    def _builder(self, subject: x509.Name, key: object, now: datetime, span: timedelta) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + span)
        )
