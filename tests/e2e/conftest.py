"""A whole mesh with two processes of each service, on mutual TLS, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sealwright_client.client import Sealwright
from sealwright_client.mesh.areas import prepare_area
from sealwright_client.mesh.demo.run import client_profile
from sealwright_sandbox.mesh import Mesh

from tests.support.mesh import open_mesh


@pytest.fixture(scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """The mesh; a test that kills a process starts it again. DK1 has its issuing keys, and the registry trusts them."""
    async with open_mesh(tmp_path_factory.mktemp("mesh"), instances=2) as running:
        async with Sealwright.open(client_profile(running)) as client:
            await prepare_area(client, "DK1", "grid-area-dk1")
        yield running


@pytest.fixture
async def client(mesh: Mesh) -> AsyncIterator[Sealwright]:
    """An operator's client of the mesh."""
    async with Sealwright.open(client_profile(mesh)) as opened:
        yield opened
