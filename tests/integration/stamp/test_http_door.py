"""The compatible HTTP door: bodies, order of checks, codes, and what it adds."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.support.stamp import AREA, REGISTRY, START, Stage, StampClient, StampProcess


@pytest_asyncio.fixture(scope="module")
async def http(stamp: StampProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://{stamp.http}/") as session:
        yield session


@pytest_asyncio.fixture(scope="module")
async def recipient(stage: Stage, http: aiohttp.ClientSession) -> str:
    body = {"walletEndpointReference": stage.wallet.create_endpoint()}
    status, answer = await post(http, "v1/recipients", body)
    assert status == 201
    assert list(answer) == ["id"]
    return answer["id"]


async def post(http: aiohttp.ClientSession, path: str, body: Any = None) -> tuple[int, Any]:
    async with http.post(path, json=body) as answer:
        return answer.status, await answer.json(content_type=None)


async def get(http: aiohttp.ClientSession, path: str) -> tuple[int, Any]:
    async with http.get(path) as answer:
        return answer.status, await answer.json(content_type=None)


def body_of(recipient: str, hour: int, **certificate: Any) -> dict[str, Any]:
    start = int(START.timestamp()) + 3600 * hour
    return {
        "recipientId": recipient,
        "registryName": REGISTRY,
        "meteringPointId": "571313180400005555",
        "certificate": {
            "id": str(uuid.uuid4()),
            "type": "production",
            "quantity": 1234,
            "start": start,
            "end": start + 3600,
            "gridArea": AREA,
            "clearTextAttributes": {"isTrial": "False"},
            "hashedAttributes": [{"key": "assetId", "value": "571313180400005555"}],
        }
        | certificate,
    }


def pascal(value: Any) -> Any:
    """The body as EnergyOrigin's client sends it: PascalCase names; attribute names are data and stay."""
    body = {name[0].upper() + name[1:]: member for name, member in value.items()}
    body["Certificate"] = {name[0].upper() + name[1:]: member for name, member in body["Certificate"].items()}
    body["Certificate"]["HashedAttributes"] = [
        {"Key": a["key"], "Value": a["value"]} for a in body["Certificate"]["HashedAttributes"]
    ]
    return body


async def test_issues_and_shows(http: aiohttp.ClientSession, recipient: str, client: StampClient) -> None:
    body = body_of(recipient, 0)
    assert await post(http, "v1/certificates", body) == (202, {})
    name = body["certificate"]["id"]
    await client.delivered(name)
    status, shown = await get(http, f"v1/certificates/{REGISTRY}/{name}")
    assert status == 200
    assert shown["certificate"] == body["certificate"]
    assert (shown["state"], shown["deliveryState"]) == ("issued", "delivered")
    status, history = await get(http, f"v1/certificates/{REGISTRY}/{name}/history")
    assert history["result"][0]["event"] == "CertificateStored"
    status, page = await get(http, "v1/certificates?meteringPointId=571313180400005555&STATE=issued")
    assert [one["certificate"]["id"] for one in page["result"]] == [name]


@pytest.mark.parametrize("kind", [2, "2", "Production", "PRODUCTION"])
async def test_pascal_case_names_and_integer_enums(
    http: aiohttp.ClientSession, recipient: str, kind: Any, request: pytest.FixtureRequest
) -> None:
    hour = 10 + ["2", "Production", "PRODUCTION"].index(str(kind)) + (5 if kind == 2 else 0)
    body = pascal(body_of(recipient, hour, type=kind, quantity="77"))
    assert await post(http, "v1/certificates", body) == (202, {})


async def test_the_same_order_again_is_the_same_answer_another_is_a_conflict(
    http: aiohttp.ClientSession, recipient: str
) -> None:
    body = body_of(recipient, 30)
    assert await post(http, "v1/certificates", body) == (202, {})
    assert await post(http, "v1/certificates", body) == (202, {})
    body["certificate"]["quantity"] = 4321
    status, problem = await post(http, "v1/certificates", body)
    assert (status, problem["reason"]) == (409, "CERTIFICATE_EXISTS")


async def test_checks_come_in_the_promised_order(http: aiohttp.ClientSession, recipient: str) -> None:
    taken = body_of(recipient, 40)
    assert (await post(http, "v1/certificates", taken))[0] == 202
    wrong: dict[str, Any] = body_of(str(uuid.uuid4()), 40, id=taken["certificate"]["id"])
    wrong["certificate"] |= {"start": taken["certificate"]["end"], "end": taken["certificate"]["start"]}
    status, problem = await post(http, "v1/certificates", wrong)
    assert (status, problem["errors"][0]["field"]) == (400, "certificate.start")
    wrong["certificate"] |= {"start": taken["certificate"]["start"], "end": taken["certificate"]["end"]}
    wrong["certificate"]["id"] = str(uuid.uuid4())
    status, problem = await post(http, "v1/certificates", wrong)
    assert (status, problem["reason"]) == (409, "MEASUREMENT_EXISTS")
    wrong["meteringPointId"] = "another"
    status, problem = await post(http, "v1/certificates", wrong)
    assert (status, problem["reason"]) == (404, "RECIPIENT_NOT_FOUND")
    wrong |= {"recipientId": recipient}
    wrong["certificate"]["id"] = taken["certificate"]["id"]
    status, problem = await post(http, "v1/certificates", wrong)
    assert (status, problem["reason"]) == (409, "CERTIFICATE_EXISTS")


SECONDS = int(START.timestamp()) + 3600 * 60


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"registryName": "elsewhere"}, "registryName", "REGISTRY_UNKNOWN"),
        ({"meteringPointId": "x" * 257}, "meteringPointId", "FIELD_INVALID"),
        ({"recipientId": "no uuid"}, "recipientId", "FIELD_INVALID"),
        ({"certificate": {"gridArea": "SE9"}}, "certificate.gridArea", "GRID_AREA_UNKNOWN"),
        ({"certificate": {"type": 3}}, "certificate.type", "FIELD_INVALID"),
        ({"certificate": {"quantity": 2**32}}, "certificate.quantity", "FIELD_INVALID"),
        ({"certificate": {"quantity": 1.5}}, "certificate.quantity", "FIELD_INVALID"),
        ({"certificate": {"end": SECONDS + 3660}}, "certificate.end", "FIELD_INVALID"),
        ({"certificate": {"end": SECONDS + 30}}, "certificate.end", "FIELD_INVALID"),
        ({"certificate": {"start": SECONDS + 1}}, "certificate.start", "POSITION_UNAVAILABLE"),
        (
            {"certificate": {"start": 1640995200 - 3600, "end": 1640995200}},
            "certificate.start",
            "POSITION_UNAVAILABLE",
        ),
        (
            {"certificate": {"clearTextAttributes": {"a": "1", "A": "2"}}},
            "certificate.clearTextAttributes[1].key",
            "FIELD_INVALID",
        ),
        (
            {"certificate": {"clearTextAttributes": {"energyTag_GcFaceValue": "1234"}}},
            "certificate.clearTextAttributes[0].value",
            "QUANTITY_LEAKED",
        ),
        (
            {"certificate": {"hashedAttributes": [{"key": "k"}]}},
            "certificate.hashedAttributes[0].value",
            "FIELD_INVALID",
        ),
        ({"certificate": {"colour": "green"}}, "certificate.colour", "FIELD_INVALID"),
        ({"certificate": None}, "certificate", "FIELD_INVALID"),
    ],
)
async def test_everything_is_checked_at_the_door(
    http: aiohttp.ClientSession, recipient: str, change: dict[str, Any], path: str, reason: str
) -> None:
    body = body_of(recipient, 60)
    for name, value in change.items():
        if isinstance(value, dict) and "quantity" not in value.keys() - {"quantity"}:
            body[name] = body[name] | value
        else:
            body[name] = value
    status, problem = await post(http, "v1/certificates", body)
    assert (status, problem["errors"][0]["field"], problem["reason"]) == (400, path, reason)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"version": 2}, "walletEndpointReference.version"),
        ({"publicKey": "AAAA"}, "walletEndpointReference.publicKey"),
        ({"publicKey": "%%%"}, "walletEndpointReference.publicKey"),
        ({"endpoint": "http://127.0.0.2:1/"}, "walletEndpointReference.endpoint"),
        ({"endpoint": "ftp://wallet.example/"}, "walletEndpointReference.endpoint"),
        ({"endpoint": "https://wallet.example/" + "x" * 500}, "walletEndpointReference.endpoint"),
    ],
)
async def test_recipients_are_checked_at_the_door(
    http: aiohttp.ClientSession, stage: Stage, change: dict[str, Any], path: str
) -> None:
    body = {"walletEndpointReference": stage.wallet.create_endpoint() | change}
    status, problem = await post(http, "v1/recipients", body)
    assert (status, problem["errors"][0]["field"]) == (400, path)


async def test_withdraws_lists_and_issues_again(
    http: aiohttp.ClientSession, recipient: str, client: StampClient
) -> None:
    body = body_of(recipient, 70)
    name = body["certificate"]["id"]
    path = f"v1/certificates/{REGISTRY}/{name}/withdraw"
    assert (await post(http, path))[0] == 404
    await post(http, "v1/certificates", body)
    await client.delivered(name)
    status, row = await post(http, path)
    assert status == 201, row
    assert set(row) == {"id", "registryName", "certificateId", "withdrawnDate"}
    assert (await post(http, path))[0] == 409
    status, feed = await get(http, f"v1/certificates/withdrawn?lastWithdrawnId={row['id'] - 1}")
    assert feed["result"] == [row]
    assert feed["metadata"]["total"] == 1
    assert (await post(http, "v1/certificates", body))[1]["reason"] == "CERTIFICATE_WITHDRAWN"
    body["certificate"]["id"] = str(uuid.uuid4())
    assert (await post(http, "v1/certificates", body))[0] == 202
    certificate = (await client.delivered(body["certificate"]["id"]))[0]
    assert certificate.wallet_position == (int(START.timestamp()) - 1640995200) // 60 + 70 * 60 + 2**24


async def test_unknown_paths_and_bodies(http: aiohttp.ClientSession) -> None:
    assert (await get(http, "v1/certificates/sandbox/no-uuid"))[0] == 400
    assert (await get(http, f"v1/certificates/sandbox/{uuid.uuid4()}"))[0] == 404
    assert (await get(http, "v1/nothing"))[0] == 404
    assert (await get(http, "v1/certificates?colour=green"))[0] == 400
    async with http.post("v1/certificates", data=b"{") as answer:
        assert answer.status == 400
    assert (await get(http, "health/ready"))[0] == 200
