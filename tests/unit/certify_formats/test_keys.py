"""Which signatures a published key is good for: RSA, EC and Ed25519 keys as holders and issuers have them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sealwright_common.verify.jws import parse
from sealwright_common.verify.keys import b64url, from_cose, from_jwk, from_material, from_multikey
from sealwright_common.verify.outcome import NotVerified

CURVES: dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm, int]] = {
    "ES256": (ec.SECP256R1(), hashes.SHA256(), 32),
    "ES384": (ec.SECP384R1(), hashes.SHA384(), 48),
    "ES512": (ec.SECP521R1(), hashes.SHA512(), 66),
}
RSA = rsa.generate_private_key(65537, 2048)


def _key(algorithm: str) -> Any:
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm][0])
    return RSA if algorithm in ("PS256", "RS256") else ed25519.Ed25519PrivateKey.generate()


def _token(key: Any, algorithm: str) -> str:
    message = f"{b64url(json.dumps({'alg': algorithm}).encode())}.{b64url(b'{}')}"
    text = message.encode()
    if algorithm in CURVES:
        _, sha, size = CURVES[algorithm]
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(sha)))
        signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    elif algorithm == "PS256":
        signature = key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    elif algorithm == "RS256":
        signature = key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    else:
        signature = key.sign(text)
    return f"{message}.{b64url(signature)}"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256"])
def test_a_key_published_without_algorithm_is_good_for_its_own(algorithm: str) -> None:
    """Ed25519 by its old and its new name (RFC 9864), RSA by either padding."""
    key = _key(algorithm)
    jwk = from_material(key.public_key()).jwk
    jws = parse(_token(key, algorithm))
    jws.verify(from_jwk(jwk))
    jws.verify(from_jwk({**jwk, "alg": algorithm}))
    other = rsa.generate_private_key(65537, 2048) if key is RSA else _key(algorithm)
    with pytest.raises(NotVerified):
        jws.verify(from_jwk(from_material(other.public_key()).jwk))


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA"])
def test_every_form_of_a_key_is_the_same_key(algorithm: str) -> None:
    """JWK, Multikey and COSE_Key."""
    key = from_material(_key(algorithm).public_key())
    assert from_jwk(key.jwk) == from_multikey(key.multikey) == from_cose(key.cose_key) == key
    assert key.algorithm == algorithm


@pytest.mark.promise(24)
@pytest.mark.parametrize(
    ("published", "used"),
    [("PS256", "RS256"), ("RS256", "PS256"), (None, "ES256"), (None, "EdDSA")],
)
def test_an_rsa_key_is_used_as_it_was_published(published: str | None, used: str) -> None:
    """With one algorithm for that one alone; without, for RSA's."""
    jwk = from_material(RSA.public_key()).jwk
    key = from_jwk(jwk if published is None else {**jwk, "alg": published})
    with pytest.raises(NotVerified, match="does not belong"):
        parse(_token(_key(used), used)).verify(key)


@pytest.mark.promise(24)
@pytest.mark.parametrize("alg", ["RS384", "HS256", "ES256", "none", "", 7, ["PS256"], "Ed25519"])
def test_an_rsa_key_published_for_something_else_is_no_key(alg: Any) -> None:
    """Whatever it claims to be good for."""
    with pytest.raises(NotVerified, match="alg does not fit"):
        from_jwk({**from_material(RSA.public_key()).jwk, "alg": alg})


@pytest.mark.promise(24)
@pytest.mark.parametrize("alg", ["Ed25519", "ES384", "RS256"])
def test_a_curves_key_has_its_curves_algorithm(alg: str) -> None:
    """ES256 and nothing else for P-256."""
    with pytest.raises(NotVerified, match="alg does not fit"):
        from_jwk({**from_material(_key("ES256").public_key()).jwk, "alg": alg})
