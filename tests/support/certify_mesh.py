"""Fixtures: one small mesh for all of certify's tests of a process, its holders and its tenants."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sealwright_sandbox.embedded.ports import free_port
from sealwright_sandbox.holder import HolderFaults, SandboxHolders
from sealwright_sandbox.mesh import Mesh
from sealwright_sandbox.mesh.options import Service

from tests.support.certify import Issuing
from tests.support.mesh import open_mesh

NewTenant = Callable[..., Awaitable[Issuing]]


@dataclass(frozen=True)
class Outside:
    """Where certify was told to find what is not ours; nothing listens there before a test starts it."""

    database_port: int
    plugin_port: int

    @property
    def environment(self) -> dict[str, str]:
        """The settings that say so."""
        dsn = f"postgresql://certify_reader:reader@127.0.0.1:{self.database_port}/register"
        plugin = {"target": f"127.0.0.1:{self.plugin_port}"}
        return {
            "SEALWRIGHT_CERTIFY_DATA_SOURCES": json.dumps({"register": dsn}),
            "SEALWRIGHT_CERTIFY_PLUGINS": json.dumps({"checks": plugin}),
        }


@pytest.fixture(scope="session")
def outside() -> Outside:
    """Ports for a database and a plugin of somebody else."""
    return Outside(free_port(), free_port())


@pytest.fixture(scope="session")
def small_mesh_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the small mesh keeps its data."""
    return tmp_path_factory.mktemp("certify")


@pytest.fixture(scope="session")
async def small_mesh(small_mesh_folder: Path, outside: Outside) -> AsyncIterator[Mesh]:
    """Signer, rotator and certify, one process each."""
    services = (Service.SIGNER, Service.ROTATOR, Service.CERTIFY)
    # Tests come from one address and one holder at any speed; the guards have tests of their own.
    guards = {
        "SEALWRIGHT_CERTIFY_DOOR__REQUESTS_PER_SOURCE": "100000",
        "SEALWRIGHT_CERTIFY_DOOR__REQUESTS_PER_DID": "100000",
    }
    environment = {Service.CERTIFY: {**guards, **outside.environment}}
    async with open_mesh(small_mesh_folder, services=services, sandbox=False, environment=environment) as mesh:
        yield mesh


@pytest.fixture(scope="session")
async def all_holders() -> AsyncIterator[SandboxHolders]:
    """The holders' server."""
    holders = SandboxHolders()
    await holders.start()
    yield holders
    await holders.stop()


@pytest.fixture
def holders(all_holders: SandboxHolders) -> SandboxHolders:
    """The holders, behaving."""
    all_holders.faults = HolderFaults()
    return all_holders


@pytest.fixture(scope="session")
async def shared_issuing(small_mesh: Mesh, all_holders: SandboxHolders) -> AsyncIterator[Issuing]:
    """A tenant with the seed's definition."""
    issuing = await Issuing.open(small_mesh, all_holders, "default")
    yield issuing
    await issuing.client.close()


@pytest.fixture
def issuing(shared_issuing: Issuing, holders: SandboxHolders) -> Issuing:
    """The shared tenant, holders behaving."""
    return shared_issuing


@pytest.fixture
async def new_tenant(small_mesh: Mesh, holders: SandboxHolders) -> AsyncIterator[NewTenant]:
    """Makes further tenants."""
    made: list[Issuing] = []

    async def make(**policy: Any) -> Issuing:
        issuing = await Issuing.open(small_mesh, holders, f"t{uuid.uuid4().hex[:8]}", **policy)
        made.append(issuing)
        return issuing

    yield make
    for issuing in made:
        await issuing.client.close()
