"""Wallet attestations at the token endpoint: OAuth attestation-based client authentication, as HAIP and OpenID4VCI 1.0
appendix E want it.

A wallet provider vouches for one installation of a wallet by a JWT over its key; a second JWT by that key proves that
it is there, for this server and now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sealwright_common.domain.oid4vci import WalletAttestation
from sealwright_common.verify.jws import Jws, moment, parse, within
from sealwright_common.verify.keys import PublicKey, from_jwk
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

from sealwright_certify.usecases.oid4vci.errors import ProtocolError
from sealwright_certify.usecases.oid4vci.ports import AttestedWallet, OnceClaim

MAX_AGE = 300
"""Seconds for which a proof of possession is fresh."""

ALGORITHMS = ("ES256", "ES384", "EdDSA")

_SKEW = 60


def check_wallet(
    attestations: Sequence[str], proofs: Sequence[str], settings: WalletAttestation, audience: str, now: datetime
) -> AttestedWallet | None:
    """The wallet of the OAuth-Client-Attestation and OAuth-Client-Attestation-PoP headers, but for single use; None if
    there are none. ProtocolError invalid_client_attestation if they do not hold."""
    if not attestations and not proofs:
        return None
    try:
        if len(attestations) != 1 or len(proofs) != 1:
            raise NotVerified("malformed", "expected one wallet attestation and one proof of possession")
        attestation = parse(attestations[0], "oauth-client-attestation+jwt")
        client_id, key = _attested(attestation, settings, now)
        return _proven(parse(proofs[0], "oauth-client-attestation-pop+jwt"), client_id, key, audience, now)
    except NotVerified as error:
        raise ProtocolError("invalid_client_attestation", error.message, 401) from error


def _attested(jws: Jws, settings: WalletAttestation, now: datetime) -> tuple[str, PublicKey]:
    """The client id and the key a provider we believe vouches for."""
    keys = [from_jwk(jwk) for jwk in settings.keys]
    known = {key.thumbprint: key for key in keys}
    named = {str(jwk["kid"]): key for jwk, key in zip(settings.keys, keys, strict=True) if "kid" in jwk}
    trust = Trust(keys={**known, **named}, anchors=settings.anchors)
    _allowed(jws)
    jws.verify(trust.signer_key(jws.chain, now, jws.header.get("kid")))
    claims = jws.claims
    end, client_id, confirmation = moment(claims, "exp"), claims.get("sub"), claims.get("cnf")
    if end is None:
        raise NotVerified("malformed", "the wallet attestation lacks exp")
    within(now, moment(claims, "nbf") or moment(claims, "iat"), end, _SKEW)
    if not isinstance(client_id, str) or not 0 < len(client_id) <= 256 or not client_id.isprintable():
        raise NotVerified("malformed", "sub of the wallet attestation must be the client_id")
    if not isinstance(confirmation, Mapping):
        raise NotVerified("malformed", "the wallet attestation names no key in cnf")
    return client_id, from_jwk(cast(Mapping[str, Any], confirmation).get("jwk"))


def _proven(jws: Jws, client_id: str, key: PublicKey, audience: str, now: datetime) -> AttestedWallet:
    _allowed(jws)
    jws.verify(key)
    claims = jws.claims
    jti, issued = claims.get("jti"), moment(claims, "iat")
    if claims.get("aud") not in (audience, [audience]) or claims.get("iss", client_id) != client_id:
        raise NotVerified("proof", "the proof of possession is for another server or of another wallet")
    if not isinstance(jti, str) or not 0 < len(jti) <= 256:
        raise NotVerified("proof", "the proof of possession lacks a jti of at most 256 characters")
    if issued is None or not -_SKEW <= (now - issued).total_seconds() <= MAX_AGE:
        raise NotVerified("proof", f"iat of the proof of possession must lie within the last {MAX_AGE} seconds")
    within(now, moment(claims, "nbf"), moment(claims, "exp"), _SKEW)
    used = hashlib.sha256(f"{key.thumbprint} {jti}".encode()).digest()
    return AttestedWallet(client_id, OnceClaim("wallet", used, issued + timedelta(seconds=MAX_AGE + _SKEW)))


def _allowed(jws: Jws) -> None:
    if jws.algorithm not in ALGORITHMS:
        raise NotVerified("algorithm", f"expected one of {', '.join(ALGORITHMS)}")
