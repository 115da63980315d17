"""A running rotator beside a running signer on SoftHSM2, for the tests of a module; and one in the test's process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright.rotator.v1.rotator_service_pb2_grpc import RotatorServiceStub
from sealwright.signer.v1 import key_service_pb2
from sealwright.signer.v1.key_service_pb2_grpc import KeyServiceStub
from sealwright_common.domain.errors import NotFound
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.grpc import Channel
from sealwright_rotator.adapters.postgres import RotatorWork
from sealwright_rotator.codec.resources import encode_event
from sealwright_rotator.main import MIGRATIONS
from sealwright_rotator.ports import World
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from sealwright_sandbox.embedded.softhsm import Token

from tests.integration.rotator.operating import START, FailingSigner, Here
from tests.support.databases import Databases
from tests.support.rotator import RotatorProcess
from tests.support.signer import SignerProcess


@dataclass
class Mesh:
    """Both processes and channels to them as operator."""

    signer: SignerProcess
    rotator: RotatorProcess
    signer_channel: Channel
    channel: Channel
    dsn: str
    """The rotator's database."""
    token: Token

    @property
    def stub(self) -> RotatorServiceStub:
        """The rotator."""
        return RotatorServiceStub(self.channel)


async def wait_authority(stub: RotatorServiceStub) -> None:
    """Returns once the rotator has made its own issuer, which it does right after its start."""
    async with asyncio.timeout(60):
        while True:
            try:
                await stub.GetIssuer(pb.GetIssuerRequest(issuer_type="sealwright-directory"))
            except NotFound:
                await asyncio.sleep(0.05)
            else:
                return


@pytest_asyncio.fixture(scope="module")
async def mesh(
    tmp_path_factory: pytest.TempPathFactory, postgres: Databases, nats_url: str, token: Token
) -> AsyncIterator[Mesh]:
    """A rotator and a signer that are ready."""
    folder = Path(tmp_path_factory.mktemp("mesh"))
    with postgres.fresh("signer") as signer_dsn, postgres.fresh("rotator") as rotator_dsn:
        signer = SignerProcess(folder / "signer", signer_dsn, nats_url, token, {"AUDIT_HEAD_INTERVAL": "PT1S"})
        rotator = RotatorProcess(folder / "rotator", rotator_dsn, nats_url, signer.target, signer.ca)
        signer.start()
        rotator.start()
        channels = signer.channel(), rotator.channel()
        try:
            await signer.wait_ready()
            await rotator.wait_ready()
            await wait_authority(RotatorServiceStub(channels[1]))
            yield Mesh(signer, rotator, *channels, rotator_dsn, token)
        finally:
            for channel in channels:
                await channel.close()
            rotator.stop()
            signer.stop()


async def held(mesh: Mesh) -> list[str]:
    """Every key the signer knows, with the slot it is for, and every object in the token's store."""
    keys = (await KeyServiceStub(mesh.signer_channel).ListKeys(key_service_pb2.ListKeysRequest(page_size=1000))).keys
    objects = sorted(path.name for path in Path(mesh.token.environment["SOFTHSM2_CONF"]).parent.rglob("*.object"))
    assert objects, "the token keeps its objects elsewhere: this would find no orphan"
    return [f"{key.slot.issuer_type} {key.slot.slot} {key.id}" for key in keys] + objects


@pytest_asyncio.fixture
async def here(database_dsn: str) -> AsyncIterator[Here]:
    """A rotator without processes."""
    clock, signer = ManualClock(START), FailingSigner()
    database = Database(
        DatabaseSettings(dsn=SecretStr(database_dsn), pool_size=4),
        work=RotatorWork,
        encode_event=encode_event,
        migrations=MIGRATIONS,
        clock=clock,
    )
    await database.start()
    await database.wait_available()
    world = World(database, signer, clock)
    yield Here(world, clock, signer, database, CreateIssuer(world))
    await database.stop()
