"""kill -9 between any two steps: every holder has each credential once, every index belongs to one credential."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import aiohttp
import pytest
from sealwright_common.domain.errors import Unavailable
from sealwright_sandbox.holder import SandboxHolders
from sealwright_sandbox.mesh.options import Service

from tests.support.certify import Issuing, template_definition
from tests.support.mesh import open_mesh

pytestmark = pytest.mark.timeout(300)

HOLDERS = 20
DEFINITIONS = ("MembershipCredential", "DataAuditCredential")
POINTS = ("certify.accepted", "certify.reserved", "certify.signed", "certify.generated", "certify.delivered")


@pytest.fixture(scope="module")
async def mortal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Issuing]:
    """A mesh of our own, whose processes we may kill; leases are left as they are."""
    services = (Service.SIGNER, Service.ROTATOR, Service.CERTIFY)
    folder = tmp_path_factory.mktemp("kill")
    holders = SandboxHolders()
    await holders.start()
    lease = {Service.CERTIFY: {"SEALWRIGHT_CERTIFY_LEASE": "PT4S"}}
    async with open_mesh(folder, services=services, sandbox=False, environment=lease) as mesh:
        issuing = await Issuing.open(mesh, holders, "default")
        await issuing.define(template_definition("DataAuditCredential"))
        yield issuing
        await issuing.client.close()
    await holders.stop()


@pytest.mark.promise(1)
@pytest.mark.parametrize("point", POINTS)
async def test_r11_r28_certify_dies_at_each_step(mortal: Issuing, point: str) -> None:
    """R11, R28: killed at the fault point in mid-load and started again; requests without an answer are repeated."""
    child = mortal.mesh.services[Service.CERTIFY][0].child
    child.env = {**(child.env or {}), "SEALWRIGHT_FAULT": f"{point}:4"}
    await mortal.mesh.restart(Service.CERTIFY)
    child.env = {name: value for name, value in child.env.items() if name != "SEALWRIGHT_FAULT"}
    members = await _members(mortal)
    requests = asyncio.gather(*(_persist(mortal, name) for name in members))
    async with asyncio.timeout(30):
        while child.running:
            await asyncio.sleep(0.05)
    await mortal.mesh.restart(Service.CERTIFY)
    await requests

    await _all_served(mortal, members)


@pytest.mark.promise(1)
@pytest.mark.parametrize("service", [Service.SIGNER, Service.CERTIFY])
async def test_r11_a_service_dies_in_the_middle(mortal: Issuing, service: Service) -> None:
    """SIGKILL at an arbitrary moment of signer or certify."""
    members = await _members(mortal)
    requests = asyncio.gather(*(_persist(mortal, name) for name in members))
    await asyncio.sleep(0.3)
    mortal.mesh.kill(service)
    await mortal.mesh.restart(service)
    await requests
    await _all_served(mortal, members)


async def _members(issuing: Issuing) -> list[str]:
    """Onboarded holders; the client's connection may still be in its back-off after the last crash."""
    async with asyncio.timeout(60):
        while True:
            try:
                return [await issuing.member() for _ in range(HOLDERS)]
            except Unavailable:
                await asyncio.sleep(0.5)


async def _persist(issuing: Issuing, name: str) -> None:
    """Asks until there is an answer, always with the same holderPid, as a careful holder does."""
    pid = str(uuid.uuid4())
    async with asyncio.timeout(90):
        while True:
            try:
                status, _ = await issuing.ask(name, *DEFINITIONS, holder_pid=pid)
                if status == 201:
                    return
                assert status in (429, 500, 503), status
            except (aiohttp.ClientError, OSError):
                pass
            await asyncio.sleep(0.3)


async def _all_served(issuing: Issuing, members: list[str]) -> None:
    dids = [issuing.holders.holder(name).did for name in members]
    async with asyncio.timeout(120):
        while True:
            open_ = await issuing.rows(
                """select state, phase, error_detail from issuance_process
                   where holder_did = any($1) and state <> 'DELIVERED'""",
                dids,
            )
            if not open_:
                break
            assert not [row for row in open_ if row["state"] == "ERRORED"], open_
            await asyncio.sleep(0.2)
    for name in members:
        held = issuing.holders.holder(name).credentials()
        assert set(held), name
        # A holder that asked again after it was served, because it never saw the answer, has a second request's set.
        processes = await issuing.rows(
            "select id from issuance_process where holder_did = $1", issuing.holders.holder(name).did
        )
        assert len(set(held)) == len(DEFINITIONS) * len(processes)
    rows = await issuing.rows(
        """select e.list_id, e.idx from status_entry e join credential c on c.id = e.credential_id
           where c.holder_did = any($1)""",
        dids,
    )
    assert len({(row["list_id"], row["idx"]) for row in rows}) == len(rows)
