"""Bodies of a megabyte and of other kinds, at every endpoint: refused by the code of that endpoint, and nothing breaks.

And the metadata in the reader's language, over HTTP.
"""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sealwright_sandbox.oid4vci_wallet import Wallet, WalletKey, WalletOffer

from tests.support.oid4vci import PUBLIC_URL, Door, issuer_document, open_door

MEGABYTE = 1_048_576
FORM = "application/x-www-form-urlencoded"
GRANT = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(module_database_dsn: str) -> AsyncIterator[Door]:
    async with open_door(module_database_dsn) as opened:
        names = [{"name": "Demo issuer", "locale": "en"}, {"name": "Vorführung", "locale": "de-CH"}]
        await opened.store(issuer_document(display=names))
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def wallet(door: Door) -> AsyncIterator[Wallet]:
    async with Wallet(base=door.base) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def opened(door: Door, wallet: Wallet) -> WalletOffer:
    offer = await wallet.open_offer((await door.offer("person-sd")).by_value)
    await wallet.redeem(offer)
    return offer


async def post(door: Door, name: str, body: bytes, kind: str, token: str = "") -> tuple[int, str]:
    """Status and error code; ``reason`` where the answer is no protocol's but the server's."""
    headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{door.base[1]}/demo/{name}", data=io.BytesIO(body), headers=headers) as response,
    ):
        text = await response.text()
        assert len(text) < 1000, "nothing that was sent comes back"
        answer: dict[str, Any] = json.loads(text) if text else {}
        return response.status, str(answer.get("error") or answer.get("reason") or "")


def within(body: bytes, size: int) -> bytes:
    """A body filled up to just below the door's limit."""
    return body.replace(b"FILL", b"x" * (size - len(body)))


TOO_LARGE = (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize(
    ("name", "kind", "body", "expected"),
    [
        ("token", FORM, f"{GRANT}&pre-authorized_code=FILL".encode(), (400, "invalid_grant")),
        ("token", FORM, f"{GRANT}&pre-authorized_code=x&tx_code=FILL".encode(), (400, "invalid_grant")),
        ("token", FORM, f"{GRANT}&pre-authorized_code=x&authorization_details=FILL".encode(), (400, "invalid_grant")),
        ("token", FORM, b"grant_type=FILL", (400, "unsupported_grant_type")),
        ("nonce", "application/json", b'{"x":"FILL"}', (200, "")),
        ("credential", "application/json", b'{"credential_configuration_id":"FILL"}', None),
        ("credential", "application/json", b'{"credential_identifier":"FILL"}', None),
        ("credential", "application/jwt", b"FILL", (400, "invalid_encryption_parameters")),
        (
            "credential",
            "application/json",
            b'{"credential_configuration_id":"person-sd","proofs":{"jwt":["FILL"]}}',
            (400, "invalid_proof"),
        ),
        ("deferred_credential", "application/json", b'{"transaction_id":"FILL"}', (400, "invalid_transaction_id")),
        (
            "notification",
            "application/json",
            b'{"event":"credential_accepted","notification_id":"FILL"}',
            (400, "invalid_notification_id"),
        ),
        (
            "notification",
            "application/json",
            b'{"event":"credential_accepted","notification_id":"x","event_description":"FILL"}',
            (400, "invalid_notification_id"),
        ),
    ],
)
async def test_a_megabyte_at_every_endpoint(
    door: Door, opened: WalletOffer, name: str, kind: str, body: bytes, expected: tuple[int, str] | None
) -> None:
    token = "" if name in ("token", "nonce") else str(opened.token["access_token"])
    by_name = {b"configuration": "unknown_credential_configuration", b"identifier": "unknown_credential_identifier"}
    wanted = expected or (400, next(code for part, code in by_name.items() if part in body))
    assert await post(door, name, within(body, MEGABYTE - 1024), kind, token) == wanted
    assert await post(door, name, within(body, MEGABYTE + 1024), kind, token) == TOO_LARGE


@pytest.mark.parametrize("name", ["credential", "deferred_credential", "notification"])
async def test_bodies_that_are_no_json_object(door: Door, opened: WalletOffer, name: str) -> None:
    code = "invalid_notification_request" if name == "notification" else "invalid_credential_request"
    token = str(opened.token["access_token"])
    for body in (
        b"",
        b"[]",
        b"5",
        b"{",
        b'{"a":1,"a":2}',
        b"\xff\xfe",
        b'{"a":NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ):
        assert await post(door, name, body, "application/json", token) == (400, code)
    for kind in ("text/plain", FORM, "application/xml", ""):
        assert await post(door, name, b"{}", kind, token) == (400, code)


async def test_what_a_request_must_name(door: Door, opened: WalletOffer) -> None:
    """A missing parameter is a malformed request; a wrong one has a code of its own (sections 9.3 and 11.3)."""
    token = str(opened.token["access_token"])
    for name, body, code in (
        ("deferred_credential", {}, "invalid_credential_request"),
        ("deferred_credential", {"transaction_id": 5}, "invalid_credential_request"),
        ("deferred_credential", {"transaction_id": "unknown"}, "invalid_transaction_id"),
        ("notification", {}, "invalid_notification_request"),
        ("notification", {"notification_id": "x"}, "invalid_notification_request"),
        ("notification", {"notification_id": "x", "event": "credential_eaten"}, "invalid_notification_request"),
        ("notification", {"notification_id": "x", "event": "credential_deleted"}, "invalid_notification_id"),
    ):
        assert await post(door, name, json.dumps(body).encode(), "application/json", token) == (400, code)


async def test_after_all_that_the_token_still_serves(wallet: Wallet, opened: WalletOffer) -> None:
    answer = await wallet.obtain(opened, "person-sd", [WalletKey()])
    assert len(answer["credentials"]) == 1


@pytest.mark.parametrize(
    ("wanted", "names", "language"),
    [
        ("", ["Demo issuer", "Vorführung"], None),
        ("de", ["Vorführung"], "de-CH"),
        ("de-CH, en;q=0.5", ["Vorführung"], "de-CH"),
        ("en", ["Demo issuer"], "en"),
        ("fr", ["Demo issuer", "Vorführung"], None),
        ("x" * 4000, ["Demo issuer", "Vorführung"], None),
    ],
)
async def test_metadata_in_the_readers_language(
    door: Door, wanted: str, names: list[str], language: str | None
) -> None:
    address = f"{door.base[1]}/.well-known/openid-credential-issuer/demo"
    for accept in ("application/json", "application/jwt"):
        headers = {"Accept": accept, "Accept-Language": wanted}
        async with aiohttp.ClientSession() as http, http.get(address, headers=headers) as response:
            text = await response.text()
            assert response.content_type == accept
            assert {part.strip() for part in response.headers["Vary"].split(",")} == {"accept", "accept-language"}
            spoken = {part.strip() for part in response.headers.get("Content-Language", "").split(",")}
            assert (language in spoken) if language else spoken == {""}
        if accept == "application/json":
            metadata = json.loads(text)
            assert [entry["name"] for entry in metadata["display"]] == names
            assert metadata["credential_issuer"] == f"{PUBLIC_URL}/demo"
