"""mdoc (ISO/IEC 18013-5): verification of IssuerSigned, with the mobile security object inside its COSE_Sign1."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import cbor2
from cryptography import x509

from sealwright_common.verify.jws import within
from sealwright_common.verify.keys import COSE_ALGORITHMS, PublicKey, from_certificate, from_cose
from sealwright_common.verify.outcome import NotVerified, Verified
from sealwright_common.verify.sd_jwt import token_status
from sealwright_common.verify.trust import MDOC_SIGNER, Trust

_HASHES = {"SHA-256": hashlib.sha256, "SHA-384": hashlib.sha384, "SHA-512": hashlib.sha512}


def verify_issuer_signed(data: bytes, trust: Trust, now: datetime) -> Verified:
    """Checks IssuerSigned bytes: signature, signer's certificate, document type, validity, and a digest for every item.

    The key comes from the trusted keys by doctype if one is given there, else from ``x5chain`` against the anchors.
    """
    document = _map(_decode(data), "IssuerSigned")
    algorithm, message, signature, payload, chain = _sign1(document.get("issuerAuth"))
    mso = _map(_embedded(_decode(payload)), "the mobile security object")
    doctype = mso.get("docType")
    if mso.get("version") != "1.0" or not isinstance(doctype, str):
        raise NotVerified("type", "expected a mobile security object of version 1.0 with a docType")
    key = trust.keys.get(doctype) or trust.chain_key(chain, now, MDOC_SIGNER)
    if COSE_ALGORITHMS[key.algorithm] != algorithm:
        raise NotVerified("algorithm", "the COSE algorithm does not belong to the signer's key")
    key.verify(message, signature)
    validity = _map(mso.get("validityInfo"), "validityInfo")
    start, end = _tdate(validity, "validFrom"), _tdate(validity, "validUntil")
    _tdate(validity, "signed")
    within(now, start, end, trust.skew)
    claims = _items(document, mso)
    return Verified(
        format="mso_mdoc",
        issuer=_issuer(chain),
        types=(doctype,),
        claims=claims,
        algorithm=key.algorithm,
        key_id=key.thumbprint,
        holder=_device_key(mso),
        valid_from=start,
        valid_until=end,
        status=token_status(mso),
        chain=chain,
    )


def _decode(data: bytes) -> Any:
    try:
        return cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, EOFError) as error:
        raise NotVerified("malformed", "expected one CBOR item") from error


def _map(value: object, what: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise NotVerified("malformed", f"{what} must be a map")
    return cast(Mapping[Any, Any], value)


def _embedded(value: object) -> Any:
    """The item inside a tag 24 byte string (CBOR data item in CBOR)."""
    if not isinstance(value, cbor2.CBORTag) or value.tag != 24 or not isinstance(value.value, bytes):
        raise NotVerified("malformed", "expected an item in tag 24")
    return _decode(value.value)


def _sign1(value: object) -> tuple[int, bytes, bytes, bytes, tuple[bytes, ...]]:
    """Algorithm, bytes to verify, signature, payload and x5chain of a COSE_Sign1 (RFC 9052 section 4.4)."""
    if isinstance(value, cbor2.CBORTag) and value.tag == 18:
        value = value.value
    if not isinstance(value, list) or len(cast(list[Any], value)) != 4:
        raise NotVerified("malformed", "issuerAuth must be a COSE_Sign1")
    protected, unprotected, payload, signature = cast(list[Any], value)
    if not all(isinstance(part, bytes) for part in (protected, payload, signature)):
        raise NotVerified("malformed", "issuerAuth must be a COSE_Sign1 with its payload inside")
    header = _map(_decode(protected), "the protected header")
    if header.get(1) not in COSE_ALGORITHMS.values() or 2 in header:
        raise NotVerified("algorithm", "expected ES256, ES384 or EdDSA and no critical headers")
    chain = _map(unprotected, "the unprotected header").get(33, header.get(33, ()))
    certificates = (chain,) if isinstance(chain, bytes) else tuple(cast(list[bytes], chain))
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    return header[1], message, signature, payload, certificates


def _tdate(validity: Mapping[Any, Any], name: str) -> datetime:
    """A tdate: tag 0, UTC, seconds (ISO 18013-5 section 9.1.2.4)."""
    value = validity.get(name)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise NotVerified("malformed", f"validityInfo.{name} must be a date-time in tag 0")
    return value.astimezone(UTC)


def _items(document: Mapping[Any, Any], mso: Mapping[Any, Any]) -> dict[str, dict[str, Any]]:
    """The elements by namespace, each checked against the digest in the security object."""
    name = mso.get("digestAlgorithm")
    if name not in _HASHES:
        raise NotVerified("digest", "unknown digestAlgorithm")
    digests = _map(mso.get("valueDigests"), "valueDigests")
    claims: dict[str, dict[str, Any]] = {}
    for namespace, items in _map(document.get("nameSpaces", {}), "nameSpaces").items():
        expected = _map(digests.get(namespace), f"valueDigests of {namespace}")
        elements: dict[str, Any] = {}
        for tagged in cast(list[Any], items):
            item = _map(_embedded(tagged), "an IssuerSignedItem")
            digest = _HASHES[name](cbor2.dumps(tagged)).digest()
            wanted = expected.get(item.get("digestID"))
            if not isinstance(wanted, bytes) or not hmac.compare_digest(wanted, digest):
                raise NotVerified("digest", f"an element of {namespace} does not fit its digest")
            identifier = item.get("elementIdentifier")
            if not isinstance(identifier, str) or identifier in elements or len(item.get("random", b"")) < 16:
                raise NotVerified("malformed", "an element is named twice or lacks 16 random bytes")
            elements[identifier] = item.get("elementValue")
        claims[cast(str, namespace)] = elements
    return claims


def _device_key(mso: Mapping[Any, Any]) -> Mapping[str, str]:
    info = _map(mso.get("deviceKeyInfo"), "deviceKeyInfo")
    return from_cose(info.get("deviceKey")).jwk


def _issuer(chain: tuple[bytes, ...]) -> str:
    if not chain:
        return ""
    return x509.load_der_x509_certificate(chain[0]).subject.rfc4514_string()


def signer_key(data: bytes) -> PublicKey:
    """The key in the signer's certificate of IssuerSigned, unchecked: for showing who claims to have signed."""
    chain = _sign1(_map(_decode(data), "IssuerSigned").get("issuerAuth"))[4]
    if not chain:
        raise NotVerified("certificate", "issuerAuth carries no x5chain")
    return from_certificate(chain[0])
