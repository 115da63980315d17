"""Certificates as an attacker would like them: everything a leaf can get wrong, signed by whom one likes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from sealwright_common.runtime.config import TlsSettings

BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
SERVER_ONLY = (ExtendedKeyUsageOID.SERVER_AUTH,)


@dataclass(frozen=True)
class Signer:
    """Who signs a certificate: its own certificate, if any, and its key."""

    certificate: x509.Certificate | None
    key: ec.EllipticCurvePrivateKey


def own_ca(name: str, *, valid: timedelta = timedelta(days=1)) -> Signer:
    """A CA of anybody's, called as it likes."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _builder(name, name, key, datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + valid)
    certificate = certificate.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return Signer(certificate.sign(key, hashes.SHA256()), key)


def forge(
    folder: Path,
    ca: Path,
    signer: Signer | None,
    names: Sequence[x509.GeneralName],
    *,
    common_name: str = "forged",
    starts: timedelta = timedelta(hours=-1),
    ends: timedelta = timedelta(hours=1),
    usages: Iterable[x509.ObjectIdentifier] = BOTH,
    chain: Iterable[x509.Certificate] = (),
) -> TlsSettings:
    """A leaf with exactly these names, signed by `signer` (itself if None), as files of a client that trusts `ca`."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issuer = common_name
    if signer is not None and signer.certificate is not None:
        attribute = signer.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        issuer = attribute if isinstance(attribute, str) else attribute.decode()
    builder = _builder(common_name, issuer, key, now + starts, now + ends)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    certificate = builder.sign(key if signer is None else signer.key, hashes.SHA256())
    folder.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(b"".join(c.public_bytes(pem) for c in (certificate, *chain)))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return TlsSettings(cert=folder / "cert.pem", key=folder / "key.pem", ca=ca)


def signer_of(tls: TlsSettings) -> Signer:
    """Whoever holds these files, as a signer: a leaf that plays CA."""
    key = serialization.load_pem_private_key(tls.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Signer(x509.load_pem_x509_certificate(tls.cert.read_bytes()), key)


def _builder(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )
