"""The pre-authorized flow, end to end: sandbox wallet, HTTP, real PostgreSQL; every format, batch, encryption, DPoP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.jws import parse
from sealwright_common.verify.keys import from_jwk, from_material
from sealwright_common.verify.outcome import Verified
from sealwright_common.verify.trust import Trust
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey

from tests.support.oid4vci import PUBLIC_URL, Door, issuer_document, open_door


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(module_database_dsn: str) -> AsyncIterator[Door]:
    async with open_door(module_database_dsn) as opened:
        await opened.store(issuer_document())
        yield opened


def trusting(door: Door) -> Trust:
    """Believes the door's keys by kid, DID method and certificate."""
    keys: dict[str, Any] = {}
    for key_id, (algorithm, secret) in door.signer.keys.items():
        public = from_material(secret.public_key(), algorithm.value)
        keys |= {key_id: public, f"did:web:issuer.example#{key_id}": public}
    return Trust(keys=keys, anchors=(door.signer.anchor,))


def check(door: Door, credential: Any) -> Verified:
    content = credential if isinstance(credential, str) else json.dumps(credential)
    return verify_credential(content.encode(), trusting(door), datetime.now(UTC))


@pytest.mark.parametrize("configuration", ["person-sd", "person-mdoc", "person-ldp", "person-ldp-eddsa", "person-jwt"])
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
async def test_each_format_from_the_same_claims(door: Door, configuration: str, algorithm: str) -> None:
    made = await door.offer(configuration)
    key = WalletKey(algorithm)
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_reference)
        assert (await wallet.redeem(opened))["token_type"] == "Bearer"
        answer = await wallet.obtain(opened, configuration, [key])
        [entry] = answer["credentials"]
        verified = check(door, entry["credential"])
        claims = verified.claims.get("org.iso.18013.5.1", verified.claims)
        assert claims["given_name"] == "Ada"
        assert verified.holder == key.public.jwk
        assert verified.status[0].uri.startswith(f"{PUBLIC_URL}/status/")
        await wallet.notify(opened, answer["notification_id"])
        await wallet.notify(opened, answer["notification_id"])


async def test_offers_come_by_value_and_by_reference_and_as_qr_codes(door: Door) -> None:
    made = await door.offer("person-sd", code_length=6, code_description="by post")
    async with Wallet(base=door.base) as wallet:
        by_reference, by_value = [await wallet.open_offer(link) for link in (made.by_reference, made.by_value)]
        assert by_reference.offer == by_value.offer
        grant = by_value.offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]
        assert grant["tx_code"] == {"input_mode": "numeric", "length": 6, "description": "by post"}
        for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG")):
            assert wallet._http is not None
            url = f"{door.base[1]}/demo/offers/{made.offer.id}/qr.{kind}"
            async with wallet._http.get(url) as response:
                assert (await response.read()).startswith(start)


async def test_batch_one_credential_per_key_with_nothing_in_common(door: Door) -> None:
    made = await door.offer("person-sd")
    keys = [WalletKey() for _ in range(5)]
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        await wallet.redeem(opened)
        answer = await wallet.obtain(opened, "person-sd", keys)
    credentials = [entry["credential"] for entry in answer["credentials"]]
    verified = [check(door, credential) for credential in credentials]
    assert [entry.holder for entry in verified] == [key.public.jwk for key in keys]
    assert len({entry.status[0].index for entry in verified}) == 5
    parts = [set(credential.split("~")[1:-1]) for credential in credentials]
    assert not set.intersection(*parts)
    issued = {parse(credential.split("~")[0]).claims["iat"] for credential in credentials}
    assert all(moment % 3600 == 0 for moment in issued)


async def test_dpop_bound_tokens(door: Door) -> None:
    made = await door.offer("person-sd")
    async with Wallet(base=door.base, dpop=True) as wallet:
        opened = await wallet.open_offer(made.by_value)
        assert (await wallet.redeem(opened))["token_type"] == "DPoP"
        await wallet.obtain(opened, "person-sd", [WalletKey()])
        thief = Wallet(base=door.base, dpop=True)
        async with thief:
            with pytest.raises(Refused) as refused:
                await thief.obtain(opened, "person-sd", [WalletKey()])
            assert refused.value.status == 401
            assert refused.value.error == "invalid_token"
            opened.token = {**opened.token, "token_type": "Bearer"}
            with pytest.raises(Refused) as refused:
                await thief.obtain(opened, "person-sd", [WalletKey()])
            assert refused.value.headers["WWW-Authenticate"].startswith("DPoP ")


async def test_encryption_both_ways(door: Door) -> None:
    made = await door.offer("person-jwt")
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        await wallet.redeem(opened)
        answer = await wallet.obtain(opened, "person-jwt", [WalletKey()], encrypt=True)
        assert check(door, answer["credentials"][0]["credential"]).format == "jwt_vc_json"


async def test_credential_identifiers(door: Door) -> None:
    made = await door.offer("person-sd", "person-jwt")
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        details = json.dumps([{"type": "openid_credential", "credential_configuration_id": "person-jwt"}])
        token = await wallet.redeem(opened, authorization_details=details)
        assert token["authorization_details"][0]["credential_identifiers"] == ["person-jwt.1"]
        await wallet.obtain(opened, "person-jwt", [WalletKey()])
        for body, error in (
            ({"credential_configuration_id": "person-jwt"}, "invalid_credential_request"),
            ({"credential_identifier": "person-sd.1"}, "unknown_credential_identifier"),
            ({"credential_identifier": "x", "credential_configuration_id": "y"}, "invalid_credential_request"),
            ({}, "invalid_credential_request"),
        ):
            with pytest.raises(Refused) as refused:
                await wallet.request(opened, body)
            assert refused.value.error == error


async def test_unbound_credentials_need_no_proof(door: Door) -> None:
    made = await door.offer("person-unbound")
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        await wallet.redeem(opened)
        answer = await wallet.obtain(opened, "person-unbound", [])
        assert check(door, answer["credentials"][0]["credential"]).holder is None


async def test_di_vp_proofs(door: Door) -> None:
    made = await door.offer("person-sd")
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        await wallet.redeem(opened)
        for algorithm in ("EdDSA", "ES256"):
            key, nonce = WalletKey(algorithm), await wallet.nonce(opened)
            created = wallet.now().strftime("%Y-%m-%dT%H:%M:%SZ")
            proof = key.presentation(opened.issuer, nonce, created)
            body = {"credential_configuration_id": "person-sd", "proofs": {"di_vp": [proof]}}
            answer = await wallet.request(opened, body)
            assert check(door, answer["credentials"][0]["credential"]).holder == key.public.jwk
            for wrong in ({"domain": "https://other.example"}, {"proofPurpose": "assertionMethod"}):
                bad = key.presentation(opened.issuer, await wallet.nonce(opened), created, wrong)
                with pytest.raises(Refused) as refused:
                    await wallet.request(opened, {**body, "proofs": {"di_vp": [bad]}})
                assert refused.value.error == "invalid_proof"


async def test_metadata_plain_and_signed_with_the_well_known_name_before_the_path(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        url = f"{PUBLIC_URL}/.well-known/openid-credential-issuer/demo"
        metadata = await wallet.get(url)
        assert metadata["credential_issuer"] == f"{PUBLIC_URL}/demo"
        supported = metadata["credential_configurations_supported"]
        assert supported["person-mdoc"]["credential_signing_alg_values_supported"] == [-7]
        assert supported["person-ldp"]["credential_signing_alg_values_supported"] == ["ecdsa-rdfc-2019"]
        assert supported["person-sd"]["credential_signing_alg_values_supported"] == ["ES256"]
        assert supported["person-mdoc"]["credential_metadata"]["claims"][0]["path"] == [
            "org.iso.18013.5.1",
            "given_name",
        ]
        assert "proof_types_supported" not in supported["person-unbound"]
        signed = parse(
            (await wallet.get(url, headers={"Accept": "application/jwt"}))["jwt"], "openidvci-issuer-metadata+jwt"
        )
        keys = await wallet.get(f"{PUBLIC_URL}/demo/jwks.json")
        jwk = next(key for key in keys["keys"] if key["kid"] == signed.header["kid"])
        signed.verify(from_jwk({name: value for name, value in jwk.items() if name != "use"}))
        assert signed.claims["sub"] == f"{PUBLIC_URL}/demo"
        assert signed.claims["credential_endpoint"] == metadata["credential_endpoint"]
        kind = await wallet.get(f"{PUBLIC_URL}/demo/vct/person")
        assert kind["vct"] == f"{PUBLIC_URL}/demo/vct/person"
        assert [entry["sd"] for entry in kind["claims"]] == ["always", "always", "never", "never"]
        for unknown in ("/.well-known/openid-credential-issuer/nobody", "/.well-known/openid-credential-issuer"):
            with pytest.raises(Refused) as refused:
                await wallet.get(PUBLIC_URL + unknown)
            assert refused.value.status == 404


async def test_several_issuers_with_paths_are_apart(door: Door) -> None:
    await door.store(issuer_document(path="regions/north"))
    made = await door.offer("person-sd")
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        await wallet.redeem(opened)
        north = await wallet.get(f"{PUBLIC_URL}/.well-known/openid-credential-issuer/regions/north")
        assert north["credential_endpoint"] == f"{PUBLIC_URL}/regions/north/credential"
        opened.metadata = north
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-sd", [WalletKey()])
        assert refused.value.status == 401


async def test_events_and_audit_rows_tell_of_issuance_and_of_nobody(door: Door) -> None:
    async with door.database.connection() as connection:
        events = await connection.fetch("select type, payload from outbox")
        audited = await connection.fetch("select * from audit_log")
    assert {"sealwright.certify.v1.WalletCredentialsIssued", "sealwright.certify.v1.WalletNotified"} <= {
        row["type"] for row in events
    }
    assert "oid4vci.credential.issue" in {row["action"] for row in audited}
    for marker in (b"Ada", b"Lovelace", b"1990-12-10"):
        assert not any(marker in row["payload"] for row in events)
        assert not any(marker.decode() in str(dict(row)) for row in audited)
