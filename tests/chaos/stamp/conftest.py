"""A stage for the tests of a module; each test starts its own stamps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.databases import Databases
from tests.support.stamp import Stage, open_stage


@pytest_asyncio.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, postgres: Databases, nats_url: str) -> AsyncIterator[Stage]:
    """Signer, registry and wallet."""
    with postgres.fresh() as dsn:
        async with open_stage(tmp_path_factory.mktemp("stage"), dsn, nats_url) as stage:
            yield stage
