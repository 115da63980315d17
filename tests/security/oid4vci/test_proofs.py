"""What wallets may send wrong: each answered by its code, with nothing used up."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from sealwright_common.verify.keys import b64url
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey, WalletOffer

from tests.support.oid4vci import PUBLIC_URL, Door, issuer_document, open_door
from tests.unit.certify_formats.keys import Authority

PROVIDER = WalletKey()
KEY = WalletKey()
STRANGER = WalletKey()
Make = Callable[[str, int], Any]
AUDIENCE = f"{PUBLIC_URL}/demo"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(module_database_dsn: str) -> AsyncIterator[Door]:
    async with open_door(module_database_dsn) as opened:
        document = issuer_document(batch_size=4, attestation_keys=[dict(PROVIDER.public.jwk)])
        configurations = document["datasets"]["person"]["configurations"]
        configurations["attested"] = {
            "format": "dc+sd-jwt",
            "vct": "attested",
            "proof_types": {
                "jwt": {"key_attestation": {"key_storage": ["iso_18045_high", "iso_18045_moderate"]}},
                "attestation": {"key_attestation": {}},
            },
        }
        await opened.store(document)
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def wallet(door: Door) -> AsyncIterator[Wallet]:
    async with Wallet(base=door.base) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def opened(door: Door, wallet: Wallet) -> WalletOffer:
    made = await door.offer("person-sd", "attested")
    offer = await wallet.open_offer(made.by_value)
    await wallet.redeem(offer)
    return offer


async def refusal(wallet: Wallet, opened: WalletOffer, body: dict[str, Any]) -> str:
    with pytest.raises(Refused) as refused:
        await wallet.request(opened, body)
    assert refused.value.status == 400
    assert refused.value.body["error_description"].isascii()
    assert not set('"\\') & set(refused.value.body["error_description"])
    return refused.value.error


def changed(**changes: Any) -> Make:
    return lambda nonce, now: KEY.proof(AUDIENCE, nonce, now, **changes)


def unsigned(alg: str) -> Make:
    def make(nonce: str, now: int) -> str:
        header = {"typ": "openid4vci-proof+jwt", "alg": alg, "jwk": KEY.public.jwk}
        claims = {"aud": AUDIENCE, "iat": now, "nonce": nonce}
        return ".".join([*(b64url(json.dumps(part).encode()) for part in (header, claims)), ""])

    return make


def other_signature(nonce: str, now: int) -> str:
    message, _, _ = KEY.proof(AUDIENCE, nonce, now).rpartition(".")
    return f"{message}.{b64url(STRANGER.sign(message.encode()))}"


def certificate() -> list[str]:
    return [base64.b64encode(Authority().certificate(ec.generate_private_key(ec.SECP256R1()))).decode()]


BAD: dict[str, Make] = {
    "typ missing": changed(header={"typ": None}),
    "typ of another token": changed(header={"typ": "JWT"}),
    "aud missing": changed(claims={"aud": None}),
    "aud of another issuer": changed(claims={"aud": "https://other.example"}),
    "aud without the path": changed(claims={"aud": PUBLIC_URL}),
    "aud of two": changed(claims={"aud": [AUDIENCE, "https://other.example"]}),
    "nonce missing": changed(claims={"nonce": None}),
    "nonce a number": changed(claims={"nonce": 5}),
    "iat missing": changed(claims={"iat": None}),
    "iat a text": changed(claims={"iat": "now"}),
    "iat long ago": lambda nonce, now: KEY.proof(AUDIENCE, nonce, now - 3600),
    "iat in the future": lambda nonce, now: KEY.proof(AUDIENCE, nonce, now + 3600),
    "expired": lambda nonce, now: KEY.proof(AUDIENCE, nonce, now, claims={"exp": now - 120}),
    "iss of an anonymous wallet": changed(claims={"iss": "wallet"}),
    "no key": changed(header={"jwk": None}),
    "two keys": changed(header={"kid": KEY.public.did_jwk}),
    "private jwk": changed(header={"jwk": {**KEY.public.jwk, "d": "AAAA"}}),
    "symmetric jwk": changed(header={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "jwk of somebody": changed(header={"jwk": STRANGER.public.jwk}),
    "jwk off its curve": changed(header={"jwk": {**KEY.public.jwk, "x": KEY.public.jwk["y"]}}),
    "kid of an unknown method": changed(header={"jwk": None, "kid": "did:web:wallet.example#1"}),
    "kid no DID": changed(header={"jwk": None, "kid": "../../key"}),
    "x5c of somebody": changed(header={"jwk": None, "x5c": certificate()}),
    "x5c empty": changed(header={"jwk": None, "x5c": []}),
    "crit": changed(header={"crit": ["exp"]}),
    "alg none": unsigned("none"),
    "alg HS256": unsigned("HS256"),
    "alg ES384 on a P-256 key": changed(header={"alg": "ES384"}),
    "another's signature": other_signature,
    "no JWT": lambda *_: "proof",
    "no text": lambda *_: 5,
    "an object": lambda *_: {"jwt": "x"},
    "a megabyte": lambda *_: "x" * 100_000,
}


@pytest.mark.promise(24)
@pytest.mark.parametrize("name", BAD)
async def test_a_bad_proof_is_invalid_proof_and_uses_nothing_up(wallet: Wallet, opened: WalletOffer, name: str) -> None:
    nonce = await wallet.nonce(opened)
    body = {"credential_configuration_id": "person-sd", "proofs": {"jwt": [BAD[name](nonce, wallet.seconds)]}}
    assert await refusal(wallet, opened, body) == "invalid_proof"
    good = KEY.proof(AUDIENCE, nonce, wallet.seconds)
    answer = await wallet.request(opened, {**body, "proofs": {"jwt": [good]}})
    assert len(answer["credentials"]) == 1


@pytest.mark.promise(23)
async def test_a_nonce_is_good_once_and_only_if_it_is_ours(wallet: Wallet, opened: WalletOffer) -> None:
    nonce = await wallet.nonce(opened)
    body: dict[str, Any] = {"credential_configuration_id": "person-sd"}
    proofs = {"jwt": [KEY.proof(AUDIENCE, nonce, wallet.seconds)]}
    await wallet.request(opened, {**body, "proofs": proofs})
    assert await refusal(wallet, opened, {**body, "proofs": proofs}) == "invalid_nonce"
    again = {"jwt": [STRANGER.proof(AUDIENCE, nonce, wallet.seconds)]}
    assert await refusal(wallet, opened, {**body, "proofs": again}) == "invalid_nonce"
    for foreign in ("made-up", nonce[:-2] + "AA", "", "x" * 200):
        error = await refusal(
            wallet, opened, {**body, "proofs": {"jwt": [KEY.proof(AUDIENCE, foreign, wallet.seconds)]}}
        )
        assert error == ("invalid_nonce" if foreign else "invalid_proof")


async def test_one_bad_proof_refuses_the_whole_batch(wallet: Wallet, opened: WalletOffer) -> None:
    nonce = await wallet.nonce(opened)
    keys = [WalletKey(), WalletKey()]
    good = [key.proof(AUDIENCE, nonce, wallet.seconds) for key in keys]
    bad = WalletKey().proof("https://other.example", nonce, wallet.seconds)
    body: dict[str, Any] = {"credential_configuration_id": "person-sd"}
    assert await refusal(wallet, opened, {**body, "proofs": {"jwt": [*good, bad]}}) == "invalid_proof"
    assert await refusal(wallet, opened, {**body, "proofs": {"jwt": [*good, good[0]]}}) == "invalid_proof"
    mixed = WalletKey().proof(AUDIENCE, await wallet.nonce(opened), wallet.seconds)
    assert await refusal(wallet, opened, {**body, "proofs": {"jwt": [*good, mixed]}}) == "invalid_proof"
    many = [WalletKey().proof(AUDIENCE, nonce, wallet.seconds) for _ in range(5)]
    assert await refusal(wallet, opened, {**body, "proofs": {"jwt": many}}) == "invalid_credential_request"
    assert len((await wallet.request(opened, {**body, "proofs": {"jwt": good}}))["credentials"]) == 2


@pytest.mark.parametrize(
    ("proofs", "error"),
    [
        (None, "invalid_proof"),
        ({}, "invalid_credential_request"),
        ([], "invalid_credential_request"),
        ("jwt", "invalid_credential_request"),
        ({"jwt": []}, "invalid_credential_request"),
        ({"jwt": "x"}, "invalid_credential_request"),
        ({"jwt": ["x"], "di_vp": [{}]}, "invalid_credential_request"),
        ({"cwt": ["x"]}, "invalid_proof"),
        ({"attestation": ["x"]}, "invalid_proof"),
        ({"di_vp": ["x"]}, "invalid_proof"),
        ({"di_vp": [{}]}, "invalid_proof"),
    ],
)
async def test_shapes_of_proofs(wallet: Wallet, opened: WalletOffer, proofs: Any, error: str) -> None:
    body = {"credential_configuration_id": "person-sd", "proofs": proofs}
    assert await refusal(wallet, opened, body) == error


async def test_key_attestations_inside_and_instead_of_a_proof(wallet: Wallet, opened: WalletOffer) -> None:
    keys = [WalletKey(), WalletKey(), WalletKey()]
    nonce, now = await wallet.nonce(opened), wallet.seconds
    body: dict[str, Any] = {"credential_configuration_id": "attested"}

    def inside(**changes: Any) -> dict[str, Any]:
        attestation = PROVIDER.attest(keys, now, nonce, **changes)
        return {"jwt": [keys[0].proof(AUDIENCE, nonce, now, header={"key_attestation": attestation})]}

    for wrong in (
        {"jwt": [keys[0].proof(AUDIENCE, nonce, now)]},
        {"jwt": [KEY.proof(AUDIENCE, nonce, now, header={"key_attestation": PROVIDER.attest(keys, now, nonce)})]},
        {"jwt": [keys[0].proof(AUDIENCE, nonce, now, header={"key_attestation": STRANGER.attest(keys, now, nonce)})]},
        inside(claims={"exp": None}),
        inside(claims={"exp": now - 120}),
        inside(claims={"iat": None}),
        inside(claims={"nonce": "another"}),
        inside(claims={"key_storage": ["iso_18045_basic"]}),
        inside(claims={"attested_keys": []}),
        inside(header={"typ": "JWT"}),
        {"attestation": [STRANGER.attest(keys, now, nonce)]},
        {"attestation": [PROVIDER.attest(keys, now, None)]},
        {"attestation": [PROVIDER.attest(keys, now, nonce), PROVIDER.attest(keys, now, nonce)]},
    ):
        assert await refusal(wallet, opened, {**body, "proofs": wrong}) == "invalid_proof"
    assert len((await wallet.request(opened, {**body, "proofs": inside()}))["credentials"]) == 3
    nonce = await wallet.nonce(opened)
    alone = {"attestation": [PROVIDER.attest(keys, now, nonce)]}
    assert len((await wallet.request(opened, {**body, "proofs": alone}))["credentials"]) == 3
    nonce = await wallet.nonce(opened)
    too_many = {"attestation": [PROVIDER.attest([WalletKey() for _ in range(5)], now, nonce)]}
    assert await refusal(wallet, opened, {**body, "proofs": too_many}) == "invalid_credential_request"


async def test_proofs_by_kid_and_by_x5c(door: Door, wallet: Wallet, opened: WalletOffer) -> None:
    for did in (KEY.public.did_key, f"{KEY.public.did_key}#{KEY.public.multikey}", f"{KEY.public.did_jwk}#0"):
        nonce = await wallet.nonce(opened)
        proof = KEY.proof(AUDIENCE, nonce, wallet.seconds, header={"jwk": None, "kid": did})
        body = {"credential_configuration_id": "person-sd", "proofs": {"jwt": [proof]}}
        assert len((await wallet.request(opened, body))["credentials"]) == 1
    chain = [base64.b64encode(Authority().certificate(KEY._key)).decode()]
    proof = KEY.proof(AUDIENCE, await wallet.nonce(opened), wallet.seconds, header={"jwk": None, "x5c": chain})
    body = {"credential_configuration_id": "person-sd", "proofs": {"jwt": [proof]}, "unknown_parameter": [1]}
    assert len((await wallet.request(opened, body))["credentials"]) == 1
