"""A signer as a process of its own, with mTLS, on a database, broker and token that the test provides."""

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
from sealwright_sandbox.embedded.softhsm import Token

START_SECONDS = 30.0


class SignerProcess:
    """Starts ``sealwright-signer``; its output goes to ``<folder>/signer.log``."""

    def __init__(
        self, folder: Path, dsn: str, nats_url: str, token: Token | None, settings: Mapping[str, str] | None = None
    ) -> None:
        """``token`` None means the file root of trust; ``settings`` are variables without SEALWRIGHT_SIGNER_."""
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "signer.log"
        self.ca = DevelopmentCa.open(folder / "ca")
        self.target = f"127.0.0.1:{free_port()}"
        self.ops = f"127.0.0.1:{free_port()}"
        tls = self.ca.issue("signer")
        values = {
            "LISTEN": self.target,
            "OPS_LISTEN": self.ops,
            "DATABASE__DSN": dsn,
            "NATS__URL": nats_url,
            "TLS__CERT": str(tls.cert),
            "TLS__KEY": str(tls.key),
            "TLS__CA": str(tls.ca),
            "LIMITS__DRAIN_DELAY": "PT0S",
        }
        if token is None:
            values["FILE_ROOT"] = str(folder / "root-of-trust")
        else:
            values |= {
                "PKCS11__MODULE": str(token.module),
                "PKCS11__LABEL": token.label,
                "PKCS11__PIN": token.pin,
                "PKCS11__LOCK_DIR": str(folder),
            }
        values |= dict(settings or {})
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")}
        self.environment |= {f"SEALWRIGHT_SIGNER_{name}": value for name, value in values.items()}
        if token is not None:
            self.environment |= token.environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the process; :meth:`wait_ready` waits for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from sealwright_signer.main import main; main()"],
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Returns once /readyz says so; AssertionError with the end of the log if it does not in time."""
        until = time.monotonic() + seconds
        said = ""
        while time.monotonic() < until:
            assert self.process is not None
            assert self.process.poll() is None, f"the signer exited {self.process.returncode}: {self.tail()}"
            ready, said = await asyncio.to_thread(self.readyz)
            if ready:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"the signer is not ready: {said}; {self.tail()}")

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
        return connect(self.target, "signer", self.ca.issue(role, file=f"client-{role}"), tenant=tenant)

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
