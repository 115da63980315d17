"""A running signer for the tests of a module, on SoftHSM2."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sealwright_common.runtime.grpc import Channel
from sealwright_sandbox.embedded.softhsm import Token

from tests.support.signer import SignerProcess


@pytest_asyncio.fixture(scope="module")
async def signer(
    tmp_path_factory: pytest.TempPathFactory, module_database_dsn: str, nats_url: str, token: Token
) -> AsyncIterator[SignerProcess]:
    """A signer that is ready."""
    process = SignerProcess(Path(tmp_path_factory.mktemp("signer")), module_database_dsn, nats_url, token)
    process.start()
    try:
        await process.wait_ready()
        yield process
    finally:
        process.stop()


@pytest_asyncio.fixture(scope="module")
async def channel(signer: SignerProcess) -> AsyncIterator[Channel]:
    """A channel to the signer as operator."""
    channel = signer.channel()
    yield channel
    await channel.close()
