"""The local schedule beside a real rotator: learned from events, rebuilt from a snapshot, not trusted when too old."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from sealwright.common.v1 import errors_pb2, keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.rotator.v1 import rotator_service_pb2, rotator_service_pb2_grpc
from sealwright.signer.v1 import key_service_pb2, key_service_pb2_grpc, token_service_pb2
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.clock import ManualClock
from sealwright_sandbox.embedded.softhsm import Token
from sealwright_signer.crypto.voprf import VOPRF_RISTRETTO255
from sealwright_signer.subscriptions.schedule import ScheduleFeed

from tests.integration.signer.issuers import blind_sign, until_known
from tests.support import blinding
from tests.support.databases import Databases
from tests.support.rotator import RotatorProcess
from tests.support.signer import SignerProcess

OK = token_service_pb2.BLIND_SIGN_STATUS_OK


@dataclass(frozen=True, slots=True)
class Pair:
    """A signer and a rotator."""

    signer: SignerProcess
    rotator: RotatorProcess
    signer_dsn: str
    issuers: rotator_service_pb2_grpc.RotatorServiceStub


@pytest_asyncio.fixture(scope="module")
async def pair(
    tmp_path_factory: pytest.TempPathFactory, postgres: Databases, nats_url: str, token: Token
) -> AsyncIterator[Pair]:
    folder = Path(tmp_path_factory.mktemp("pair"))
    with postgres.fresh() as signer_dsn, postgres.fresh() as rotator_dsn:
        signer = SignerProcess(folder, signer_dsn, nats_url, token)
        beside = RotatorProcess(folder, rotator_dsn, nats_url, signer.target, signer.ca)
        signer.environment["SEALWRIGHT_SIGNER_ROTATOR"] = beside.target
        signer.start()
        beside.start()
        try:
            await signer.wait_ready()
            await beside.wait_ready()
            channel = beside.channel("operator")
            yield Pair(signer, beside, signer_dsn, rotator_service_pb2_grpc.RotatorServiceStub(channel))
            await channel.close()
        finally:
            await asyncio.to_thread(beside.stop)
            await asyncio.to_thread(signer.stop)


async def create(pair: Pair, name: str) -> list[rotator.IssuerKey]:
    request = rotator_service_pb2.CreateIssuerRequest(
        issuer_type=name,
        schedule=rotator.Schedule(duration="P1D", buffer=2, overlap=1),
        algorithm=keys_pb2.KEY_ALGORITHM_VOPRF_RISTRETTO255,
        purpose=keys_pb2.KEY_PURPOSE_BLIND_SIGNATURE,
        max_tokens=5,
    )
    return list((await pair.issuers.CreateIssuer(request, timeout=60)).keys)


def tokens(count: int) -> list[bytes]:
    return [blinding.voprf_blind(VOPRF_RISTRETTO255, os.urandom(8)).blinded for _ in range(count)]


async def test_an_issuer_of_the_rotator_signs_blindly(pair: Pair) -> None:
    keys = await create(pair, "live")
    channel = pair.signer.channel()
    await until_known(channel, "live")
    results = await blind_sign(channel, "live", tokens(3), "live 1")
    assert [(r.status, r.key_id, r.slot) for r in results] == [(OK, key.key_id, key.slot) for key in keys]
    assert [r.window for r in results] == [key.window for key in keys]

    await pair.issuers.MarkCompromised(
        rotator_service_pb2.MarkCompromisedRequest(issuer_type="live", slot=0, comment="test"), timeout=60
    )
    stub = key_service_pb2_grpc.KeyServiceStub(channel)
    state = keys_pb2.KEY_STATE_ACTIVE
    for _ in range(200):
        state = (await stub.GetKey(key_service_pb2.GetKeyRequest(key_id=keys[0].key_id))).key.state
        if state == keys_pb2.KEY_STATE_COMPROMISED:
            break
        await asyncio.sleep(0.05)
    assert state == keys_pb2.KEY_STATE_COMPROMISED
    for attempt in range(200):
        try:
            results = await blind_sign(channel, "live", tokens(3), f"live 2 {attempt}")
        except Unavailable:
            continue  # the replacement is being made: an outage, not an answer
        if keys[0].key_id not in [r.key_id for r in results]:
            break
    assert [r.status for r in results] == [OK] * 3
    assert keys[0].key_id not in [r.key_id for r in results]

    await pair.issuers.RetireIssuer(rotator_service_pb2.RetireIssuerRequest(issuer_type="live"), timeout=60)
    for attempt in range(200):
        results = await blind_sign(channel, "live", tokens(3), f"live 3 {attempt}")
        if results[0].status != OK:
            break
    assert results[0].error_reason == errors_pb2.ERROR_REASON_NO_ACTIVE_KEY
    await channel.close()


async def test_the_snapshot_rebuilds_a_lost_copy(pair: Pair) -> None:
    await create(pair, "lost")
    channel = pair.signer.channel()
    await until_known(channel, "lost")
    await channel.close()
    await asyncio.to_thread(pair.signer.stop)
    connection = await asyncpg.connect(pair.signer_dsn)
    await connection.execute("delete from issuer")
    await connection.close()
    pair.signer.start()
    await pair.signer.wait_ready()
    channel = pair.signer.channel()
    await until_known(channel, "lost")
    assert [r.status for r in await blind_sign(channel, "lost", tokens(6), "lost")] == [OK] * 3
    await channel.close()


class Quiet:
    """A consumer that is, or is not, connected."""

    def __init__(self) -> None:
        self.problem: str | None = None

    def ready(self) -> str | None:
        return self.problem


async def test_a_stale_copy_is_not_trusted() -> None:
    clock = ManualClock(datetime(2025, 6, 1, tzinfo=UTC))
    feed = ScheduleFeed(None, None, timedelta(minutes=5), clock, None)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        feed.check()
    events = Quiet()
    feed.watch(events)  # type: ignore[arg-type]
    feed.check()
    events.problem = "the broker is away"
    await clock.advance(timedelta(minutes=5))
    feed.check()
    await clock.advance(timedelta(seconds=1))
    with pytest.raises(Unavailable) as stale:
        feed.check()
    assert stale.value.retry_after is not None
    events.problem = None
    feed.check()
