"""A stage and a running stamp for the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.databases import Databases
from tests.support.stamp import Stage, StampClient, StampProcess, open_stage


@pytest_asyncio.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, postgres: Databases, nats_url: str) -> AsyncIterator[Stage]:
    """Signer, registry and wallet."""
    with postgres.fresh() as dsn:
        async with open_stage(tmp_path_factory.mktemp("stage"), dsn, nats_url) as stage:
            yield stage


@pytest_asyncio.fixture(scope="module")
async def stamp(stage: Stage, postgres: Databases) -> AsyncIterator[StampProcess]:
    """A stamp that is ready."""
    with postgres.fresh() as dsn:
        process = stage.stamp(dsn)
        process.start()
        await process.wait_ready()
        yield process
        assert process.stop() == 0, process.tail()


@pytest_asyncio.fixture(scope="module")
async def client(stamp: StampProcess) -> AsyncIterator[StampClient]:
    """Calls it as operator."""
    client = StampClient(stamp)
    yield client
    await client.close()
