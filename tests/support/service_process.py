"""A service as a process of its own, with mTLS: started, waited for, killed and stopped by a test."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from sealwright_common.runtime.grpc import Channel, connect
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_sandbox.embedded.ports import free_port

START_SECONDS = 90.0
STOP_SECONDS = 60.0
FAULT = "SEALWRIGHT_FAULT"


class ServiceProcess:
    """Runs ``sealwright-<name>``; its output goes to ``<folder>/<name>.log``."""

    def __init__(
        self, name: str, folder: Path, dsn: str, nats_url: str, ca: DevelopmentCa, settings: Mapping[str, str]
    ) -> None:
        """``settings`` are variables without SEALWRIGHT_<NAME>_; they go before what every service is given."""
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.log = folder / f"{name}.log"
        self.ca = ca
        self.dsn = dsn
        self.target, self.ops = (f"127.0.0.1:{free_port()}" for _ in range(2))
        tls = ca.issue(name)
        values = {
            "LISTEN": self.target,
            "OPS_LISTEN": self.ops,
            "DATABASE__DSN": dsn,
            "NATS__URL": nats_url,
            "TLS__CERT": str(tls.cert),
            "TLS__KEY": str(tls.key),
            "TLS__CA": str(tls.ca),
            "LIMITS__DRAIN_DELAY": "PT0S",
        } | dict(settings)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("SEALWRIGHT_")}
        self.environment |= {f"SEALWRIGHT_{name.upper()}_{key}": value for key, value in values.items()}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, fault: str = "") -> None:
        """Starts the process, with a fault point armed if one is named; :meth:`wait_ready` waits for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", f"from sealwright_{self.name}.main import main; main()"],
                env=self.environment | ({FAULT: fault} if fault else {}),
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once /readyz says so; AssertionError with the end of the log if it does not in time."""
        ready = await self._ready_or_ended(seconds)
        assert ready, f"{self.name} exited {self._running().returncode}: {self.tail()}"

    async def wait_ready_or_killed(self, seconds: float = START_SECONDS) -> bool:
        """Whether it became ready, rather than being killed by an armed fault point before it was."""
        ready = await self._ready_or_ended(seconds)
        assert ready or self._running().returncode == -signal.SIGKILL, f"{self.name} ended: {self.tail()}"
        return ready

    async def wait_killed(self, seconds: float = STOP_SECONDS) -> None:
        """Returns once an armed fault point has killed it."""
        code = await asyncio.to_thread(self._running().wait, seconds)
        assert code == -signal.SIGKILL, f"{self.name} ended with {code}: {self.tail()}"

    async def _ready_or_ended(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        said = ""
        while time.monotonic() < until:
            if self._running().poll() is not None:
                return False
            ready, said = await asyncio.to_thread(self.get, "readyz")
            if ready:
                return True
            await asyncio.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready: {said}; {self.tail()}")

    def get(self, path: str) -> tuple[bool, str]:
        """Whether the ops listener answers ``path`` with 200, and the body."""
        try:
            with urllib.request.urlopen(f"http://{self.ops}/{path}", timeout=2) as answer:
                return True, answer.read().decode()
        except urllib.error.HTTPError as error:
            return False, error.read().decode()
        except OSError as error:
            return False, str(error)

    def channel(self, role: str = "operator", tenant: str = "default") -> Channel:
        """A channel to it as ``role``; close it yourself."""
        return connect(self.target, self.name, self.ca.issue(role, file=f"client-{role}"), tenant=tenant)

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_text()[-4000:] if self.log.exists() else ""

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self._running().kill()
        self._running().wait()

    def stop(self) -> int:
        """SIGTERM, waited for; the exit code."""
        if self._running().poll() is None:
            self._running().send_signal(signal.SIGTERM)
        return self._running().wait(STOP_SECONDS)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None, f"{self.name} was not started"
        return self.process
