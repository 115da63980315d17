"""Who may issue where, over gRPC and over HTTP; what the doors say of repeated request ids."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.errors import AlreadyExists, PermissionDenied

from tests.support.databases import Databases
from tests.support.stamp import AREA, REGISTRY, Stage, StampClient, StampProcess, order

OTHER = "spiffe://sealwright/client/other-area"


@pytest_asyncio.fixture(scope="module")
async def guarded(stage: Stage, postgres: Databases) -> AsyncIterator[StampProcess]:
    """A stamp in which DK1 belongs to another caller than the tests' client, and HTTP needs tokens."""
    settings = {
        "GRID_AREAS": json.dumps({AREA: {"issuer": AREA, "callers": [OTHER]}}),
        "HTTP_CALLERS": json.dumps({OTHER: "secret-of-other", "spiffe://sealwright/client/third": "secret-of-third"}),
    }
    with postgres.fresh() as dsn:
        process = stage.stamp(dsn, settings)
        process.start()
        await process.wait_ready()
        yield process
        assert process.stop() == 0, process.tail()


async def test_grid_areas_belong_to_callers(stage: Stage, guarded: StampProcess) -> None:
    client, operator = StampClient(guarded, "client"), StampClient(guarded, "operator")
    recipient = await client.recipient(stage.wallet.create_endpoint())
    wanted = order(recipient)
    (outcome,) = await client.stamp_all([wanted])
    assert (outcome.refused.code, outcome.refused.reason, outcome.refused.field) == (
        7,
        "CALLER_NOT_ALLOWED",
        "grid_area",
    )
    with pytest.raises(PermissionDenied):
        await client.stub.StampCertificate(pb.StampCertificateRequest(certificate=wanted))
    (outcome,) = await operator.stamp_all([wanted])
    assert outcome.HasField("accepted")
    await operator.delivered(wanted.certificate_id)
    request = pb.WithdrawCertificateRequest(registry=REGISTRY, certificate_id=wanted.certificate_id)
    with pytest.raises(PermissionDenied):
        await client.stub.WithdrawCertificate(request)
    with pytest.raises(PermissionDenied):
        await client.stub.ResumeCertificate(
            pb.ResumeCertificateRequest(registry=REGISTRY, certificate_id=wanted.certificate_id)
        )
    await client.close()
    await operator.close()


@pytest.mark.parametrize(
    ("authorization", "status"),
    [("", 401), ("Bearer wrong", 401), ("Basic secret-of-other", 401), ("bearer secret-of-other", 201)],
)
async def test_http_callers_have_tokens(stage: Stage, guarded: StampProcess, authorization: str, status: int) -> None:
    body = {"walletEndpointReference": stage.wallet.create_endpoint()}
    async with aiohttp.ClientSession(f"http://{guarded.http}/") as http:
        async with http.post("v1/recipients", json=body, headers={"authorization": authorization}) as answer:
            assert answer.status == status


async def test_http_callers_issue_in_their_areas_only(stage: Stage, guarded: StampProcess) -> None:
    async with aiohttp.ClientSession(f"http://{guarded.http}/") as http:
        answers: list[int] = []
        for token in ("secret-of-third", "secret-of-other"):
            headers = {"authorization": f"Bearer {token}"}
            reference = {"walletEndpointReference": stage.wallet.create_endpoint()}
            async with http.post("v1/recipients", json=reference, headers=headers) as answer:
                recipient = (await answer.json())["id"]
            body = {
                "recipientId": recipient,
                "registryName": REGISTRY,
                "meteringPointId": "meter",
                "certificate": {
                    "id": str(uuid.uuid4()), "type": 1, "quantity": 5, "start": 1750500000, "end": 1750503600,
                    "gridArea": AREA, "clearTextAttributes": {}, "hashedAttributes": [],
                },
            }  # fmt: skip
            async with http.post("v1/certificates", json=body, headers=headers) as answer:
                answers.append(answer.status)
    assert answers == [403, 202]


async def test_request_ids(stage: Stage, client: StampClient) -> None:
    recipient = await client.recipient(stage.wallet.create_endpoint())
    orders = [order(recipient, 900_000), order(recipient, 900_000)]
    request_id = str(uuid.uuid4())
    first = await client.stamp_all(orders, request_id)
    assert [outcome.WhichOneof("outcome") for outcome in first] == ["accepted", "refused"]
    assert await client.stamp_all(orders, request_id) == first
    with pytest.raises(AlreadyExists):
        await client.stamp_all(orders[:1], request_id)
