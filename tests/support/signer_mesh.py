"""A signer with everything it needs, for benches: embedded PostgreSQL, NATS and SoftHSM2 in a temporary folder."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sealwright_sandbox.data import packages_folder
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database
from sealwright_sandbox.embedded.softhsm import Token, find_softhsm, make_token

from tests.support.signer import SignerProcess


@dataclass(frozen=True, slots=True)
class SignerMesh:
    """What runs."""

    signer: SignerProcess
    token: Token
    nats_url: str
    dsn: str
    folder: Path


@asynccontextmanager
async def signer_mesh() -> AsyncIterator[SignerMesh]:
    """A ready signer; everything stops at the end."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = make_token(find_softhsm(packages_folder()), folder / "token")
        with PostgresServer(folder / "postgres") as postgres, NatsServer(folder / "nats") as nats:
            dsn = create_database(postgres.dsn, "sealwright_signer", None)
            quiet = {"TELEMETRY__LOG_LEVEL": "WARNING", "TELEMETRY__SAMPLE_RATIO": "1.0"}
            signer = SignerProcess(folder / "signer", dsn, nats.url, token, quiet)
            signer.start()
            try:
                await signer.wait_ready(60)
                yield SignerMesh(signer, token, nats.url, dsn, folder)
            finally:
                await asyncio.to_thread(signer.stop)
