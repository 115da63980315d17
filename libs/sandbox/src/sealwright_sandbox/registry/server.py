"""The registry as a server: the contract over gRPC, and a small admin door over HTTP."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import grpc
from aiohttp import web
from project_origin.registry.v1 import registry_pb2 as registry
from project_origin.registry.v1 import registry_pb2_grpc as registry_grpc
from sealwright_common.runtime.config import TlsSettings

from sealwright_sandbox.errors import SandboxError
from sealwright_sandbox.http_door import HttpDoor, add_fault_routes, json_body, refused
from sealwright_sandbox.journal import Journal
from sealwright_sandbox.registry.faults import RegistryFaults
from sealwright_sandbox.registry.ledger import Ledger, Statistics
from sealwright_sandbox.registry.service import RegistryService

BLOCK_INTERVAL = 0.5
"""Seconds between blocks, by default."""

RECEIVE_BYTES = 16 * 1024 * 1024
"""Largest request message: several thousand transactions."""


class RegistrySandbox:
    """One registry. `async with RegistrySandbox() as registry: …` serves on free loopback ports.

    Without authentication, and in plain text unless told otherwise: keep it on the loopback interface.
    """

    def __init__(
        self,
        name: str = "sandbox",
        listen: str = "127.0.0.1:0",
        admin: str = "127.0.0.1:0",
        folder: Path | None = None,
        areas: Mapping[str, Sequence[str]] | None = None,
        check_proofs: bool = True,
        block_interval: float = BLOCK_INTERVAL,
        committed_when_finalized: bool = False,
        tls: TlsSettings | None = None,
    ) -> None:
        """`folder` keeps state over restarts. `areas`: issuer keys (see `issuer_key`) by grid area.

        `check_proofs`: whether range proofs are checked (some 12 ms each). `block_interval`: seconds until a committed
        transaction is finalized. `committed_when_finalized`: polls answer COMMITTED for those, too.
        `tls`: serve gRPC over TLS with this certificate; clients need none.
        """
        self.name = name
        self.ledger = Ledger(Journal(folder / "registry.jsonl" if folder else None))
        for area, keys in (areas or {}).items():
            for key in keys:
                self.ledger.add_key(area, key)
        self._listen = listen
        self._tls = tls
        self._service = RegistryService(name, self.ledger, check_proofs, committed_when_finalized)
        self._block_interval = block_interval
        self._server: grpc.aio.Server | None = None
        self._door = HttpDoor(self._application(), admin)
        self._tasks: list[asyncio.Task[None]] = []
        self.address = ""

    @property
    def admin_url(self) -> str:
        """Where the admin door is."""
        return self._door.url

    @property
    def faults(self) -> RegistryFaults:
        """The faults being shown; assign a new value to change them."""
        return self._service.faults

    @faults.setter
    def faults(self, faults: RegistryFaults) -> None:
        self._service.apply(faults)

    @property
    def statistics(self) -> Statistics:
        """What was seen since the start."""
        return self.ledger.statistics

    def trust(self, area: str, key: str) -> bool:
        """Lets an Ed25519 public key sign for an area, beside those it has; returns whether it is new."""
        return self.ledger.add_key(area, key)

    def stream(self, stream_id: str) -> list[registry.Transaction]:
        """The transactions of a stream."""
        return self.ledger.stream(stream_id)

    async def settled(self) -> None:
        """Waits until everything taken in was judged."""
        await self._service.settled()

    async def start(self) -> None:
        """Begins to serve. Raises SandboxError if an address is taken."""
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", RECEIVE_BYTES), ("grpc.so_reuseport", 0)])
        registry_grpc.add_RegistryServiceServicer_to_server(self._service, server)
        try:
            port = self._add_port(server)
            await self._door.start()
        except (RuntimeError, OSError) as error:
            raise SandboxError(f"the registry sandbox cannot listen on {self._listen}: {error}") from error
        await server.start()
        self._server = server
        self.address = f"{self._listen.rpartition(':')[0]}:{port}"
        self._tasks = [asyncio.create_task(self._service.judge()), asyncio.create_task(self._seal())]

    async def stop(self) -> None:
        """Stops serving; what was taken in but not judged is lost, as its senders must expect."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.stop(grace=0.2)
        await self._door.stop()
        self.ledger.journal.close()

    async def __aenter__(self) -> "RegistrySandbox":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _add_port(self, server: grpc.aio.Server) -> int:
        if self._tls is None:
            return server.add_insecure_port(self._listen)
        pair = (self._tls.key.read_bytes(), self._tls.cert.read_bytes())
        return server.add_secure_port(self._listen, grpc.ssl_server_credentials([pair]))

    async def _seal(self) -> None:
        while True:
            await asyncio.sleep(self._block_interval)
            self.ledger.seal()

    def _application(self) -> web.Application:
        application = web.Application()
        application.add_routes(
            [
                web.get("/health", self._health),
                web.get("/statistics", self._statistics),
                web.get("/areas", self._areas),
                web.post("/areas/{area}/keys", self._add_key),
                web.delete("/areas/{area}/keys", self._remove_keys),
            ]
        )
        add_fault_routes(application, lambda: self.faults, self._service.apply)
        return application

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"registry": self.name, "address": self.address})

    async def _statistics(self, _: web.Request) -> web.Response:
        return web.json_response({**asdict(self.ledger.statistics), "blocks": len(self.ledger.blocks)})

    async def _areas(self, _: web.Request) -> web.Response:
        return web.json_response(self.ledger.keys.listing())

    async def _add_key(self, request: web.Request) -> web.Response:
        """`{"public_key": "…"}` in any form that `issuer_key` reads."""
        body = await json_body(request)
        if set(body) != {"public_key"} or not isinstance(body["public_key"], str):
            raise refused(400, 'the body must be {"public_key": "<PEM, or base64 of PEM, DER or 32 raw bytes>"}')
        try:
            new = self.ledger.add_key(request.match_info["area"], body["public_key"])
        except ValueError as error:
            raise refused(400, str(error)) from None
        return web.json_response(self.ledger.keys.listing(), status=201 if new else 200)

    async def _remove_keys(self, request: web.Request) -> web.Response:
        self.ledger.remove_keys(request.match_info["area"])
        return web.json_response(self.ledger.keys.listing())
