"""DPoP proofs (RFC 9449 section 4.3): every check but single use, which the use case counts in its transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sealwright_common.verify.jws import moment, parse
from sealwright_common.verify.keys import b64url, from_jwk
from sealwright_common.verify.outcome import NotVerified

from sealwright_certify.usecases.oid4vci.errors import ProtocolError
from sealwright_certify.usecases.oid4vci.ports import DpopProof

MAX_AGE = 300
"""Seconds for which a DPoP proof is fresh."""

_SKEW = 60
_ALGORITHMS = ("ES256", "ES384", "EdDSA")


def check_dpop(
    headers: Sequence[str], method: str, url: str, now: datetime, token: str | None = None
) -> DpopProof | None:
    """The proof in the request's DPoP headers; None if there is none. NotVerified if it is not for this request.

    ``token`` is the access token it must be bound to (``ath``) at a protected resource.
    """
    if not headers:
        return None
    if len(headers) != 1:
        raise ProtocolError("invalid_dpop_proof", "expected exactly one DPoP header")
    try:
        return _checked(headers[0], method, url, now, token)
    except NotVerified as error:
        raise ProtocolError("invalid_dpop_proof", error.message) from error


def _checked(proof: str, method: str, url: str, now: datetime, token: str | None) -> DpopProof:
    jws = parse(proof, "dpop+jwt")
    if jws.algorithm not in _ALGORITHMS:
        raise NotVerified("algorithm", f"expected one of {', '.join(_ALGORITHMS)}")
    key = from_jwk(jws.header.get("jwk"))
    jws.verify(key)
    claims = jws.claims
    jti, htm, htu = claims.get("jti"), claims.get("htm"), claims.get("htu")
    if not isinstance(jti, str) or not 0 < len(jti) <= 256:
        raise NotVerified("proof", "the DPoP proof lacks a jti of at most 256 characters")
    if htm != method or not isinstance(htu, str) or _same(htu) != _same(url):
        raise NotVerified("proof", "the DPoP proof is for another method or address")
    issued = moment(claims, "iat")
    if issued is None or not -_SKEW <= (now - issued).total_seconds() <= MAX_AGE:
        raise NotVerified("proof", f"iat of the DPoP proof must lie within the last {MAX_AGE} seconds")
    if token is not None and claims.get("ath") != b64url(hashlib.sha256(token.encode()).digest()):
        raise NotVerified("proof", "ath of the DPoP proof is not the hash of the access token")
    used = hashlib.sha256(f"{key.thumbprint} {jti}".encode()).digest()
    return DpopProof(key.thumbprint, used, issued + timedelta(seconds=MAX_AGE + _SKEW))


def _same(url: str) -> tuple[str, str, str]:
    """Scheme, host and path as RFC 3986 compares them, without query and fragment."""
    parts = urlsplit(url)
    host = (parts.hostname or "") + (f":{parts.port}" if parts.port not in (None, 443, 80) else "")
    return parts.scheme.lower(), host.lower(), parts.path or "/"
