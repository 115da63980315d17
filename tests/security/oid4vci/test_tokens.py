"""The token endpoint and bearer checks: codes, PINs, races over two replicas, DPoP, encryption downgrades, payloads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sealwright_certify.usecases.oid4vci.offers import OfferCommand
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.keys import from_material
from sealwright_common.verify.sd_jwt import disclose, split
from sealwright_common.verify.trust import Trust
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey, WalletOffer

from tests.support.oid4vci import OPERATOR, PERSON, PUBLIC_URL, Door, issuer_document, open_door


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def replicas(module_database_dsn: str) -> AsyncIterator[tuple[Door, Door]]:
    async with open_door(module_database_dsn) as first, open_door(module_database_dsn, signer=first.signer) as second:
        await first.store(issuer_document())
        await first.store(issuer_document(path="strict", dpop_required=True, anonymous_access=False))
        await first.store(
            issuer_document(path="sealed", encryption={"request_required": True, "response_required": True})
        )
        yield first, second


@pytest.fixture
def door(replicas: tuple[Door, Door]) -> Door:
    return replicas[0]


async def opened_offer(
    wallet: Wallet,
    door: Door,
    issuer: str = "demo",
    configuration_ids: tuple[str, ...] = ("person-sd",),
    **options: Any,
) -> tuple[WalletOffer, str | None]:
    command = OfferCommand(issuer, configuration_ids, **{"claims": {"person": PERSON}, **options})
    made = await door.oid4vci.operator.create_offer(OPERATOR, command)
    return await wallet.open_offer(made.by_value), made.transaction_code


async def code_of(wallet: Wallet, opened: WalletOffer, pin: str | None = None, **extra: Any) -> str:
    try:
        await wallet.redeem(opened, pin, **extra)
    except Refused as refused:
        return refused.error
    return "token"


@pytest.mark.promise(23)
async def test_fifty_redemptions_over_two_replicas_give_one_token(replicas: tuple[Door, Door]) -> None:
    first, second = replicas
    async with Wallet(base=first.base) as one, Wallet(base=second.base) as two:
        opened, pin = await opened_offer(one, first, code_length=6)
        results = await asyncio.gather(*(code_of((one, two)[n % 2], opened, pin) for n in range(50)))
        assert sorted(results) == ["invalid_grant"] * 49 + ["token"]


@pytest.mark.promise(23)
async def test_a_nonce_raced_over_two_replicas_is_used_once(replicas: tuple[Door, Door]) -> None:
    first, second = replicas
    async with Wallet(base=first.base) as one, Wallet(base=second.base) as two:
        opened, _ = await opened_offer(one, first)
        await one.redeem(opened)
        nonce = await one.nonce(opened)
        proofs = {"jwt": [WalletKey().proof(opened.issuer, nonce, one.seconds)]}
        body = {"credential_configuration_id": "person-sd", "proofs": proofs}

        async def ask(wallet: Wallet) -> str:
            try:
                await wallet.request(opened, body)
            except Refused as refused:
                return refused.error
            return "credential"

        results = await asyncio.gather(*(ask((one, two)[n % 2]) for n in range(40)))
        assert sorted(results) == ["credential"] + ["invalid_nonce"] * 39


@pytest.mark.promise(22)
async def test_a_dpop_proof_raced_over_two_replicas_is_used_once(replicas: tuple[Door, Door]) -> None:
    first, second = replicas
    async with Wallet(base=first.base, dpop=True) as one, Wallet(base=second.base) as two:
        opened, _ = await opened_offer(one, first)
        await one.redeem(opened)
        url = str(opened.metadata["notification_endpoint"])
        headers = one.authorization(opened, "POST", url)

        async def tell(wallet: Wallet) -> str:
            with pytest.raises(Refused) as refused:
                await wallet.send(
                    "POST", url, json={"notification_id": "x", "event": "credential_accepted"}, headers=headers
                )
            return refused.value.error

        results = await asyncio.gather(*(tell((one, two)[n % 2]) for n in range(20)))
        # The first one's proof counts as used only if its request did something; unknown ids roll back.
        assert set(results) <= {"invalid_notification_id", "invalid_dpop_proof"}
        token_url = str(opened.server["token_endpoint"])
        assert one.dpop_key is not None
        proof = one.dpop_key.dpop("POST", token_url, one.seconds)
        fresh, _ = await opened_offer(one, first)
        grants = fresh.offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
            "pre-authorized_code": grants["pre-authorized_code"],
        }
        await one.send("POST", token_url, data=form, headers={"DPoP": proof})
        another, _ = await opened_offer(one, first)
        grants = another.offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]
        form["pre-authorized_code"] = grants["pre-authorized_code"]
        with pytest.raises(Refused) as refused:
            await two.send("POST", token_url, data=form, headers={"DPoP": proof})
        assert refused.value.error == "invalid_dpop_proof"


async def test_a_wrong_pin_costs_a_try_and_never_the_code(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, pin = await opened_offer(wallet, door, code_length=6)
        assert pin is not None
        wrong = "000000" if pin != "000000" else "111111"
        assert await code_of(wallet, opened) == "invalid_request"
        for _ in range(4):
            assert await code_of(wallet, opened, wrong) == "invalid_grant"
        assert await code_of(wallet, opened, pin) == "token"


@pytest.mark.promise(23)
async def test_five_wrong_pins_lock_the_offer_also_in_parallel(replicas: tuple[Door, Door]) -> None:
    first, second = replicas
    async with Wallet(base=first.base) as one, Wallet(base=second.base) as two:
        opened, pin = await opened_offer(one, first, code_length=8, code_text=True)
        assert pin is not None
        results = await asyncio.gather(*(code_of((one, two)[n % 2], opened, f"wrong{n:03d}") for n in range(20)))
        assert set(results) == {"invalid_grant"}
        assert await code_of(one, opened, pin) == "invalid_grant"
        async with first.database.connection() as connection:
            count = await connection.fetchval(
                "select count(*) from audit_log where action = 'oid4vci.offer.wrong_code'"
            )
            state = await connection.fetchval("select state from oid4vci_offer order by id desc limit 1")
        assert state == "LOCKED"
        assert (count or 0) >= 5


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        ({"tx_code": "1234"}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": None}, "invalid_request"),
        ({"pre-authorized_code": None}, "invalid_request"),
        ({"pre-authorized_code": ""}, "invalid_request"),
        ({"pre-authorized_code": "unknown"}, "invalid_grant"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"authorization_details": "{}"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"other"}]'}, "invalid_authorization_details"),
        (
            {"authorization_details": '[{"type":"openid_credential","credential_configuration_id":"person-jwt"}]'},
            "invalid_authorization_details",
        ),
        (
            {
                "authorization_details": json.dumps(
                    [
                        {
                            "type": "openid_credential",
                            "credential_configuration_id": "person-sd",
                            "locations": ["https://other.example"],
                        }
                    ]
                )
            },
            "invalid_authorization_details",
        ),
        ({"unknown": "ignored", "client_id": "ignored too"}, "token"),
    ],
)
async def test_token_requests(door: Door, extra: dict[str, Any], error: str) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await opened_offer(wallet, door)
        pin = extra.pop("tx_code", None)
        assert await code_of(wallet, opened, pin, **extra) == error


async def test_token_bodies_that_are_no_form(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        url = f"{PUBLIC_URL}/demo/token"
        repeated = "grant_type=a&grant_type=b"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        for options in ({"json": {}}, {"data": repeated, "headers": kind}, {"data": b"\xff\xfe", "headers": kind}):
            with pytest.raises(Refused) as refused:
                await wallet.send("POST", url, **options)
            assert refused.value.status == 400
            assert refused.value.error == "invalid_request"
            assert refused.value.headers["Cache-Control"] == "no-store"


async def test_an_issuer_that_wants_dpop_and_a_client_id(door: Door) -> None:
    async with Wallet(base=door.base) as plain, Wallet(base=door.base, dpop=True) as wallet:
        opened, _ = await opened_offer(plain, door, "strict")
        assert await code_of(plain, opened) == "invalid_client"
        assert await code_of(plain, opened, client_id="me") == "invalid_dpop_proof"
        assert await code_of(wallet, opened, client_id="me") == "token"
        assert opened.server["pre-authorized_grant_anonymous_access_supported"] is False
        nonce = await wallet.nonce(opened)

        def body(issuer: str) -> dict[str, Any]:
            proof = WalletKey().proof(opened.issuer, nonce, wallet.seconds, claims={"iss": issuer})
            return {"credential_configuration_id": "person-sd", "proofs": {"jwt": [proof]}}

        with pytest.raises(Refused) as refused:
            await wallet.request(opened, body("other"))
        assert refused.value.error == "invalid_proof"
        assert (await wallet.request(opened, body("me")))["credentials"]


@pytest.mark.parametrize(
    "changes",
    [
        {"header": {"typ": "JWT"}},
        {"header": {"alg": "none"}},
        {"header": {"jwk": None}},
        {"header": {"jwk": WalletKey().public.jwk}},
        {"claims": {"htm": "GET"}},
        {"claims": {"htu": "https://other.example/demo/token"}},
        {"claims": {"htu": f"{PUBLIC_URL}/strict/token"}},
        {"claims": {"iat": 1}},
        {"claims": {"iat": None}},
        {"claims": {"jti": None}},
        {"claims": {"jti": "x" * 300}},
        {"claims": {"htm": None}},
    ],
)
async def test_dpop_proofs_that_are_none(door: Door, changes: dict[str, Any]) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await opened_offer(wallet, door)
        url = str(opened.server["token_endpoint"])
        grants = opened.offer["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code",
            "pre-authorized_code": grants["pre-authorized_code"],
        }
        proof = WalletKey().dpop("POST", url, wallet.seconds, **changes)
        with pytest.raises(Refused) as refused:
            await wallet.send("POST", url, data=form, headers={"DPoP": proof})
        assert refused.value.error == "invalid_dpop_proof"
        assert await code_of(wallet, opened) == "token"


@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="credentials"'),
        ({"Authorization": "Basic x"}, 'Bearer realm="credentials"'),
        ({"Authorization": "Bearer"}, 'Bearer realm="credentials"'),
        ({"Authorization": "Bearer nobody"}, 'error="invalid_token"'),
        ({"Authorization": "DPoP nobody"}, "DPoP"),
    ],
)
async def test_requests_without_a_good_token(door: Door, headers: dict[str, str], challenge: str) -> None:
    async with Wallet(base=door.base) as wallet:
        for endpoint in ("credential", "deferred_credential", "notification"):
            body = {"transaction_id": "x", "notification_id": "x", "event": "credential_accepted"}
            with pytest.raises(Refused) as refused:
                await wallet.send("POST", f"{PUBLIC_URL}/demo/{endpoint}", json=body, headers=headers)
            assert refused.value.status == 401
            assert challenge in refused.value.headers["WWW-Authenticate"]


async def test_a_token_covers_only_what_was_offered(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await opened_offer(wallet, door)
        await wallet.redeem(opened)
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-jwt", [WalletKey()])
        assert refused.value.status == 403
        assert refused.value.error == "insufficient_scope"
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "no-such", [WalletKey()])
        assert refused.value.error == "unknown_credential_configuration"


async def test_encryption_cannot_be_downgraded(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await opened_offer(wallet, door, "sealed")
        await wallet.redeem(opened)
        nonce = await wallet.nonce(opened)
        body = {
            "credential_configuration_id": "person-sd",
            "proofs": {"jwt": [WalletKey().proof(opened.issuer, nonce, wallet.seconds)]},
        }
        key = {**WalletKey().public.jwk, "alg": "ECDH-ES", "kid": "k"}
        for extra in (
            {},
            {"credential_response_encryption": {"jwk": key, "enc": "A256GCM"}},
            {"credential_response_encryption": {"jwk": key, "enc": "none"}},
            {"credential_response_encryption": {"jwk": {**key, "alg": "dir"}, "enc": "A256GCM"}},
            {"credential_response_encryption": {"jwk": {**key, "alg": None}, "enc": "A256GCM"}},
            {"credential_response_encryption": {"jwk": {**key, "d": "AAAA"}, "enc": "A256GCM"}},
            {"credential_response_encryption": {"jwk": key, "enc": "A256GCM", "zip": "BR"}},
            {"credential_response_encryption": "yes"},
        ):
            with pytest.raises(Refused) as refused:
                await wallet.request(opened, {**body, **extra})
            assert refused.value.error == "invalid_encryption_parameters"
        headers = {**wallet.authorization(opened, "POST", ""), "Content-Type": "application/jwt"}
        for text in ("", "a.b.c.d.e", "e30.e30.e30"):
            with pytest.raises(Refused) as refused:
                await wallet.send("POST", f"{opened.issuer}/credential", data=text, headers=headers)
            assert refused.value.error == "invalid_encryption_parameters"
        answer = await wallet.request(opened, body, encrypt=True)
        assert len(answer["credentials"]) == 1


PAYLOADS = [
    '"}],"admin":true,"x":[{"y":"',
    "${claims.given_name}",
    "{{7*7}}{% raw %}",
    "</script><script>alert(1)</script>",
    "a\u0000b\u0007c\u202e",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "x" * 100_000,
    '{"$eval": "1+1"}',
    "~~~.eyJ.",
]


@pytest.mark.promise(27)
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
async def test_claims_stay_in_their_place(door: Door, payload: str) -> None:
    async with Wallet(base=door.base) as wallet:
        claims = {**PERSON, "given_name": payload, payload[:200]: payload, "nested": {"$eval": "1"}}
        opened, _ = await opened_offer(wallet, door, claims={"person": claims})
        await wallet.redeem(opened)
        answer = await wallet.obtain(opened, "person-sd", [WalletKey()])
        jws, disclosures = split(answer["credentials"][0]["credential"])
        found = disclose(jws.claims, disclosures)
        assert found["given_name"] == payload
        assert found["nested"] == {"$eval": "1"}
        assert found["vct"] == f"{PUBLIC_URL}/demo/vct/person"
        assert "admin" not in found


@pytest.mark.promise(27)
@pytest.mark.parametrize("configuration", ["person-mdoc", "person-ldp", "person-ldp-eddsa", "person-jwt"])
async def test_claims_stay_in_their_place_in_every_format(door: Door, configuration: str) -> None:
    """Texts come out as they went in, or the credential is denied where the format cannot carry them."""
    keys = {id_: from_material(secret.public_key(), a.value) for id_, (a, secret) in door.signer.keys.items()}
    methods = {f"did:web:issuer.example#{id_}": key for id_, key in keys.items()}
    trust = Trust(keys=methods, anchors=(door.signer.anchor,))
    async with Wallet(base=door.base) as wallet:
        for payload in PAYLOADS:
            opened, _ = await opened_offer(
                wallet, door, configuration_ids=(configuration,), claims={"person": {**PERSON, "given_name": payload}}
            )
            await wallet.redeem(opened)
            if configuration == "person-ldp" and "\0" in payload:
                # A control character in a literal has no canonical form in RDF.
                with pytest.raises(Refused, match="credential_request_denied"):
                    await wallet.obtain(opened, configuration, [WalletKey()])
                continue
            answer = await wallet.obtain(opened, configuration, [WalletKey()])
            credential = answer["credentials"][0]["credential"]
            content = credential if isinstance(credential, str) else json.dumps(credential)
            verified = verify_credential(content.encode(), trust, wallet.now())
            claims = verified.claims.get("org.iso.18013.5.1", verified.claims)
            assert claims["given_name"] == payload
            assert "admin" not in claims
            assert verified.holder is not None


@pytest.mark.promise(27)
@pytest.mark.parametrize(
    ("configuration", "claims"),
    [
        ("person-ldp", {"id": "did:example:victim"}),
        ("person-ldp", {"@id": "did:example:victim"}),
        ("person-ldp", {"address": {"@context": {"street": "https://evil.example/"}}}),
        ("person-ldp-eddsa", {"id": "did:example:victim"}),
        ("person-ldp-eddsa", {"nested": [{"@graph": []}]}),
        ("person-jwt", {"id": "did:example:victim"}),
        ("person-jwt", {"@context": []}),
    ],
)
async def test_data_never_says_who_the_subject_is(door: Door, configuration: str, claims: dict[str, Any]) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await opened_offer(
            wallet, door, configuration_ids=(configuration,), claims={"person": {**PERSON, **claims}}
        )
        await wallet.redeem(opened)
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, configuration, [WalletKey()])
        assert refused.value.error == "credential_request_denied"


@pytest.mark.promise(27)
@pytest.mark.parametrize("name", ["iss", "vct", "cnf", "status", "exp", "_sd", "sub"])
async def test_data_never_takes_a_reserved_member(door: Door, name: str) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await opened_offer(wallet, door, claims={"person": {**PERSON, name: "mine"}})
        await wallet.redeem(opened)
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-sd", [WalletKey()])
        assert refused.value.error == "credential_request_denied"


async def test_offers_that_cannot_be(door: Door) -> None:
    refused: tuple[dict[str, Any], ...] = (
        {"configuration_ids": ()},
        {"configuration_ids": ("nope",)},
        {"lifetime": timedelta(days=30)},
        {"code_length": 3},
        {"pre_authorized": False},
        {"claims": {}},
        {"claims": {"person": PERSON, "other": {}}},
    )
    for options in refused:
        ids = options.pop("configuration_ids", ("person-sd",))
        with pytest.raises(InvalidArgument):
            await door.offer(*ids, **options)


async def test_claims_of_a_megabyte_are_refused_and_not_issued(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await opened_offer(wallet, door, claims={"person": {**PERSON, "given_name": "x" * 1_048_576}})
        await wallet.redeem(opened)
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-sd", [WalletKey()])
    assert (refused.value.status, refused.value.error) == (400, "credential_request_denied")


async def test_one_request_nobody_expected_does_not_stop_those_that_commit_with_it(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        offers = [(await opened_offer(wallet, door))[0] for _ in range(6)]
        extra = [{"client_id": "a\x00b"}, *[{} for _ in offers[1:]]]
        answers = await asyncio.gather(
            *(code_of(wallet, offer, **more) for offer, more in zip(offers, extra, strict=True))
        )
    assert answers == ["invalid_request", *["token"] * 5]
