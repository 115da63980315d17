"""Issuers created through rotator and signer, processes with mTLS, beside what the token makes when nobody else asks.

Counted in keys: a daily issuer with a buffer of one begins with two, since the next one is public a day before its
window. The token alone is asked by as many sessions as the signer has for making keys, the way it does best.
`BENCH_ISSUERS` is the number of issuers (default 200, three times; more than 1,000 are created once).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright.rotator.v1.rotator_service_pb2_grpc import RotatorServiceStub
from sealwright_sandbox.data import packages_folder
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database
from sealwright_sandbox.embedded.softhsm import Token, find_softhsm, make_token
from sealwright_signer.config import SignerSettings

from bench.framework import Row, alternate
from tests.support.rotator import RotatorProcess
from tests.support.signer import SignerProcess

ISSUERS = int(os.environ.get("BENCH_ISSUERS", "200"))
KEYS = 2 * ISSUERS
IN_FLIGHT = 100
SESSIONS: int = SignerSettings.model_fields["makers"].default
GOAL = 0.6


def _raw(token: Token) -> float:
    """Ed25519 key pairs per second, by a process that does nothing else with the token."""
    code = f"""
import time
from concurrent.futures import ThreadPoolExecutor
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_signer.adapters.pkcs11 import Pkcs11Hsm
from sealwright_signer.adapters.roots import Pkcs11Root
hsm = Pkcs11Hsm(Pkcs11Root(module={str(token.module)!r}, label={token.label!r}, pin={token.pin!r}))
def make(label):
    hsm.generate(label, KeyAlgorithm.EDDSA, 2048)
with ThreadPoolExecutor({SESSIONS}) as pool:
    list(pool.map(make, [f"warm-{{n}}" for n in range({SESSIONS})]))
    started = time.perf_counter()
    list(pool.map(make, [f"key-{{n}}" for n in range({KEYS})]))
    print({KEYS} / (time.perf_counter() - started))
"""
    environment = os.environ | token.environment
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(out.stdout)


async def _created(rotator: RotatorProcess, prefix: str) -> float:
    """Keys per second of issuers that are created."""
    channel = rotator.channel()
    stub, gate = RotatorServiceStub(channel), asyncio.Semaphore(IN_FLIGHT)
    schedule = resources_pb2.Schedule(duration="P1D", buffer=1, mode=resources_pb2.SCHEDULE_MODE_SPARE)

    async def create(n: int) -> int:
        request = pb.CreateIssuerRequest(
            issuer_type=f"{prefix}-{n}", schedule=schedule, purpose=keys_pb2.KEY_PURPOSE_TRANSACTION
        )
        async with gate:
            return len((await stub.CreateIssuer(request, timeout=300)).keys)

    started = time.perf_counter()
    keys = sum(await asyncio.gather(*(create(n) for n in range(ISSUERS))))
    rate = keys / (time.perf_counter() - started)
    await channel.close()
    if keys != KEYS:
        raise RuntimeError(f"{keys} keys instead of {KEYS}")
    return rate


def _through(folder: Path, server: PostgresServer, nats: NatsServer, token: Token, n: int) -> float:
    signer = SignerProcess(folder / f"signer{n}", create_database(server.dsn, f"signer_{n}"), nats.url, token)
    rotator = RotatorProcess(
        folder / f"rotator{n}", create_database(server.dsn, f"rotator_{n}"), nats.url, signer.target, signer.ca
    )
    signer.start()
    rotator.start()

    async def measured() -> float:
        await signer.wait_ready()
        await rotator.wait_ready()
        return await _created(rotator, f"bench{n}")

    try:
        return asyncio.run(measured())
    finally:
        rotator.stop()
        signer.stop()


def bench() -> Iterator[Row]:
    """Issuers against bare key pairs, each time in a fresh token."""
    softhsm = find_softhsm(packages_folder())
    numbers = iter(range(1000))
    with (
        tempfile.TemporaryDirectory() as name,
        PostgresServer(Path(name) / "postgres") as server,
        NatsServer(Path(name) / "nats") as nats,
    ):
        folder = Path(name)

        def fresh() -> Token:
            return make_token(softhsm, folder / f"token{next(numbers)}")

        figures = alternate(
            {
                "issuers": lambda: _through(folder, server, nats, fresh(), next(numbers)),
                "key pairs": lambda: _raw(fresh()),
            },
            3 if ISSUERS <= 1000 else 1,
        )
    yield Row(
        f"rotator creates {ISSUERS} issuers of two keys",
        figures["issuers"],
        f"Ed25519 key pairs made by the token alone, {SESSIONS} sessions",
        figures["key pairs"],
        GOAL,
        "keys/s",
    )
