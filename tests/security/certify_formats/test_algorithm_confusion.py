"""Tokens that must never verify: algorithm confusion, header tricks, odd encodings, poisoned documents."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from sealwright_certify.adapters.formats import SdJwtMaker
from sealwright_common.domain.formats import SdJwtOptions
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.jsonld import canonical
from sealwright_common.verify.jws import parse, strict_json, strict_object
from sealwright_common.verify.keys import b64url, from_did, from_jwk, from_multikey, unb64url
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

from tests.unit.certify_formats.keys import NOW, Signer, content, holder, sign

SIGNER = Signer(KeyAlgorithm.ES256)
TRUST = Trust(keys={SIGNER.issuer.method: SIGNER.public})
MADE = SIGNER.finish(SdJwtMaker().prepare(content(), SdJwtOptions("person"), SIGNER.issuer, holder(), ()))
JWT, *REST = MADE.split("~")
HEADER = json.loads(unb64url(JWT.split(".")[0]))
PAYLOAD = JWT.split(".")[1]


def forged(header: Any, *, key: bytes | None = None, signature: bytes | None = None) -> str:
    """The credential with another header, signed by an HMAC ``key``, a given signature or its own key."""
    text = header if isinstance(header, str) else json.dumps(header)
    message = f"{b64url(text.encode())}.{PAYLOAD}"
    if signature is None:
        signature = (
            hmac.new(key, message.encode(), hashlib.sha256).digest()
            if key is not None
            else sign(SIGNER.key, SIGNER.algorithm, message.encode())
        )
    return "~".join([f"{message}.{b64url(signature)}", *REST])


def with_header(**members: Any) -> dict[str, Any]:
    return {**HEADER, **members}


PUBLIC = json.dumps(dict(SIGNER.public.jwk)).encode()
FORGERIES = {
    "alg none, empty signature": forged(with_header(alg="none"), signature=b""),
    "alg None": forged(with_header(alg="None"), signature=b""),
    "alg NONE": forged(with_header(alg="NONE"), signature=b""),
    "HS256 with the public key": forged(with_header(alg="HS256"), key=PUBLIC),
    "HS384": forged(with_header(alg="HS384"), key=PUBLIC),
    "ES384 for a P-256 key": forged(with_header(alg="ES384")),
    "EdDSA for a P-256 key": forged(with_header(alg="EdDSA")),
    "RS256 for a P-256 key": forged(with_header(alg="RS256")),
    "PS256 for a P-256 key": forged(with_header(alg="PS256")),
    "alg missing": forged({name: value for name, value in HEADER.items() if name != "alg"}),
    "alg in lower case": forged(with_header(alg="es256")),
    "crit": forged(with_header(crit=["exp"])),
    "empty crit": forged(with_header(crit=[])),
    "b64 false": forged(with_header(b64=False)),
    "typ JWT": forged(with_header(typ="JWT")),
    "typ missing": forged({name: value for name, value in HEADER.items() if name != "typ"}),
    "kid traversal": forged(with_header(kid="../../keys/1")),
    "kid of nobody": forged(with_header(kid="https://issuer.example/a#key-2")),
    "kid injection": forged(with_header(kid="x' OR '1'='1")),
    "x5c of somebody": forged(with_header(x5c=["AAAA"])),
    "x5c no base64": forged(with_header(x5c=["$$$$"])),
    "x5c empty text": forged(with_header(x5c=[""])),
    "embedded jwk without kid": forged(
        {"alg": "ES256", "typ": "dc+sd-jwt", "kid": "x", "jwk": dict(SIGNER.public.jwk)}
    ),
    "duplicate alg": forged(json.dumps(HEADER).replace('"alg":', '"alg":"none","alg":', 1)),
    "duplicate kid": forged(json.dumps(HEADER).replace('"kid":', '"kid":"a","kid":', 1)),
    "header no object": forged("[]"),
    "header no JSON": forged("{"),
    "DER signature": forged(HEADER, signature=b"\x30\x44" + bytes(68)),
    "zero signature": forged(HEADER, signature=bytes(64)),
    "empty signature": forged(HEADER, signature=b""),
    "short signature": forged(HEADER, signature=bytes(63)),
    "padded payload": MADE.replace(f".{PAYLOAD}.", f".{PAYLOAD}=.", 1),
    "payload of other alphabet": MADE.replace(PAYLOAD, "+" + PAYLOAD[1:], 1),
    "four parts": MADE.replace("~", ".AA~", 1),
    "two parts": "~".join([JWT.rpartition(".")[0], *REST]),
    "no tilde at the end": MADE[:-1],
    "a key binding JWT at its end": MADE + JWT,
    "blanks": MADE.replace(".", ". ", 1),
    "line feeds": MADE.replace(".", ".\n", 1),
    "not ASCII": MADE.replace("e", "é", 1),
    "NaN": MADE.replace(PAYLOAD, b64url(b'{"vct":"person","exp":NaN}'), 1),
}


def test_the_untouched_credential_verifies() -> None:
    assert verify_credential(MADE.encode(), TRUST, NOW).types == ("person",)


@pytest.mark.promise(24)
@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_are_refused(name: str) -> None:
    with pytest.raises(NotVerified):
        verify_credential(FORGERIES[name].encode(), TRUST, NOW)


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "oct", "k": "AAAA"},
        {**SIGNER.public.jwk, "d": "AAAA"},
        {**SIGNER.public.jwk, "alg": "HS256"},
        {**SIGNER.public.jwk, "crv": "P-521"},
        {**SIGNER.public.jwk, "x": SIGNER.public.jwk["y"]},
        {**SIGNER.public.jwk, "x": SIGNER.public.jwk["x"][:-2]},
        {**SIGNER.public.jwk, "x": 5},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": b64url(bytes(32))},
        [],
        None,
    ],
)
def test_keys_that_are_none_are_refused(jwk: Any) -> None:
    with pytest.raises(NotVerified):
        from_jwk(jwk)


@pytest.mark.parametrize(
    "text", ["", "did:web:example.com", "did:key:z", "did:key:zABC", "did:jwk:e30", "did:jwk:*", "z0"]
)
def test_identifiers_that_name_no_key_are_refused(text: str) -> None:
    with pytest.raises(NotVerified):
        from_did(text)
    with pytest.raises(NotVerified):
        from_multikey(text)


def test_deep_json_is_refused_not_crashed_on() -> None:
    with pytest.raises(NotVerified):
        strict_json("[" * 200_000)
    with pytest.raises(NotVerified, match="object"):
        strict_object("[" * 500 + "]" * 500)
    with pytest.raises(NotVerified):
        parse("." * 3)


def test_a_poisoned_graph_of_blank_nodes_stops_early() -> None:
    # A clique of blank nodes: every pair linked, nothing to tell them apart (RDFC-1.0 section 7.1).
    names = [f"_:b{i}" for i in range(8)]
    graph = [{"@id": name, "urn:p": [{"@id": other} for other in names if other != name]} for name in names]
    with pytest.raises(NotVerified, match="too much work"):
        canonical({"@graph": graph})
