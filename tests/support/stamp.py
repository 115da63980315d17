"""A stamp as a process of its own, with all it needs for real: signer, registry, wallet, PostgreSQL and NATS."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.common.v1 import interval_pb2, keys_pb2
from sealwright.signer.v1 import key_service_pb2, key_service_pb2_grpc, resources_pb2
from sealwright.stamp.v1 import resources_pb2 as stamp_pb
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright.stamp.v1.stamp_service_pb2_grpc import StampServiceStub
from sealwright_sandbox.embedded.ports import free_port
from sealwright_sandbox.registry.server import RegistrySandbox
from sealwright_sandbox.wallet.server import WalletSandbox

from tests.support.service_process import ServiceProcess
from tests.support.signer import SignerProcess

AREA = "DK1"
REGISTRY = "sandbox"
START = datetime(2025, 6, 21, 10, tzinfo=UTC)
PATIENCE = 60.0
"""Seconds an awaited state may take on a busy machine."""


class StampProcess(ServiceProcess):
    """A stamp that is quick to try again."""

    def __init__(
        self,
        folder: Path,
        dsn: str,
        nats_url: str,
        signer: SignerProcess,
        registries: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``registries``: addresses by name; ``settings``: variables without SEALWRIGHT_STAMP_."""
        self.http = f"127.0.0.1:{free_port()}"
        values = {
            "HTTP_LISTEN": self.http,
            "SIGNER__TARGET": signer.target,
            "REGISTRIES": json.dumps({name: {"target": target} for name, target in registries.items()}),
            "GRID_AREAS": json.dumps({AREA: {"issuer": AREA}}),
            "WALLETS__EGRESS__ALLOW_HOSTS": json.dumps(["127.0.0.1"]),
            "WALLETS__EGRESS__TIMEOUT": "PT3S",
            "PROVERS": "1",
            "RETRY_FIRST": "PT0.05S",
            "POLL_FIRST": "PT0.05S",
            "LEASE": "PT6S",
            "EVENT_PATIENCE": "PT5S",
        }
        super().__init__("stamp", folder, dsn, nats_url, signer.ca, values | dict(settings or {}))


@dataclass
class Stage:
    """Signer, registry and wallet, standing; stamps are started by the test."""

    folder: Path
    signer: SignerProcess
    registry: RegistrySandbox
    wallet: WalletSandbox
    nats_url: str
    key: resources_pb2.Key
    stamps: list[StampProcess] = field(default_factory=list)
    wallet_url: str = ""
    """Where another wallet than the sandbox's takes slices; for benches."""

    def stamp(self, dsn: str, settings: Mapping[str, str] | None = None, nats: str = "") -> StampProcess:
        """A stamp on this stage, not started yet."""
        folder = self.folder / f"stamp{len(self.stamps)}"
        registries = {self.registry.name: self.registry.address}
        stamp = StampProcess(folder, dsn, nats or self.nats_url, self.signer, registries, settings)
        self.stamps.append(stamp)
        return stamp


@asynccontextmanager
async def open_stage(folder: Path, signer_dsn: str, nats_url: str, **registry: Any) -> AsyncIterator[Stage]:
    """A stage with an Ed25519 key for the area DK1, trusted by the registry."""
    signer = SignerProcess(folder / "signer", signer_dsn, nats_url, None)
    signer.start()
    sandbox = RegistrySandbox(REGISTRY, block_interval=registry.pop("block_interval", 0.1), **registry)
    await sandbox.start()
    wallet = WalletSandbox({REGISTRY: sandbox.address})
    await wallet.start()
    stage: Stage | None = None
    try:
        await signer.wait_ready()
        stage = Stage(folder, signer, sandbox, wallet, nats_url, await area_key(signer))
        sandbox.trust(AREA, base64.b64encode(stage.key.public_key).decode())
        yield stage
    finally:
        for stamp in stage.stamps if stage else []:
            if stamp.process is not None and stamp.process.poll() is None:
                stamp.stop()
        await wallet.stop()
        await sandbox.stop()
        signer.stop()


async def area_key(signer: SignerProcess, area: str = AREA) -> resources_pb2.Key:
    """A transaction key of the area's issuer, active from an hour ago for a day."""
    now = datetime.now(UTC)
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(now - timedelta(hours=1))
    end.FromDatetime(now + timedelta(days=1))
    spec = key_service_pb2.KeySpec(
        algorithm=keys_pb2.KEY_ALGORITHM_EDDSA,
        purpose=keys_pb2.KEY_PURPOSE_TRANSACTION,
        protection=keys_pb2.PROTECTION_WRAPPED,
        slot=resources_pb2.KeySlot(
            issuer_type=area,
            issuer_cohort=1,
            slot=0,
            window=interval_pb2.Interval(start_time=start, end_time=end),
        ),
        state=keys_pb2.KEY_STATE_ACTIVE,
    )
    channel = signer.channel("rotator")
    try:
        request = key_service_pb2.CreateKeysRequest(request_id=str(uuid.uuid4()), keys=[spec])
        answer = await key_service_pb2_grpc.KeyServiceStub(channel).CreateKeys(request, timeout=30)
        return answer.keys[0]
    finally:
        await channel.close()


class StampClient:
    """Calls a stamp."""

    def __init__(self, stamp: StampProcess, role: str = "operator") -> None:
        self.channel = stamp.channel(role)
        self.stub = StampServiceStub(self.channel)
        self.stamp = stamp

    async def recipient(self, reference: Mapping[str, Any]) -> str:
        """The id of a recipient for a wallet's endpoint reference."""
        endpoint = stamp_pb.WalletEndpoint(
            version=1, endpoint=reference["endpoint"], public_key=base64.b64decode(reference["publicKey"])
        )
        answer = await self.stub.CreateRecipient(pb.CreateRecipientRequest(wallet_endpoint=endpoint))
        return answer.recipient.id

    async def stamp_all(
        self, orders: Sequence[stamp_pb.CertificateOrder], request_id: str = ""
    ) -> list[pb.StampOutcome]:
        """The outcomes of a batch."""
        request = pb.StampCertificatesRequest(request_id=request_id, certificates=orders)
        return list((await self.stub.StampCertificates(request, timeout=30)).outcomes)

    async def get(self, certificate_id: str, registry: str = REGISTRY) -> stamp_pb.Certificate:
        """One certificate."""
        request = pb.GetCertificateRequest(registry=registry, certificate_id=certificate_id)
        return (await self.stub.GetCertificate(request)).certificate

    async def history(self, certificate_id: str) -> list[stamp_pb.HistoryEntry]:
        """Its steps."""
        request = pb.GetCertificateHistoryRequest(registry=REGISTRY, certificate_id=certificate_id)
        return list((await self.stub.GetCertificateHistory(request)).entries)

    async def until(
        self,
        certificate_id: str,
        done: Callable[[stamp_pb.Certificate], bool],
        seconds: float = PATIENCE,
        registry: str = REGISTRY,
    ) -> stamp_pb.Certificate:
        """The certificate once ``done`` says so."""
        until = time.monotonic() + seconds
        while True:
            certificate = await self.get(certificate_id, registry)
            if done(certificate):
                return certificate
            assert time.monotonic() < until, f"{certificate}; {self.stamp.tail()}"
            await asyncio.sleep(0.05)

    async def delivered(self, *certificate_ids: str, registry: str = REGISTRY) -> list[stamp_pb.Certificate]:
        """The certificates once all are issued and their slices delivered."""
        return [await self.until(name, is_delivered, registry=registry) for name in certificate_ids]

    async def close(self) -> None:
        """Closes the channel."""
        await self.channel.close()


async def stamp_command(client: StampClient, folder: Path, *words: str, code: int = 0) -> Any:
    """What ``sealwright stamp WORDS --json`` prints; its exit code has to be ``code``, and other than 0 makes it what
    it says on standard error."""
    tls = client.stamp.ca.issue("operator", file="client-operator")
    environment = os.environ | {
        "SEALWRIGHT_STAMP": client.stamp.target,
        "SEALWRIGHT_DATA": str(folder),
        "SEALWRIGHT_TLS_CERT": str(tls.cert),
        "SEALWRIGHT_TLS_KEY": str(tls.key),
        "SEALWRIGHT_TLS_CA": str(tls.ca),
    }
    line = [sys.executable, "-c", "from sealwright_client.cli import main; main()", "stamp", *words, "--json"]
    done = await asyncio.to_thread(subprocess.run, line, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if code == 0 else done.stderr + done.stdout


def is_delivered(certificate: stamp_pb.Certificate) -> bool:
    """Whether it is issued and its slice with the wallet."""
    return certificate.delivery_state == stamp_pb.DELIVERY_STATE_DELIVERED


def in_state(state: int) -> Callable[[stamp_pb.Certificate], bool]:
    """Whether a certificate is in a state."""
    return lambda certificate: certificate.state == state


def order(recipient: str, hour: int = 0, **fields: Any) -> stamp_pb.CertificateOrder:
    """An hour's production, ``hour`` hours after START."""
    start, end = Timestamp(), Timestamp()
    begin = fields.pop("start", START + timedelta(hours=hour))
    start.FromDatetime(begin)
    end.FromDatetime(fields.pop("end", begin + timedelta(hours=1)))
    defaults: dict[str, Any] = {
        "recipient_id": recipient,
        "registry": REGISTRY,
        "certificate_id": str(uuid.uuid4()),
        "metering_point_id": "571313180400001237",
        "type": stamp_pb.CERTIFICATE_TYPE_PRODUCTION,
        "quantity": 1500 + hour,
        "start_time": start,
        "end_time": end,
        "grid_area": AREA,
        "clear_text_attributes": [stamp_pb.Attribute(key="isTrial", value="False")],
        "hashed_attributes": [stamp_pb.Attribute(key="assetId", value="571313180400001237")],
    }
    return stamp_pb.CertificateOrder(**(defaults | fields))


async def sql(dsn: str, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Rows of a stamp's own database."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement, *arguments)
    finally:
        await connection.close()
