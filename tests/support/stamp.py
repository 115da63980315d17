"""A stamp as a process of its own, with all it needs for real: signer, registry, wallet, PostgreSQL and NATS."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
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
from sealwright_common.runtime.grpc import Channel, connect
from sealwright_sandbox.embedded.ports import free_port
from sealwright_sandbox.registry.server import RegistrySandbox
from sealwright_sandbox.wallet.server import WalletSandbox

from tests.support.signer import SignerProcess

AREA = "DK1"
REGISTRY = "sandbox"
START = datetime(2025, 6, 21, 10, tzinfo=UTC)
START_SECONDS = 90.0
PATIENCE = 60.0
"""Seconds an awaited state may take on a busy machine."""


class StampProcess:
    """Starts ``sealwright-stamp``; its output goes to ``<folder>/stamp.log``."""

    def __init__(
        self,
        folder: Path,
        dsn: str,
        nats_url: str,
        signer: SignerProcess,
        registries: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
        fault: str = "",
    ) -> None:
        """``registries``: addresses by name; ``settings``: variables without SEALWRIGHT_STAMP_."""
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "stamp.log"
        self.ca = signer.ca
        self.dsn = dsn
        self.target, self.ops, self.http = (f"127.0.0.1:{free_port()}" for _ in range(3))
        tls = self.ca.issue("stamp")
        values = {
            "LISTEN": self.target,
            "OPS_LISTEN": self.ops,
            "HTTP_LISTEN": self.http,
            "DATABASE__DSN": dsn,
            "NATS__URL": nats_url,
            "TLS__CERT": str(tls.cert),
            "TLS__KEY": str(tls.key),
            "TLS__CA": str(tls.ca),
            "LIMITS__DRAIN_DELAY": "PT0S",
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
            **(settings or {}),
        }
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")}
        self.environment |= {f"SEALWRIGHT_STAMP_{name}": value for name, value in values.items()}
        if fault:
            self.environment["SEALWRIGHT_FAULT"] = fault
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, fault: str | None = None) -> None:
        """Starts the process, with another fault point armed if one is named ("" arms none)."""
        environment = dict(self.environment)
        if fault is not None:
            environment.pop("SEALWRIGHT_FAULT", None)
            environment |= {"SEALWRIGHT_FAULT": fault} if fault else {}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from sealwright_stamp.main import main; main()"],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once /readyz says so; AssertionError with the end of the log if it does not in time."""
        until = time.monotonic() + seconds
        said = ""
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, f"stamp exited {self.process.returncode}: {self.tail()}"
            ready, said = await asyncio.to_thread(self.readyz)
            if ready:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"stamp is not ready: {said}; {self.tail()}")

    async def wait_ready_or_killed(self, seconds: float = START_SECONDS) -> bool:
        """Whether it became ready, rather than being killed by an armed fault point before it was."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process is not None
            if self.process.poll() == -signal.SIGKILL:
                return False
            if (await asyncio.to_thread(self.readyz))[0]:
                return True
            await asyncio.sleep(0.05)
        raise AssertionError(f"stamp is neither ready nor killed: {self.tail()}")

    async def wait_killed(self, seconds: float = PATIENCE) -> None:
        """Returns once an armed fault point has killed it."""
        assert self.process is not None
        code = await asyncio.to_thread(self.process.wait, seconds)
        assert code == -signal.SIGKILL, f"stamp ended with {code}: {self.tail()}"

    def readyz(self) -> tuple[bool, str]:
        """Whether /readyz answers 200, and its body."""
        try:
            with urllib.request.urlopen(f"http://{self.ops}/readyz", timeout=2) as answer:
                return True, answer.read().decode()
        except urllib.error.HTTPError as error:
            return False, error.read().decode()
        except OSError as error:
            return False, str(error)

    def channel(self, role: str = "operator", tenant: str = "default") -> Channel:
        """A channel to it as ``role``; close it yourself."""
        return connect(self.target, "stamp", self.ca.issue(role, file=f"client-{role}"), tenant=tenant)

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_text()[-4000:] if self.log.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, waited for; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


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

    def stamp(
        self, dsn: str, settings: Mapping[str, str] | None = None, fault: str = "", nats: str = ""
    ) -> StampProcess:
        """A stamp on this stage, not started yet."""
        folder = self.folder / f"stamp{len(self.stamps)}"
        registries = {self.registry.name: self.registry.address}
        stamp = StampProcess(folder, dsn, nats or self.nats_url, self.signer, registries, settings, fault)
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

    async def get(self, certificate_id: str) -> stamp_pb.Certificate:
        """One certificate."""
        request = pb.GetCertificateRequest(registry=REGISTRY, certificate_id=certificate_id)
        return (await self.stub.GetCertificate(request)).certificate

    async def history(self, certificate_id: str) -> list[stamp_pb.HistoryEntry]:
        """Its steps."""
        request = pb.GetCertificateHistoryRequest(registry=REGISTRY, certificate_id=certificate_id)
        return list((await self.stub.GetCertificateHistory(request)).entries)

    async def until(
        self, certificate_id: str, done: Callable[[stamp_pb.Certificate], bool], seconds: float = PATIENCE
    ) -> stamp_pb.Certificate:
        """The certificate once ``done`` says so."""
        until = time.monotonic() + seconds
        while True:
            certificate = await self.get(certificate_id)
            if done(certificate):
                return certificate
            assert time.monotonic() < until, f"{certificate}; {self.stamp.tail()}"
            await asyncio.sleep(0.05)

    async def delivered(self, *certificate_ids: str) -> list[stamp_pb.Certificate]:
        """The certificates once all are issued and their slices delivered."""
        return [await self.until(name, is_delivered) for name in certificate_ids]

    async def close(self) -> None:
        """Closes the channel."""
        await self.channel.close()


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
