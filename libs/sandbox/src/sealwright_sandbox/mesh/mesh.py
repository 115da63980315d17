"""Starts the mesh, waits until it is ready, and stops it in order."""

import asyncio
import os
import sys
import sysconfig
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sealwright_common.runtime.config import TlsSettings
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.issuing_ca import IssuingCa

from sealwright_sandbox.data import packages_folder
from sealwright_sandbox.embedded.child import Child
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.ports import LOOPBACK
from sealwright_sandbox.embedded.postgres import PostgresServer
from sealwright_sandbox.embedded.secret import private_file, secret_key_file
from sealwright_sandbox.embedded.softhsm import Token, find_softhsm, make_token
from sealwright_sandbox.errors import SandboxError
from sealwright_sandbox.mesh import options as at
from sealwright_sandbox.mesh.databases import service_database
from sealwright_sandbox.mesh.environment import Listeners, Surroundings, environment
from sealwright_sandbox.mesh.lock import FolderLock
from sealwright_sandbox.mesh.options import HTTP_DOORS, NUMBERS, MeshOptions, Ports, Service
from sealwright_sandbox.mesh.profile import Profile
from sealwright_sandbox.mesh.readiness import await_ready

STOP_SECONDS = 30.0
"""How long a service may take to stop before it is killed."""


@dataclass(frozen=True)
class Running:
    """One process and the URL that tells whether it is ready."""

    child: Child
    ready_url: str
    listeners: Listeners | None = None


class Mesh:
    """A mesh in one data folder. `async with Mesh(options) as mesh: …`; a second start finds the first one's data.

    `profile` says where everything is; `notices` what a person should know. Tests kill and restart single processes.
    """

    def __init__(self, options: MeshOptions | None = None) -> None:
        self.options = options or MeshOptions()
        self.folder = self.options.folder.resolve()
        self.notices: list[str] = []
        self.services: dict[Service, list[Running]] = {}
        self.sandboxes: dict[str, Running] = {}
        self.postgres: PostgresServer | None = None
        self.nats: NatsServer | None = None
        self.token: Token | None = None
        self._lock = FolderLock(self.folder)
        self._ports = Ports(self.options.fixed_ports)
        self._stack = AsyncExitStack()
        self._profile: Profile | None = None

    @property
    def profile(self) -> Profile:
        """Where everything is. Raises SandboxError before the start."""
        if self._profile is None:
            raise SandboxError("the mesh was not started yet")
        return self._profile

    async def __aenter__(self) -> "Mesh":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Starts every part and waits until all are ready; if one is not, stops the others and raises SandboxError."""
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Stops services first, then what they stand on. Harmless when stopped."""
        await self._stack.aclose()

    async def _start(self) -> None:
        deadline = time.monotonic() + self.options.patience
        self._lock.acquire()
        self._stack.callback(self._lock.release)
        self._stack.callback(self._ports.release)
        superuser = self._start_postgres()
        nats_url = self._start_nats()
        self.token = self._find_token() if Service.SIGNER in self.options.services else None
        tls, operator = self._certificates()
        dsn_files = {
            service: service_database(superuser, service, self.folder / "services" / service)
            for service in self.options.services
        }
        sandbox = self._start_sandboxes()
        around = Surroundings(
            options=self.options,
            dsn_files=dsn_files,
            nats_url_file=private_file(self.folder / "nats" / "url", nats_url),
            listeners={service: self._listeners(service) for service in self.options.services},
            tls=tls,
            token=self.token,
            file_root=self.folder / "file-root",
            token_key_file=secret_key_file(self.folder / "services" / Service.CERTIFY / "token-key"),
            issuing_ca=self.folder / "issuing-ca",
            registry=sandbox.get("registry"),
        )
        IssuingCa.open(around.issuing_ca)
        self._stack.push_async_callback(self._stop_services)
        for service in self.options.services:
            self.services[service] = [
                self._launch(service, number, listeners, around)
                for number, listeners in enumerate(around.listeners[service])
            ]
        await asyncio.gather(*(await_ready(one.child, one.ready_url, deadline) for one in self._all()))
        self._profile = Profile.of(around, operator, nats_url, sandbox)
        self._profile.write(self.folder)
        self._stack.callback(self._profile.remove, self.folder)

    # -- single processes, for tests ----------------------------------------------------------------------------------

    def kill(self, service: Service, number: int = 0) -> None:
        """SIGKILL to one process of a service, as a crash would."""
        self.services[service][number].child.kill()

    async def restart(self, service: Service, number: int = 0, patience: float = 30.0) -> None:
        """Starts a process that ended, or stops and starts one that runs, and waits until it is ready."""
        running = self.services[service][number]
        await asyncio.to_thread(running.child.stop, STOP_SECONDS)
        running.child.start()
        await await_ready(running.child, running.ready_url, time.monotonic() + patience)

    def ended(self) -> list[Child]:
        """Processes that should run and do not, what others stand on first."""
        servers = [server.child for server in (self.postgres, self.nats) if server is not None]
        children = [*servers, *(one.child for one in self._all())]
        return [child for child in children if not child.running]

    def revive(self, child: Child) -> None:
        """Starts again what `ended` named; a server also takes its old port, and is waited for.

        Raises SandboxError, with the end of the log, if it does not come up.
        """
        servers = (server for server in (self.postgres, self.nats) if server is not None and server.child is child)
        next(servers, child).start()

    # -- parts --------------------------------------------------------------------------------------------------------

    def _start_postgres(self) -> str:
        """The superuser's DSN: of the environment, else of an embedded server."""
        if dsn := os.environ.get("SEALWRIGHT_POSTGRES_DSN"):
            return dsn
        self.postgres = PostgresServer(self.folder / "postgres", self._ports.take(at.POSTGRES_PORT))
        self.postgres.start()
        self._stack.callback(self.postgres.stop)
        return self.postgres.dsn

    def _start_nats(self) -> str:
        """The broker's URL: of the environment, else of an embedded server."""
        if url := os.environ.get("SEALWRIGHT_NATS_URL"):
            return url
        self.nats = NatsServer(self.folder / "nats", self._ports.take(at.NATS_PORT))
        self.nats.start()
        self._stack.callback(self.nats.stop)
        return self.nats.url

    def _find_token(self) -> Token | None:
        try:
            return make_token(find_softhsm(packages_folder()), self.folder / "token")
        except SandboxError as error:
            self.notices.append(
                f"no PKCS#11 token, so signer keeps its root key in {self.folder / 'file-root'}; "
                f"for development only. {error}"
            )
            return None

    def _certificates(self) -> tuple[dict[Service, TlsSettings], TlsSettings | None]:
        """A certificate per service and the operator's, fresh at every start."""
        if self.options.plaintext:
            self.notices.append("plaintext: no TLS; loopback only, and every local caller gets every role")
            return {}, None
        authority = DevelopmentCa.open(self.folder / "ca")
        return {service: authority.issue(service) for service in self.options.services}, authority.issue("operator")

    def _listeners(self, service: Service) -> tuple[Listeners, ...]:
        last = NUMBERS[service]
        return tuple(
            Listeners(
                grpc=self._address(7100 + last + 10 * number),
                ops=self._address(7200 + last + 10 * number),
                http=self._address(7300 + last + 10 * number) if service in HTTP_DOORS else None,
            )
            for number in range(self.options.instances)
        )

    def _address(self, preferred: int) -> str:
        return f"{LOOPBACK}:{self._ports.take(preferred)}"

    def _start_sandboxes(self) -> dict[str, str]:
        """The registry's gRPC address and the URLs of its admin door, the wallet and the holders; nothing without."""
        if not self.options.sandbox:
            return {}
        registry, admin = self._address(at.REGISTRY_PORT), self._address(at.REGISTRY_ADMIN_PORT)
        wallet, holder = self._address(at.WALLET_PORT), self._address(at.HOLDER_PORT)
        proofs = [] if self.options.check_proofs else ["--no-proofs"]
        kept = {name: ["--folder", str(self.folder / name)] for name in ("registry", "wallet")}
        named = ["--name", at.REGISTRY_NAME, "--listen", registry, "--admin", admin]
        self._sandbox("registry", [*kept["registry"], *named, *proofs], admin)
        compared = ["--registry", f"{at.REGISTRY_NAME}={registry}"]
        self._sandbox("wallet", [*kept["wallet"], "--listen", wallet, *compared], wallet)
        self._sandbox("holder", ["--listen", holder], holder)
        urls = {"registry_admin": admin, "wallet": wallet, "holder": holder}
        return {"registry": registry, **{name: f"http://{address}" for name, address in urls.items()}}

    def _sandbox(self, name: str, arguments: list[str], http: str) -> None:
        module = [sys.executable, "-m", f"sealwright_sandbox.{name}"]
        child = Child(name, [*module, *arguments], self.folder / "logs" / f"{name}.log")
        child.start()
        self._stack.callback(child.stop, 10.0)
        self.sandboxes[name] = Running(child, f"http://{http}/health")

    def _launch(self, service: Service, number: int, listeners: Listeners, around: Surroundings) -> Running:
        name = f"{service}-{number}" if self.options.instances > 1 else str(service)
        child = Child(
            name,
            [str(Path(sysconfig.get_path("scripts"), f"sealwright-{service}"))],
            self.folder / "logs" / f"{name}.log",
            env=environment(service, listeners, around),
            cwd=self.folder,
        )
        child.start()
        return Running(child, f"http://{listeners.ops}/readyz", listeners)

    async def _stop_services(self) -> None:
        """All at once: whoever calls another one gets UNAVAILABLE and keeps what it could not do for the next start."""
        children = [running.child for instances in self.services.values() for running in instances]
        await asyncio.gather(*(asyncio.to_thread(child.stop, STOP_SECONDS) for child in children))

    def _all(self) -> list[Running]:
        return [*self.sandboxes.values(), *(one for instances in self.services.values() for one in instances)]
