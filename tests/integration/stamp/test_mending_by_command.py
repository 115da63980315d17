"""``sealwright stamp stuck|resume|redeliver|withdraw``: what needs a person is listed, mended and no longer listed; a
withdrawal ends as the registry decides."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sealwright.stamp.v1 import resources_pb2 as stamp_pb
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_sandbox.registry.faults import RegistryFaults
from sealwright_sandbox.wallet.faults import WalletFaults

from tests.support.databases import Databases
from tests.support.stamp import Stage, StampClient, in_state, order, stamp_command


@pytest.fixture(autouse=True)
def healed(stage: Stage) -> Iterator[None]:
    yield
    stage.registry.faults = RegistryFaults()
    stage.wallet.faults = WalletFaults()


async def test_redeliver(stage: Stage, client: StampClient, tmp_path: Path) -> None:
    stage.wallet.faults = WalletFaults(refuse_posts=1, refuse_status=404)
    wanted = order(await client.recipient(stage.wallet.create_endpoint()))
    name = wanted.certificate_id
    await client.stamp_all([wanted])
    await client.until(name, lambda one: one.delivery_state == stamp_pb.DELIVERY_STATE_UNDELIVERABLE)
    (listed,) = await stamp_command(client, tmp_path, "stuck")
    assert (listed["certificate"], listed["next"]) == (name, "sealwright stamp redeliver")
    assert listed["delivery_reason"].startswith("HTTP 404")
    shown = await stamp_command(client, tmp_path, "redeliver", name)
    assert shown["certificate"] == name
    await client.delivered(name)
    assert await stamp_command(client, tmp_path, "stuck") == []
    again = await stamp_command(client, tmp_path, "redeliver", name, code=1)
    assert "FAILED_PRECONDITION" in str(again), again


async def test_resume(stage: Stage, postgres: Databases, tmp_path: Path) -> None:
    stage.registry.faults = RegistryFaults(hold=True)
    with postgres.fresh() as dsn:
        process = stage.stamp(dsn, {"STUCK_AFTER": "PT8S", "POLL_LONGEST": "PT0.2S"})
        process.start()
        await process.wait_ready()
        client = StampClient(process)
        wanted = order(await client.recipient(stage.wallet.create_endpoint()))
        name = wanted.certificate_id
        await client.stamp_all([wanted])
        await client.until(name, in_state(stamp_pb.CERTIFICATE_STATE_STUCK))
        (listed,) = await stamp_command(client, tmp_path, "stuck")
        assert (listed["certificate"], listed["next"]) == (name, "sealwright stamp resume")
        stage.registry.faults = RegistryFaults()
        shown = await stamp_command(client, tmp_path, "resume", name)
        assert (shown["certificate"], shown["state"]) == (name, "sent")
        await client.delivered(name)
        again = await stamp_command(client, tmp_path, "resume", name, code=1)
        assert "FAILED_PRECONDITION" in str(again), again
        await client.close()
        assert process.stop() == 0, process.tail()


async def test_withdraw(stage: Stage, client: StampClient, tmp_path: Path) -> None:
    recipient = await client.recipient(stage.wallet.create_endpoint())
    wanted = order(recipient, 500)
    name = wanted.certificate_id
    await client.stamp_all([wanted])
    await client.delivered(name)
    stage.registry.faults = RegistryFaults(hold=True)
    asked = await stamp_command(client, tmp_path, "withdraw", name, "--wait", "0")
    assert (asked["certificate"], asked["state"]) == (name, "withdrawing")
    stage.registry.faults = RegistryFaults()
    await client.until(name, in_state(stamp_pb.CERTIFICATE_STATE_WITHDRAWN))
    again = await stamp_command(client, tmp_path, "withdraw", name, code=1)
    assert "ALREADY_EXISTS" in str(again), again
    # The period is free: another certificate has it, and is withdrawn by a command that waits for the registry.
    other = order(recipient, 500)
    await client.stamp_all([other])
    await client.delivered(other.certificate_id)
    done = await stamp_command(client, tmp_path, "withdraw", other.certificate_id, "--wait", "120")
    assert (done["certificate"], done["state"]) == (other.certificate_id, "withdrawn")
    assert len(stage.registry.stream(other.certificate_id)) == 2
    feed = await client.stub.ListWithdrawn(pb.ListWithdrawnRequest())
    assert [row.certificate_id for row in feed.withdrawn] == [name, other.certificate_id]
    missing = await stamp_command(client, tmp_path, "withdraw", str(uuid.uuid4()), code=1)
    assert "NOT_FOUND" in str(missing), missing


async def test_withdraw_refused_by_the_registry(stage: Stage, client: StampClient, tmp_path: Path) -> None:
    wanted = order(await client.recipient(stage.wallet.create_endpoint()), 501)
    await client.stamp_all([wanted])
    await client.delivered(wanted.certificate_id)
    stage.registry.faults = RegistryFaults(fail={"*": "not yours"})
    refused = await stamp_command(client, tmp_path, "withdraw", wanted.certificate_id, "--wait", "120", code=1)
    assert "the registry refused the withdrawal" in str(refused), refused
    status = await stamp_command(client, tmp_path, "status", wanted.certificate_id)
    assert "not yours" in str(status), status
