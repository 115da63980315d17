"""A rotator as a process of its own, with mTLS, beside a signer of the same development CA."""

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

START_SECONDS = 30.0


class RotatorProcess:
    """Starts ``sealwright-rotator``; its output goes to ``<folder>/rotator.log``."""

    def __init__(
        self,
        folder: Path,
        dsn: str,
        nats_url: str,
        signer: str,
        ca: DevelopmentCa,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``signer`` is its gRPC target; ``settings`` are variables without SEALWRIGHT_ROTATOR_."""
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "rotator.log"
        self.ca = ca
        self.target = f"127.0.0.1:{free_port()}"
        self.ops = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        tls = ca.issue("rotator")
        values = {
            "LISTEN": self.target,
            "OPS_LISTEN": self.ops,
            "HTTP_LISTEN": self.http,
            "DATABASE__DSN": dsn,
            "NATS__URL": nats_url,
            "SIGNER__TARGET": signer,
            "TLS__CERT": str(tls.cert),
            "TLS__KEY": str(tls.key),
            "TLS__CA": str(tls.ca),
            "TICK": "PT0.2S",
            "LEASE": "PT5S",
            "HEAD_INTERVAL": "PT1S",
            "LIMITS__DRAIN_DELAY": "PT0S",
        } | dict(settings or {})
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")}
        self.environment |= {f"SEALWRIGHT_ROTATOR_{name}": value for name, value in values.items()}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """Starts the process; :meth:`wait_ready` waits for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from sealwright_rotator.main import main; main()"],
                env=self.environment | environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once /readyz says so; AssertionError with the end of the log if it does not in time."""
        until = time.monotonic() + seconds
        said = ""
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, f"the rotator exited {self.process.returncode}: {self.tail()}"
            ready, said = await asyncio.to_thread(self.get, f"http://{self.ops}/readyz")
            if ready:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"the rotator is not ready: {said}; {self.tail()}")

    @staticmethod
    def get(url: str) -> tuple[bool, str]:
        """Whether ``url`` answers 200, and its body."""
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return True, answer.read().decode()
        except urllib.error.HTTPError as error:
            return False, error.read().decode()
        except OSError as error:
            return False, str(error)

    def channel(self, role: str = "operator", tenant: str = "default") -> Channel:
        """A channel to it as ``role``; close it yourself."""
        return connect(self.target, "rotator", self.ca.issue(role, file=f"client-{role}"), tenant=tenant)

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_text()[-3000:]

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
        return self.process.wait(30)
