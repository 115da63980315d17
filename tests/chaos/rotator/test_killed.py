"""The rotator's process is killed between any two steps: nothing is lost, no key is made twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright.rotator.v1.rotator_service_pb2_grpc import RotatorServiceStub
from sealwright.signer.v1 import key_service_pb2
from sealwright.signer.v1.key_service_pb2_grpc import KeyServiceStub
from sealwright_common.domain.errors import NotFound, Problem
from sealwright_common.runtime.grpc import Channel
from sealwright_sandbox.embedded.softhsm import Token

from tests.integration.rotator.conftest import wait_authority
from tests.support.databases import Databases
from tests.support.rotator import RotatorProcess
from tests.support.signer import SignerProcess


@dataclass
class Doomed:
    """A rotator that is killed and started again beside a signer that lives."""

    signer: SignerProcess
    rotator: RotatorProcess

    channel: Channel | None = None

    async def start(self, fault: str = "") -> RotatorServiceStub:
        """Starts the rotator, to die at ``fault``; a stub over a connection of its own."""
        self.rotator.start(fault)
        await self.rotator.wait_ready()
        await self.hang_up()
        self.channel = self.rotator.channel()
        return RotatorServiceStub(self.channel)

    async def hang_up(self) -> None:
        """Closes the connection."""
        if self.channel is not None:
            await self.channel.close()
            self.channel = None

    async def died(self) -> None:
        """Returns once it is dead."""
        await self.rotator.wait_killed()

    async def held(self, name: str) -> list[int]:
        """The slots of an issuer for which the token holds keys."""
        channel = self.signer.channel()
        answer = await KeyServiceStub(channel).ListKeys(
            key_service_pb2.ListKeysRequest(issuer_type=name, page_size=1000)
        )
        await channel.close()
        return sorted(key.slot.slot for key in answer.keys)


@pytest_asyncio.fixture(scope="module")
async def doomed(
    tmp_path_factory: pytest.TempPathFactory, postgres: Databases, nats_url: str, token: Token
) -> AsyncIterator[Doomed]:
    """Both, the rotator's own issuer made."""
    folder = Path(tmp_path_factory.mktemp("doomed"))
    with postgres.fresh("signer") as signer_dsn, postgres.fresh("rotator") as rotator_dsn:
        signer = SignerProcess(folder / "signer", signer_dsn, nats_url, token)
        rotator = RotatorProcess(folder / "rotator", rotator_dsn, nats_url, signer.target, signer.ca)
        signer.start()
        await signer.wait_ready()
        both = Doomed(signer, rotator)
        await wait_authority(await both.start())
        rotator.kill()
        try:
            yield both
        finally:
            await both.hang_up()
            rotator.stop()
            signer.stop()


def request(name: str) -> pb.CreateIssuerRequest:
    """An issuer of three keys, one active."""
    return pb.CreateIssuerRequest(
        request_id=name,
        issuer_type=name,
        schedule=resources_pb2.Schedule(duration="P1D", buffer=2, overlap=1, mode=resources_pb2.SCHEDULE_MODE_SPARE),
        purpose=keys_pb2.KEY_PURPOSE_TRANSACTION,
    )


@pytest.mark.promise(1)
@pytest.mark.parametrize("point", ["rotator.planned", "rotator.made"])
@pytest.mark.parametrize("by", ["the caller", "the job"])
async def test_a_creation_is_finished_once(doomed: Doomed, point: str, by: str) -> None:
    name = f"{point}-{by.replace(' ', '-')}"
    stub = await doomed.start(point)
    with pytest.raises(Problem):
        await stub.CreateIssuer(request(name), timeout=3)
    await doomed.died()
    stub = await doomed.start()
    try:
        if by == "the caller":
            answer = await stub.CreateIssuer(request(name), timeout=20)
            assert [key.slot for key in answer.keys] == [0, 1, 2]
        async with asyncio.timeout(30):
            while True:
                try:
                    await stub.GetIssuer(pb.GetIssuerRequest(issuer_type=name))
                    break
                except NotFound:
                    await asyncio.sleep(0.1)
        keys = (await stub.ListKeys(pb.ListKeysRequest(issuer_type=name))).keys
        assert [key.slot for key in keys] == [0, 1, 2]
        assert await doomed.held(name) == [0, 1, 2], "no key in the token that nobody knows of, none twice"
    finally:
        doomed.rotator.kill()


@pytest.mark.promise(1)
@pytest.mark.parametrize("point", ["rotator.told", "rotator.condemned"])
async def test_an_operators_verb_can_be_repeated(doomed: Doomed, point: str) -> None:
    stub = await doomed.start()
    await stub.CreateIssuer(request(point), timeout=20)
    doomed.rotator.kill()
    stub = await doomed.start(point)
    told = point == "rotator.told"
    rotate = pb.RotateNowRequest(request_id="r", issuer_type=point, slot=1)
    condemn = pb.MarkCompromisedRequest(request_id="c", issuer_type=point, slot=0, comment="drill")
    with pytest.raises(Problem):
        await (stub.RotateNow(rotate, timeout=3) if told else stub.MarkCompromised(condemn, timeout=3))
    await doomed.died()
    stub = await doomed.start()
    try:
        if told:
            assert (await stub.RotateNow(rotate)).rotated
        else:
            assert (await stub.MarkCompromised(condemn)).successor.slot == 1
        active = (await stub.GetActiveKeys(pb.GetActiveKeysRequest(issuer_type=point))).keys
        assert [key.slot for key in active] == [1]
        async with asyncio.timeout(20):
            while await doomed.held(point) != [0, 1, 2, 3]:
                await asyncio.sleep(0.1)
    finally:
        doomed.rotator.kill()
