"""Privacy Pass issuance vectors of three implementations, and RFC 9474's own, against what the signer computes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_signer.crypto import blind_rsa
from sealwright_signer.crypto.privacypass import public_key_encoding, token_key_id
from sealwright_signer.crypto.voprf import VOPRF_P384, VOPRF_RISTRETTO255, Voprf

VECTORS = Path(__file__).parents[2] / "data" / "vectors"
TOKEN_INPUT = 98


def vectors(*names: str) -> list[Any]:
    return [
        pytest.param(vector, id=f"{name}-{number}")
        for name in names
        for number, vector in enumerate(json.loads((VECTORS / f"{name}.json").read_text()))
    ]


def raw(vector: dict[str, Any]) -> dict[str, Any]:
    return {
        key: [bytes.fromhex(v) for v in value] if isinstance(value, list) else bytes.fromhex(value)
        for key, value in vector.items()
        if key != "name"
    }


def check_voprf(voprf: Voprf, v: dict[str, Any], response: bytes, nonces: list[bytes], tokens: list[bytes]) -> None:
    """The vector's evaluated elements and tokens come out; its proof verifies; ours does, too."""
    group = voprf.group
    size = group.element_length
    assert group.multiply_base(v["skS"]) == v["pkS"]
    key_id = sha256(v["pkS"]).digest()
    header = tokens[0][:2]
    challenge = sha256(v["token_challenge"]).digest()
    inputs = [header + nonce + challenge + key_id for nonce in nonces]
    blinds = v.get("blinds") or [v["blind"]]
    blinded = [group.multiply(b, voprf.hash_to_group(i)) for b, i in zip(blinds, inputs, strict=True)]
    evaluated, proof = voprf.evaluate(v["skS"], v["pkS"], blinded)
    assert [response[n * size : (n + 1) * size] for n in range(len(inputs))] == list(evaluated)
    theirs = response[len(inputs) * size :]
    assert voprf.verify_proof(v["pkS"], blinded, evaluated, theirs)
    assert voprf.verify_proof(v["pkS"], blinded, evaluated, proof)
    assert [i + voprf.output(v["skS"], i) for i in inputs] == tokens


@pytest.mark.parametrize("vector", vectors("t1go", "t1pr"))
def test_type_1(vector: dict[str, Any]) -> None:
    v = raw(vector)
    check_voprf(VOPRF_P384, v, v["token_response"], [v["nonce"]], [v["token"]])


@pytest.mark.parametrize("vector", vectors("t5pr"))
def test_type_5_single(vector: dict[str, Any]) -> None:
    v = raw(vector)
    check_voprf(VOPRF_RISTRETTO255, v, v["token_response"], [v["nonce"]], [v["token"]])


@pytest.mark.parametrize("vector", vectors("t5am"))
def test_type_5_amortized(vector: dict[str, Any]) -> None:
    v = raw(vector)
    # A QUIC varint of two bytes for lengths of 64 and more, one below (RFC 9000 section 16).
    prefix = 2 if v["token_response"][0] >> 6 == 1 else 1
    check_voprf(VOPRF_RISTRETTO255, v, v["token_response"][prefix:], v["nonces"], v["tokens"])


@pytest.mark.parametrize("vector", vectors("t2go", "t2ts", "t2rs"))
def test_type_2(vector: dict[str, Any]) -> None:
    v = raw(vector)
    private = load_pem_private_key(v["skS"], None)
    assert isinstance(private, RSAPrivateKey)
    spki = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert public_key_encoding(KeyAlgorithm.RSABSSA_DETERMINISTIC, spki) == v["pkS"]
    assert token_key_id(KeyAlgorithm.RSABSSA_DETERMINISTIC, spki) == v["token"][66:98]
    blinded = v["token_request"][3:]
    assert blind_rsa.is_blinded_message(spki, blinded)
    numbers = private.private_numbers()
    assert pow(int.from_bytes(blinded), numbers.d, numbers.public_numbers.n).to_bytes(256) == v["token_response"]
    assert blind_rsa.inverts(spki, blinded, v["token_response"])
    assert blind_rsa.verifies(spki, v["token"][:TOKEN_INPUT], v["token"][TOKEN_INPUT:])
    assert not blind_rsa.verifies(spki, v["token"][:TOKEN_INPUT], v["token_response"])


@pytest.mark.parametrize("vector", vectors("rfc9474"))
def test_rfc_9474(vector: dict[str, Any]) -> None:
    v = raw(vector)
    n, e = int.from_bytes(v["n"]), int.from_bytes(v["e"])
    spki = rsa.RSAPublicNumbers(e, n).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(load_der_public_key(spki), rsa.RSAPublicKey)
    assert v["msg_prefix"] + v["msg"] == v["prepared_msg"]
    assert blind_rsa.is_blinded_message(spki, v["blinded_msg"])
    assert blind_rsa.inverts(spki, v["blinded_msg"], v["blind_sig"])
    assert blind_rsa.verifies(spki, v["prepared_msg"], v["sig"])
    flipped = v["blind_sig"][:-1] + bytes([v["blind_sig"][-1] ^ 1])
    assert not blind_rsa.inverts(spki, v["blinded_msg"], flipped)
    for bad in (v["n"], (n + 1).to_bytes(512), v["blinded_msg"][1:], bytes(512), (n - 1).to_bytes(512)):
        assert not blind_rsa.is_blinded_message(spki, bad)
