"""Two instances of certify on one database: what one of them saw counts at the other, and after a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from sealwright_sandbox.holder import SandboxHolders
from sealwright_sandbox.mesh.options import Service

from tests.support.certify import Issuing, rid
from tests.support.mesh import open_mesh

pytestmark = pytest.mark.timeout(300)

USES = 1000


@pytest.fixture(scope="module")
async def twins(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Issuing]:
    """Two processes of signer, rotator and certify."""
    guards = {
        "SEALWRIGHT_CERTIFY_DOOR__REQUESTS_PER_SOURCE": "100000",
        "SEALWRIGHT_CERTIFY_DOOR__REQUESTS_PER_DID": "100000",
    }
    services = (Service.SIGNER, Service.ROTATOR, Service.CERTIFY)
    holders = SandboxHolders()
    await holders.start()
    folder = tmp_path_factory.mktemp("twins")
    async with open_mesh(
        folder, services=services, instances=2, sandbox=False, environment={Service.CERTIFY: guards}
    ) as mesh:
        issuing = await Issuing.open(mesh, holders, "default")
        yield issuing
        await issuing.client.close()
    await holders.stop()


def doors(issuing: Issuing) -> list[str]:
    """The credential endpoint of each instance."""
    found = [running.listeners for running in issuing.mesh.services[Service.CERTIFY]]
    return [f"http://{listeners.http}/dcp/{issuing.tenant}/credentials" for listeners in found if listeners is not None]


@pytest.mark.promise(22)
async def test_a_token_is_good_once_on_two_instances_and_after_a_restart(twins: Issuing) -> None:
    """1000 uses at once, half at each instance: one is accepted; none is after both have started anew."""
    name = await twins.member()
    holder = twins.holders.holder(name)
    headers = {"authorization": f"Bearer {holder.token(twins.did)}"}

    async def use(session: aiohttp.ClientSession, door: str) -> int:
        body: dict[str, Any] = holder.request(rid(), ["MembershipCredential"])
        async with session.post(door, data=json.dumps(body), headers=headers) as reply:
            await reply.read()
            return reply.status

    urls = doors(twins)
    assert len(urls) == 2
    async with aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(use(session, urls[number % 2]) for number in range(USES)))
    assert answers.count(201) == 1
    # Under such a flood an instance may shed; it never accepts twice.
    assert set(answers) <= {201, 401, 429, 503}
    for number in range(2):
        await twins.mesh.restart(Service.CERTIFY, number)
    async with aiohttp.ClientSession() as session:
        assert [await use(session, door) for door in doors(twins)] == [401, 401]
