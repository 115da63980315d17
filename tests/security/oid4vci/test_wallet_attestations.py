"""Wallet attestations: whom the token endpoint serves when an issuer asks who made the wallet."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sealwright_certify.usecases.oid4vci.offers import OfferCommand
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.oid4vci_document import read_issuer
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey, WalletOffer

from tests.support.oid4vci import OPERATOR, PERSON, PUBLIC_URL, Door, anchor_text, issuer_document, open_door
from tests.unit.certify_formats.keys import Authority

PROVIDER, STRANGER, INSTANCE = WalletKey(), WalletKey(), WalletKey()
AUTHORITY = Authority(name="Wallet providers")
HERE = f"{PUBLIC_URL}/wallets"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(module_database_dsn: str) -> AsyncIterator[Door]:
    async with open_door(module_database_dsn) as opened:
        trusted = {"keys": [dict(PROVIDER.public.jwk)], "anchors": [anchor_text(AUTHORITY.certificate())]}
        await opened.store(issuer_document(path="wallets", wallet_attestation=trusted))
        open_to_all = {**trusted, "required": False}
        await opened.store(issuer_document(path="both", wallet_attestation=open_to_all, anonymous_access=False))
        await opened.store(issuer_document())
        yield opened


async def offered(door: Door, wallet: Wallet, path: str = "wallets") -> WalletOffer:
    command = OfferCommand(path, ("person-sd",), claims={"person": PERSON})
    return await wallet.open_offer((await door.oid4vci.operator.create_offer(OPERATOR, command)).by_value)


async def answer(wallet: Wallet, opened: WalletOffer, headers: dict[str, str], **extra: str) -> tuple[int, str]:
    """Status and error code of a token request with these headers."""
    grant = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
    form = {"grant_type": grant, "pre-authorized_code": opened.offer["grants"][grant]["pre-authorized_code"], **extra}
    try:
        await wallet.send("POST", opened.server["token_endpoint"], data=form, headers=headers)
    except Refused as refused:
        return refused.status, refused.error
    return 200, ""


def shown(wallet: Wallet, attestation: str | None = None, presence: str | None = None, **presence_changes: Any) -> Any:
    now = wallet.seconds
    headers = {
        "OAuth-Client-Attestation": attestation or PROVIDER.attest_wallet("wallet", INSTANCE, now),
        "OAuth-Client-Attestation-PoP": presence or INSTANCE.attest_presence(HERE, now, **presence_changes),
    }
    return {name: value for name, value in headers.items() if value != "none"}


async def test_an_attested_wallet_gets_a_token_and_is_the_client(door: Door) -> None:
    async with Wallet(base=door.base, provider=PROVIDER, dpop=True) as wallet:
        opened = await offered(door, wallet)
        assert opened.server["token_endpoint_auth_methods_supported"] == ["attest_jwt_client_auth"]
        assert opened.server["pre-authorized_grant_anonymous_access_supported"] is False
        await wallet.redeem(opened)
        key, nonce = WalletKey(), await wallet.nonce(opened)
        proof = key.proof(opened.issuer, nonce, wallet.seconds, claims={"iss": "wallet"})
        body = {"credential_configuration_id": "person-sd", "proofs": {"jwt": [proof]}}
        assert len((await wallet.request(opened, body))["credentials"]) == 1


async def test_a_provider_may_be_known_by_its_authority(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        chain = [base64.b64encode(AUTHORITY.certificate(STRANGER._key)).decode()]
        attestation = STRANGER.attest_wallet("wallet", INSTANCE, wallet.seconds, header={"kid": None, "x5c": chain})
        assert await answer(wallet, await offered(door, wallet), shown(wallet, attestation)) == (200, "")


async def test_what_does_not_hold_is_refused_and_uses_nothing_up(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, now = await offered(door, wallet), wallet.seconds

        def attested(**changes: Any) -> Any:
            return shown(wallet, PROVIDER.attest_wallet("wallet", INSTANCE, now, **changes))

        bad = {
            "a stranger's": shown(wallet, STRANGER.attest_wallet("wallet", INSTANCE, now)),
            "a stranger's under a known kid": shown(
                wallet,
                STRANGER.attest_wallet("wallet", INSTANCE, now, header={"kid": PROVIDER.public.thumbprint}),
            ),
            "for another installation": shown(wallet, PROVIDER.attest_wallet("wallet", STRANGER, now)),
            "typ": attested(header={"typ": "JWT"}),
            "no end": attested(claims={"exp": None}),
            "ended": attested(claims={"exp": now - 120}),
            "no client": attested(claims={"sub": None}),
            "no key": attested(claims={"cnf": None}),
            "a private key": attested(claims={"cnf": {"jwk": {**INSTANCE.public.jwk, "d": "AAAA"}}}),
            "no JWT": shown(wallet, "attestation"),
            "presence missing": shown(wallet, presence="none"),
            "attestation missing": shown(wallet, "none"),
            "presence of a stranger": shown(wallet, presence=STRANGER.attest_presence(HERE, now)),
            "presence for another server": shown(wallet, claims={"aud": "https://other.example"}),
            "presence of another wallet": shown(wallet, claims={"iss": "other"}),
            "presence without jti": shown(wallet, claims={"jti": None}),
            "presence long ago": shown(wallet, claims={"iat": now - 3600}),
            "presence in the future": shown(wallet, claims={"iat": now + 3600}),
            "presence typ": shown(wallet, header={"typ": "JWT"}),
        }
        for name, headers in bad.items():
            assert await answer(wallet, opened, headers) == (401, "invalid_client_attestation"), name
        assert await answer(wallet, opened, {}) == (401, "invalid_client")
        assert await answer(wallet, opened, shown(wallet), client_id="other") == (401, "invalid_client")
        assert await answer(wallet, opened, shown(wallet), client_id="wallet") == (200, "")


@pytest.mark.promise(22)
async def test_a_proof_of_possession_is_good_once(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        headers = shown(wallet)
        assert await answer(wallet, await offered(door, wallet), headers) == (200, "")
        assert await answer(wallet, await offered(door, wallet), headers) == (401, "invalid_client_attestation")


async def test_where_it_is_not_required_others_are_served_too(door: Door) -> None:
    async with Wallet(base=door.base) as plain, Wallet(base=door.base, provider=PROVIDER) as attested:
        opened = await offered(door, plain, "both")
        methods = opened.server["token_endpoint_auth_methods_supported"]
        assert methods == ["attest_jwt_client_auth", "none"]
        await attested.redeem(await offered(door, attested, "both"))
        assert await answer(plain, opened, {}) == (401, "invalid_client")
        assert await answer(plain, opened, {}, client_id="somebody") == (200, "")
        ignored = await offered(door, plain, "demo")
        assert "attest_jwt_client_auth" not in ignored.server["token_endpoint_auth_methods_supported"]
        assert await answer(plain, ignored, {"OAuth-Client-Attestation": "rubbish"}) == (200, "")


@pytest.mark.parametrize("value", [{}, {"required": "yes", "keys": [{}]}, {"keys": [], "more": 1}, "x"])
def test_documents_say_whom_they_believe(value: Any) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_issuer("default", issuer_document(wallet_attestation=value))
    assert all(field.path.startswith("wallet_attestation") for field in refused.value.fields)
