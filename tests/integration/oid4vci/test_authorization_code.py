"""The authorization code flow with an external server: PAR, PKCE, DPoP; and tokens that must not be taken."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest
from sealwright_sandbox.authorization_server import AuthorizationServer
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey, WalletOffer

from tests.support.oid4vci import PERSON, PUBLIC_URL, Door, issuer_document, open_door


class People:
    """A data provider that knows one person."""

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        return []

    async def fetch(self, request: ClaimsRequest) -> Mapping[str, Any] | None:
        return PERSON if request.subject == "user-1" else None


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[AuthorizationServer]:
    async with AuthorizationServer(f"{PUBLIC_URL}/demo") as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(module_database_dsn: str, server: AuthorizationServer) -> AsyncIterator[Door]:
    asked: list[str] = []

    async def fetch(url: str) -> Mapping[str, Any]:
        asked.append(url)
        async with Wallet() as browser:
            return await browser.get(url)

    async with open_door(module_database_dsn, providers={"people": People()}, fetch=fetch) as opened:
        document = issuer_document(
            authorization_servers=[{"issuer": server.issuer, "jwks_uri": f"{server.issuer}/jwks"}]
        )
        document["datasets"]["person"]["source"] = {"type": "people"}
        await opened.store(document)
        yield opened
    assert len(asked) <= 2, "keys are cached"


async def offered(door: Door, wallet: Wallet) -> WalletOffer:
    made = await door.offer("person-sd", claims={}, pre_authorized=False)
    return await wallet.open_offer(made.by_value)


@pytest.mark.parametrize("request_", ["scope", "authorization_details"])
async def test_log_in_by_scope_and_by_authorization_details(door: Door, request_: str) -> None:
    details = json.dumps([{"type": "openid_credential", "credential_configuration_id": "person-sd"}])
    wanted = {"scope": "person-sd"} if request_ == "scope" else {"authorization_details": details}
    async with Wallet(base=door.base, dpop=True) as wallet:
        opened = await offered(door, wallet)
        token = await wallet.log_in(opened, **wanted)
        assert token["token_type"] == "DPoP"
        answer = await wallet.obtain(opened, "person-sd", [WalletKey()])
        assert len(answer["credentials"]) == 1
        await wallet.notify(opened, answer["notification_id"], "credential_deleted")


async def test_nobody_known_under_the_tokens_subject(door: Door, server: AuthorizationServer) -> None:
    async with Wallet(base=door.base) as wallet:
        opened = await offered(door, wallet)
        opened.token = {"access_token": server.access_token(sub="stranger", scope="person-sd")}
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-sd", [WalletKey()])
        assert refused.value.error == "credential_request_denied"


TOKENS: dict[str, dict[str, Any]] = {
    "typ JWT": {"header": {"typ": "JWT"}},
    "alg none": {"header": {"alg": "none"}},
    "unknown kid": {"header": {"kid": "other"}},
    "no kid": {"header": {"kid": None}},
    "aud of another": {"aud": "https://other.example"},
    "no aud": {"aud": None},
    "expired": {"exp": int(time.time()) - 120},
    "no exp": {"exp": None},
    "not yet": {"nbf": int(time.time()) + 3600},
    "no subject": {"sub": None},
    "bound to a key, sent as Bearer": {"cnf": {"jkt": "x"}},
    "bound in an unknown way": {"cnf": {"x5t#S256": "x"}},
    "iss of nobody": {"iss": "https://nobody.example"},
}


@pytest.mark.promise(24)
@pytest.mark.parametrize("name", TOKENS)
async def test_tokens_that_are_not_for_us(door: Door, server: AuthorizationServer, name: str) -> None:
    async with Wallet(base=door.base) as wallet:
        opened = await offered(door, wallet)
        opened.token = {"access_token": server.access_token(**{"scope": "person-sd", **TOKENS[name]})}
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-sd", [WalletKey()])
        assert refused.value.status == 401
        assert refused.value.error == "invalid_token"


async def test_a_scope_that_covers_something_else(door: Door, server: AuthorizationServer) -> None:
    async with Wallet(base=door.base) as wallet:
        opened = await offered(door, wallet)
        opened.token = {"access_token": server.access_token(scope="person-jwt openid")}
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-sd", [WalletKey()])
        assert refused.value.status == 403
        assert refused.value.error == "insufficient_scope"
        assert (await wallet.obtain(opened, "person-jwt", [WalletKey()]))["credentials"]
