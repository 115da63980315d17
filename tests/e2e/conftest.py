"""A whole mesh with two processes of each service, on mutual TLS, shared by the tests of this folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.rotator.v1 import rotator_service_pb2 as rotator_service
from sealwright_client.client import Sealwright
from sealwright_client.mesh.connecting import client_profile
from sealwright_client.mesh.trust import RegistryTrust
from sealwright_common.domain.errors import Problem
from sealwright_sandbox.mesh import Mesh

from tests.support.mesh import open_mesh

TRUST_SECONDS = 0.5


@pytest.fixture(scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """The mesh; a test that kills a process starts it again. DK1 has issuing keys; the registry follows all areas."""
    async with open_mesh(tmp_path_factory.mktemp("mesh"), instances=2) as running:
        async with Sealwright.open(client_profile(running)) as client:
            await client.rotator.CreateIssuer(
                rotator_service.CreateIssuerRequest(
                    issuer_type=running.options.grid_areas["DK1"],
                    schedule=rotator.Schedule(duration="P1M", buffer=2, overlap=1),
                    algorithm=keys_pb2.KEY_ALGORITHM_EDDSA,
                    purpose=keys_pb2.KEY_PURPOSE_TRANSACTION,
                )
            )
            admin = running.profile.sandbox["registry_admin"]
            trust = RegistryTrust(client, admin, running.options.grid_areas)
            await trust.update()
            following = asyncio.create_task(_follow(trust))
            yield running
            following.cancel()
            await asyncio.wait({following})


async def _follow(trust: RegistryTrust) -> None:
    while True:
        await asyncio.sleep(TRUST_SECONDS)
        with suppress(Problem):  # the rotator may be the process that a test has killed
            await trust.update()


@pytest.fixture
async def client(mesh: Mesh) -> AsyncIterator[Sealwright]:
    """An operator's client of the mesh."""
    async with Sealwright.open(client_profile(mesh)) as opened:
        yield opened
