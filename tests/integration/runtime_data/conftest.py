"""Fixtures of the data half of the runtime."""

from __future__ import annotations

import json

import nats
import pytest
from sealwright_sandbox.embedded.nats import NatsServer

from tests.integration.runtime_data.probe import Mesh


async def delete_stream(url: str) -> None:
    """Takes the probe's stream away with everything in it, as a broker that lost its disk would."""
    client = await nats.connect(url)
    try:
        answer = await client.request("$JS.API.STREAM.DELETE.sealwright_probe", b"", timeout=5)
        assert json.loads(answer.data).get("success") or "error" in json.loads(answer.data)
    finally:
        await client.close()


@pytest.fixture
async def broker_url(nats: NatsServer) -> str:
    """A broker without the probe's stream."""
    await delete_stream(nats.url)
    return nats.url


@pytest.fixture
def mesh(database_dsn: str, broker_url: str) -> Mesh:
    return Mesh(database_dsn, broker_url)
