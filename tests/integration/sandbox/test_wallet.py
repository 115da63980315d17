"""The wallet sandbox takes slices as stamps post them and says what does not match the certificate."""

import base64
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from bip32 import BIP32
from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry
from project_origin.registry.v1 import registry_pb2_grpc as registry_grpc
from sealwright_sandbox.registry.server import RegistrySandbox
from sealwright_sandbox.wallet.faults import WalletFaults
from sealwright_sandbox.wallet.keys import WalletKey, owner_key
from sealwright_sandbox.wallet.server import WalletSandbox
from sealwright_sandbox.wallet.slices import HashedAttribute

from tests.support.issuing import Issuer, new_blinding, new_stream


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def books(issuer: Issuer) -> AsyncIterator[RegistrySandbox]:
    async with RegistrySandbox(areas={"DK1": [issuer.public_key]}, check_proofs=False) as books:
        yield books


@pytest.fixture
async def wallet(books: RegistrySandbox) -> AsyncIterator[WalletSandbox]:
    async with WalletSandbox({"sandbox": books.address}) as wallet:
        yield wallet


@pytest.fixture
async def http(wallet: WalletSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(wallet.url) as session:
        yield session


async def commit_to(books: RegistrySandbox, transaction: registry.Transaction) -> None:
    async with grpc.aio.insecure_channel(books.address) as channel:
        stub = registry_grpc.RegistryServiceStub(channel)
        await stub.SendTransactions(registry.SendTransactionsRequest(transactions=[transaction]))
    await books.settled()


async def certificate(books: RegistrySandbox, issuer: Issuer, public_key: str, position: int) -> dict[str, Any]:
    """Issues a certificate of 250 Wh with a hashed attribute to an endpoint; returns the slice to post."""
    stream, blinding, salt = new_stream(), new_blinding(), secrets.token_bytes(16)
    event = issuer.issued(stream, owner_key(base64.b64decode(public_key), position), 250, blinding)
    event.attributes.add(key="isTrial", value="false")
    digest = HashedAttribute("assetId", "571313000000000001", salt).digest(stream)
    event.attributes.add(key="assetId", value=digest, type=electricity.HASHED)
    await commit_to(books, issuer.sign(stream, event))
    return {
        "publicKey": public_key,
        "position": position,
        "certificateId": {"registry": "sandbox", "streamId": stream},
        "quantity": 250,
        "randomR": coded(blinding),
        "hashedAttributes": [{"key": "assetId", "value": "571313000000000001", "salt": coded(salt)}],
    }


async def listed(http: aiohttp.ClientSession, **query: str) -> list[dict[str, Any]]:
    async with http.get("/v1/slices", params=query) as answer:
        return (await answer.json())["result"]


async def post(http: aiohttp.ClientSession, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    async with http.post("/v1/slices", json=body) as answer:
        return answer.status, await answer.json()


async def test_an_endpoint_is_made_over_http(http: aiohttp.ClientSession, wallet: WalletSandbox) -> None:
    async with http.post("/v1/wallets", json={}) as answer:
        assert answer.status == 201
        wallet_id = (await answer.json())["walletId"]
    references: list[dict[str, Any]] = []
    for _ in range(2):
        async with http.post(f"/v1/wallets/{wallet_id}/endpoints") as answer:
            assert answer.status == 201
            references.append((await answer.json())["walletReference"])
    assert [reference["version"] for reference in references] == [1, 1]
    assert references[0]["endpoint"] == f"{wallet.url}/v1/slices"
    assert len(base64.b64decode(references[0]["publicKey"])) == 74
    assert references[0]["publicKey"] != references[1]["publicKey"]
    async with http.get("/v1/wallets") as answer:
        assert [len(one["endpoints"]) for one in (await answer.json())["result"]] == [2]
    async with http.post("/v1/wallets/none/endpoints") as answer:
        assert answer.status == 404


def pascal(body: dict[str, Any]) -> dict[str, Any]:
    """The same with PascalCase names, as one of the real clients sends it."""
    names = {"certificateId": "CertificateId", "streamId": "StreamId"}
    renamed: dict[str, Any] = {}
    for name, value in body.items():
        inner = pascal(value) if isinstance(value, dict) else value
        inner = [pascal(item) for item in inner] if isinstance(inner, list) else inner
        renamed[names.get(name, name[0].upper() + name[1:])] = inner
    return renamed


async def test_a_slice_matches_in_both_spellings_and_repeats_are_counted(
    http: aiohttp.ClientSession, books: RegistrySandbox, wallet: WalletSandbox, issuer: Issuer
) -> None:
    body = await certificate(books, issuer, wallet.create_endpoint()["publicKey"], 1824120)
    assert await post(http, body) == (202, {})
    assert await post(http, pascal(body)) == (202, {})
    await wallet.settled()
    (one,) = await listed(http)
    assert (one["status"], one["reason"], one["deliveries"]) == ("matched", "", 2)
    assert one["certificate"]["attributes"] == {"isTrial": "false", "assetId": "571313000000000001"}
    assert "randomR" not in one


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quantity": 251}, "commitment"),
        ({"randomR": coded(b"\x01" + bytes(31))}, "commitment"),
        ({"randomR": coded(b"\xff" * 32)}, "blinding"),
        ({"position": 8}, "position 8"),
        ({"hashedAttributes": [{"key": "assetId", "value": "x", "salt": coded(b"1")}]}, "'assetId' differs"),
        ({"hashedAttributes": [{"key": "other", "value": "x", "salt": coded(b"1")}]}, "'other' is not in"),
    ],
)
async def test_what_does_not_match_is_told(
    http: aiohttp.ClientSession,
    books: RegistrySandbox,
    wallet: WalletSandbox,
    issuer: Issuer,
    change: dict[str, Any],
    reason: str,
) -> None:
    body = await certificate(books, issuer, wallet.create_endpoint()["publicKey"], 7)
    assert (await post(http, {**body, **change}))[0] == 202
    await wallet.settled()
    (one,) = await listed(http)
    assert one["status"] == "mismatch"
    assert reason in one["reason"]


async def test_a_slice_waits_for_its_certificate(
    http: aiohttp.ClientSession, books: RegistrySandbox, wallet: WalletSandbox, issuer: Issuer
) -> None:
    public_key = wallet.create_endpoint()["publicKey"]
    stream, blinding = new_stream(), new_blinding()
    body = {
        "publicKey": public_key,
        "position": 0,
        "certificateId": {"registry": "sandbox", "streamId": stream},
        "quantity": 5,
        "randomR": coded(blinding),
        "hashedAttributes": [],
    }
    assert (await post(http, body))[0] == 202
    assert [one["status"] for one in await listed(http)] == ["pending"]
    owner = owner_key(base64.b64decode(public_key), 0)
    await commit_to(books, issuer.sign(stream, issuer.issued(stream, owner, 5, blinding)))
    await wallet.settled()
    assert [one["status"] for one in await listed(http)] == ["matched"]
    await commit_to(books, issuer.sign(stream, electricity.WithdrawnEvent()))
    (one,) = await listed(http, refresh="true")
    assert one["certificate"]["withdrawn"]


async def test_malformed_and_homeless_slices_are_refused(
    http: aiohttp.ClientSession, books: RegistrySandbox, wallet: WalletSandbox, issuer: Issuer
) -> None:
    body = await certificate(books, issuer, wallet.create_endpoint()["publicKey"], 7)
    for change, word in (
        ({"position": 2**31}, "position"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"randomR": "!"}, "randomR"),
        ({"publicKey": coded(bytes(73))}, "publicKey"),
        ({"certificateId": {"registry": "sandbox", "streamId": "x"}}, "streamId"),
        ({"certificateId": None}, "certificateId"),
        ({"hashedAttributes": [{"key": "a"}]}, "value, salt"),
    ):
        status, answer = await post(http, {**body, **change})
        assert (status, word in answer["message"]) == (400, True), (change, answer)
    stranger = WalletKey().endpoint(1)
    assert (await post(http, {**body, "publicKey": coded(stranger)}))[0] == 404
    assert await listed(http) == []


async def test_a_disabled_wallet_takes_nothing(
    http: aiohttp.ClientSession, books: RegistrySandbox, wallet: WalletSandbox, issuer: Issuer
) -> None:
    body = await certificate(books, issuer, wallet.create_endpoint()["publicKey"], 7)
    (wallet_id,) = wallet.holdings.wallets
    async with http.put(f"/v1/wallets/{wallet_id}/disable") as answer:
        assert (await answer.json())["disabled"]
    assert (await post(http, body))[0] == 400
    async with http.put(f"/v1/wallets/{wallet_id}/enable") as answer:
        assert answer.status == 200
    assert (await post(http, body))[0] == 202


async def test_faults(
    http: aiohttp.ClientSession, books: RegistrySandbox, wallet: WalletSandbox, issuer: Issuer
) -> None:
    body = await certificate(books, issuer, wallet.create_endpoint()["publicKey"], 7)
    async with http.put("/faults", json={"refuse_posts": 2, "drop_replies": 1}) as answer:
        assert answer.status == 200
    assert [(await post(http, body))[0] for _ in range(2)] == [500, 500]
    assert await listed(http) == []
    with pytest.raises(aiohttp.ClientError):
        await post(http, body)
    assert (await post(http, body))[0] == 202
    assert [one["deliveries"] for one in await listed(http)] == [2]
    async with http.put("/faults", json={"refuse_posts": 1, "refuse_status": 404}) as answer:
        assert answer.status == 200
    assert (await post(http, body))[0] == 404
    assert wallet.faults == WalletFaults(refuse_status=404)


async def test_state_survives_a_restart(tmp_path: Path, books: RegistrySandbox, issuer: Issuer) -> None:
    async with WalletSandbox({"sandbox": books.address}, folder=tmp_path) as first:
        reference = first.create_endpoint()
        body = await certificate(books, issuer, reference["publicKey"], 7)
        async with aiohttp.ClientSession(first.url) as http:
            await post(http, body)
    async with WalletSandbox({"sandbox": books.address}, folder=tmp_path) as second:
        await second.settled()
        assert [(one.status, one.deliveries) for one in second.received] == [("matched", 1)]
        async with aiohttp.ClientSession(second.url) as http:
            assert (await post(http, body))[0] == 202
        assert [one.deliveries for one in second.received] == [2]


def test_keys_are_those_of_bip32() -> None:
    key = WalletKey()
    oracle = BIP32(key.extended[9:41], privkey=key.extended[42:])
    assert WalletKey(key.extended).endpoint(3) == key.endpoint(3)
    for number, position in ((0, 0), (1, 1824120), (7, 2**31 - 1)):
        chain_code, point = oracle.get_extended_pubkey_from_path([number])
        assert key.endpoint(number)[9:] == chain_code + point
        assert owner_key(key.endpoint(number), position) == oracle.get_pubkey_from_path([number, position])
    with pytest.raises(ValueError, match="positions"):
        owner_key(key.endpoint(3), 2**31)
    with pytest.raises(ValueError, match="74"):
        WalletKey(bytes(73))
