"""Whom a verifier believes: known keys, certificate anchors, and self-describing identifiers if allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from sealwright_common.verify.keys import PublicKey, from_certificate, from_did, from_material
from sealwright_common.verify.outcome import NotVerified

MDOC_SIGNER = ObjectIdentifier("1.0.18013.5.1.2")
"""Extended key usage of an mdoc document signer (ISO/IEC 18013-5 annex B)."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What to believe. An empty trust believes nobody."""

    keys: Mapping[str, PublicKey] = field(default_factory=dict[str, PublicKey])
    """Known keys by kid, verification method or issuer."""
    anchors: tuple[bytes, ...] = ()
    """DER certificates of the authorities (IACA or CA) that may have issued a signer's certificate."""
    self_described: bool = False
    """Whether did:key and did:jwk issuers are believed: proves integrity, says nothing of who it is."""
    contexts: tuple[Mapping[str, Any], ...] = ()
    """Inline JSON-LD contexts that may define terms in credentials with an RDF canonicalization."""
    skew: int = 60
    """Seconds of clock difference that are forgiven."""

    def key(self, *names: str | None) -> PublicKey:
        """The key known by one of the names (kid, verification method, issuer); NotVerified if there is none."""
        for name in names:
            if name and name in self.keys:
                return self.keys[name]
        for name in names:
            if name and self.self_described and name.startswith(("did:key:", "did:jwk:")):
                return from_did(name)
        raise NotVerified(
            "key", f"no trusted key for {next(filter(None, names), 'this issuer')}; give its key or its CA"
        )

    def signer_key(self, chain: tuple[bytes, ...], now: datetime, *names: object) -> PublicKey:
        """The key known by one of the names, unless the certificates that came with the signature are of another one;
        then the leaf's, checked against the anchors."""
        known = next((self.keys[name] for name in names if isinstance(name, str) and name in self.keys), None)
        if known is not None and (not chain or from_certificate(chain[0]).jwk == known.jwk):
            return known
        if chain:
            return self.chain_key(chain, now)
        return self.key(*(name for name in names if isinstance(name, str)))

    def chain_key(self, chain: tuple[bytes, ...], now: datetime, usage: ObjectIdentifier | None = None) -> PublicKey:
        """The leaf's key, if each certificate was issued by the next and the last by an anchor, all valid at ``now``.

        ``usage`` is the extended key usage that the leaf must carry; a leaf that is its own issuer is refused.
        """
        if not chain or len(chain) > 5:
            raise NotVerified("certificate", "expected one to five certificates, leaf first")
        try:
            path = [x509.load_der_x509_certificate(der) for der in chain]
            anchors = [x509.load_der_x509_certificate(der) for der in self.anchors]
        except ValueError as error:
            raise NotVerified("certificate", "a certificate is not X.509 DER") from error
        leaf = path[0]
        if leaf.issuer == leaf.subject:
            raise NotVerified("certificate", "a self-signed certificate cannot sign credentials")
        if usage is not None and not _has_usage(leaf, usage):
            raise NotVerified(
                "certificate", f"the signer's certificate lacks the extended key usage {usage.dotted_string}"
            )
        for child, parent in pairwise(path):
            _issued(child, parent)
        last = path[-1]
        if last not in anchors:
            path.append(_anchor_of(last, anchors))
        for certificate in path:
            if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
                raise NotVerified("certificate", "a certificate of the chain is not valid at this time")
        return from_material(leaf.public_key())


def _anchor_of(certificate: x509.Certificate, anchors: Sequence[x509.Certificate]) -> x509.Certificate:
    """The authority that issued a certificate; several may go by one name."""
    problem = NotVerified("certificate", "the certificate chain ends at no trusted authority")
    for anchor in anchors:
        if anchor.subject == certificate.issuer:
            try:
                _issued(certificate, anchor)
            except NotVerified as error:
                problem = error
            else:
                return anchor
    raise problem


def _issued(child: x509.Certificate, parent: x509.Certificate) -> None:
    """Raises unless ``parent`` is a CA that signed ``child``."""
    try:
        constraints = parent.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound as error:
        raise NotVerified("certificate", "an issuing certificate is no CA") from error
    if not constraints.ca:
        raise NotVerified("certificate", "an issuing certificate is no CA")
    try:
        child.verify_directly_issued_by(parent)
    except (InvalidSignature, ValueError, TypeError) as error:
        raise NotVerified("certificate", "a certificate was not signed by the next one") from error


def _has_usage(certificate: x509.Certificate, usage: ObjectIdentifier) -> bool:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return usage in usages and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usages
