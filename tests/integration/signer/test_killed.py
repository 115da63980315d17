"""A signer killed between making key pairs and recording them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from sealwright.signer.v1 import resources_pb2
from sealwright_common.domain.errors import Code, Problem
from sealwright_sandbox.embedded.softhsm import Token

from tests.integration.signer.test_keys_and_signing import create, spec
from tests.support.signer import SignerProcess


def objects(token: Token) -> set[str]:
    """What the token has: SoftHSM keeps each object in a file."""
    return {path.name for path in token.config.parent.rglob("*.object")}


async def _create(signer: SignerProcess, request_id: str, *algorithms: str) -> list[resources_pb2.Key]:
    """By a channel of its own: one that has seen its server die waits before it connects again."""
    channel = signer.channel()
    try:
        return await create(channel, *map(spec, algorithms), request_id=request_id)
    finally:
        await channel.close()


@pytest.mark.promise(1)
async def test_pairs_that_were_never_recorded_are_removed(
    tmp_path: Path, module_database_dsn: str, nats_url: str, token: Token
) -> None:
    signer = SignerProcess(tmp_path, module_database_dsn, nats_url, token)
    signer.start()
    connection = await asyncpg.connect(module_database_dsn)
    try:
        await signer.wait_ready(60)
        (kept,) = await _create(signer, "kept", "ES256")
        before = objects(token)
        await asyncio.to_thread(signer.stop)

        signer.start("signer.keys_made")
        await signer.wait_ready(60)
        with pytest.raises(Problem) as died:
            await _create(signer, "killed", "ES256", "EDDSA")
        assert died.value.code is Code.UNAVAILABLE, (died.value, signer.tail())
        await signer.wait_killed()
        assert len(objects(token) - before) == 4
        begun = [row["id"] for row in await connection.fetch("select id from key_making")]
        assert len(begun) == 2

        # As if it had happened a while ago.
        await connection.execute("update key_making set begun_time = begun_time - interval '11 minutes'")
        signer.start()
        await signer.wait_ready(60)
        async with asyncio.timeout(30):
            while await connection.fetchval("select count(*) from key_making"):
                await asyncio.sleep(0.05)
        assert objects(token) == before
        again = await _create(signer, "killed", "ES256", "EDDSA")
        assert not {UUID(key.id) for key in again} & set(begun)
        stored = {row["id"] for row in await connection.fetch("select id from signing_key")}
        assert stored == {UUID(key.id) for key in (kept, *again)}
        assert await connection.fetchval("select count(*) from key_making") == 0
    finally:
        await connection.close()
        await asyncio.to_thread(signer.stop)
