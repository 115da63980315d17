"""Each service killed in the middle of the chain: every slice arrives, once."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from sealwright.stamp.v1 import stamp_service_pb2 as stamp_service
from sealwright_client.client import Sealwright
from sealwright_sandbox.mesh import Mesh, Service

from tests.support.energy import assert_each_once, open_recipient, orders, slices_of

COUNT = 60


@pytest.mark.promise(1)
@pytest.mark.parametrize("victim", list(Service))
async def test_every_slice_arrives_once_though_both_processes_of_a_service_are_killed(
    mesh: Mesh, client: Sealwright, victim: Service
) -> None:
    """SIGKILL to one process while orders run, to the other right after: no order, no slice is lost or doubled."""
    recipient, _ = await open_recipient(client)
    wanted = orders(recipient, COUNT, f"killed-{victim}-{uuid.uuid4()}")
    request = stamp_service.StampCertificatesRequest(request_id=str(uuid.uuid4()), certificates=wanted)
    answer = await client.stamp.StampCertificates(request)
    assert all(one.HasField("accepted") for one in answer.outcomes), answer.outcomes
    first = asyncio.create_task(slices_of(client, wanted))
    for number in (0, 1):
        mesh.kill(victim, number)
        await mesh.restart(victim, number)
    found = await first
    assert_each_once(found, wanted)
    assert all(one["deliveries"] == 1 for one in found) or victim is Service.STAMP


@pytest.mark.promise(10)
async def test_a_repeated_order_is_answered_by_the_stored_answer_of_the_other_process(
    mesh: Mesh, client: Sealwright
) -> None:
    """The same request id and body over a new connection, after the process that answered first was killed."""
    recipient, _ = await open_recipient(client)
    wanted = orders(recipient, 3, f"repeated-{uuid.uuid4()}")
    request = stamp_service.StampCertificatesRequest(request_id=str(uuid.uuid4()), certificates=wanted)
    first = await client.stamp.StampCertificates(request)
    mesh.kill(Service.STAMP, 0)
    await mesh.restart(Service.STAMP, 0)
    assert await client.stamp.StampCertificates(request) == first
    assert_each_once(await slices_of(client, wanted), wanted)
