"""Published vectors: W3C Data Integrity, the SD-JWT working group's examples, RFC 9901, Token Status List."""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sealwright_certify.adapters.formats.data_integrity import secure
from sealwright_certify.adapters.formats.status_list import ListToken, pack, prepare_cwt, prepare_jwt
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.data_integrity import verify_proof
from sealwright_common.verify.keys import b64url, from_did, from_jwk, from_multikey, unb64url, unbase58
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.sd_jwt import disclose, split
from sealwright_common.verify.status_list import unpack, verify_status_list
from sealwright_common.verify.trust import Trust

from tests.unit.certify_formats.keys import NOW, Signer, sign

VECTORS = Path(__file__).parent / "vectors"
DATA_INTEGRITY = json.loads((VECTORS / "data_integrity.json").read_text())


def document(name: str) -> dict[str, Any]:
    return {**DATA_INTEGRITY["credential"], "proof": DATA_INTEGRITY["proofs"][name]}


@pytest.mark.parametrize("name", DATA_INTEGRITY["proofs"])
def test_w3c_data_integrity_vectors_verify_and_no_change_does(name: str) -> None:
    signed = document(name)
    method = signed["proof"]["verificationMethod"]
    trust = Trust(keys={method: from_multikey(method.partition("#")[2])})
    verify_proof(signed, trust, NOW, None, "assertionMethod")
    with pytest.raises(NotVerified):
        verify_proof({**signed, "name": "Another"}, trust, NOW, None, "assertionMethod")
    later = {**signed["proof"], "created": "2023-02-24T23:36:39Z"}
    with pytest.raises(NotVerified):
        verify_proof({**signed, "proof": later}, trust, NOW, None, "assertionMethod")
    with pytest.raises(NotVerified):
        verify_proof(signed, trust, NOW, None, "authentication")


@pytest.mark.parametrize("name", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_our_maker_writes_the_w3c_eddsa_vectors_byte_for_byte(name: str) -> None:
    secret = Ed25519PrivateKey.from_private_bytes(unbase58(DATA_INTEGRITY["ed25519_secret"][1:])[2:])
    proof = {k: v for k, v in DATA_INTEGRITY["proofs"][name].items() if k not in ("proofValue", "@context")}
    unsigned = secure(dict(DATA_INTEGRITY["credential"]), proof, KeyAlgorithm.EDDSA)
    assert unsigned.assemble(secret.sign(unsigned.message)) == document(name)


def test_the_working_groups_recursive_sd_jwt_discloses_as_published() -> None:
    # oauth-wg/oauth-selective-disclosure-jwt, examples/address_only_recursive; issuer key of RFC 9901 appendix A.5.
    text = (VECTORS / "sd_jwt_recursive.txt").read_text().replace("\n", "")
    jws, disclosures = split(f"{text}~")
    jws.verify(
        from_jwk(
            {
                "kty": "EC",
                "crv": "P-256",
                "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
                "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
            }
        )
    )
    assert disclose(jws.claims, disclosures)["address"] == {
        "street_address": "Schulstr. 12",
        "locality": "Schulpforta",
        "region": "Sachsen-Anhalt",
        "country": "DE",
    }


@pytest.mark.parametrize(
    ("disclosure", "digest"),
    [
        # RFC 9901 sections 4.2.3 and 4.2.4.2.
        (
            "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
        ),
        ("WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0", "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"),
    ],
)
def test_rfc_9901_digests(disclosure: str, digest: str) -> None:
    assert b64url(hashlib.sha256(disclosure.encode()).digest()) == digest
    content = json.loads(unb64url(disclosure))
    claims = {"_sd": [digest]} if len(content) == 3 else {"a": [{"...": digest}]}
    expected = {content[1]: content[2]} if len(content) == 3 else {"a": [content[1]]}
    assert disclose(claims, [disclosure]) == expected


def test_token_status_list_section_4_examples() -> None:
    set_bits = [(index, 1) for index in (0, 3, 4, 5, 7, 8, 9, 13, 15)]
    assert pack(set_bits, 16, 1) == b"\xb9\xa3"
    assert unpack(unb64url("eNrbuRgAAhcBXQ")) == b"\xb9\xa3"
    assert zlib.compress(b"\xb9\xa3", 9) == unb64url("eNrbuRgAAhcBXQ")
    two_bits = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
    assert pack(enumerate(two_bits), 12, 2) == b"\xc9\x44\xf9"


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("algorithm", [KeyAlgorithm.ES256, KeyAlgorithm.EDDSA])
def test_status_list_tokens_as_jwt_and_cwt_read_back(bits: int, algorithm: KeyAlgorithm) -> None:
    signer = Signer(algorithm)
    packed = pack([(5, 1), (1023, (1 << bits) - 1)], 1024, bits)
    token = ListToken("https://issuer.example/status/1", packed, bits, NOW, NOW + timedelta(hours=1), 60)
    trust = Trust(keys={signer.issuer.method: signer.public})
    for prepare in (prepare_jwt, prepare_cwt):
        message, assemble = prepare(token, signer.issuer)
        signed = assemble(sign(signer.key, algorithm, message))
        read = verify_status_list(signed, token.uri, trust, NOW)
        assert [read.status(index) for index in (4, 5, 1023)] == [0, 1, (1 << bits) - 1]
        assert read.ttl == 60
        with pytest.raises(NotVerified, match="another one"):
            verify_status_list(signed, "https://issuer.example/status/2", trust, NOW)
        with pytest.raises(NotVerified, match="expired"):
            verify_status_list(signed, token.uri, trust, NOW + timedelta(hours=2))
        with pytest.raises(NotVerified, match="outside"):
            read.status(1024)


def test_did_key_and_did_jwk_are_keys_in_themselves() -> None:
    for algorithm in (KeyAlgorithm.ES256, KeyAlgorithm.ES384, KeyAlgorithm.EDDSA):
        public = Signer(algorithm).public
        assert from_did(public.did_key).jwk == public.jwk
        assert from_did(f"{public.did_jwk}#0").jwk == public.jwk
    known = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    assert from_did(known).did_key == known


def test_rfc_7638_thumbprint_of_the_rfc_8037_key() -> None:
    key = from_jwk({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    assert key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
