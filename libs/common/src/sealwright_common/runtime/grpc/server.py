"""The gRPC door of a service: a part of the app that serves plain servicer classes behind a policy table."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from grpc import aio

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime import addresses
from sealwright_common.runtime.config import ServiceSettings
from sealwright_common.runtime.grpc.credentials import CertificateFiles, server_credentials
from sealwright_common.runtime.grpc.gates import gates
from sealwright_common.runtime.grpc.handlers import Surroundings, Wrapped
from sealwright_common.runtime.grpc.infrastructure import (
    CHANNELZ,
    REFLECTION,
    Health,
    channelz_handlers,
    reflection_handlers,
)
from sealwright_common.runtime.grpc.policy import RATE_CLASSES, ROLES, Policies, PolicyError, compare
from sealwright_common.runtime.loading import ConfigError
from sealwright_common.runtime.ratelimit import Connections, RateLimiter

if TYPE_CHECKING:
    from sealwright_common.runtime.app import App

log = structlog.get_logger(__name__)

REFLECTION_IN_PRODUCTION = frozenset({"operator"})
"""Roles that may use reflection in production; in development all may."""


class Answers(Connections, Protocol):
    """Where stored answers and rates are kept; the Database is one."""

    async def find_answer(self, call: Call) -> bytes | None:
        """The stored answer of a repeated request id, if there is one."""
        ...


class GrpcService:
    """A servicer and the descriptor of the service it implements.

    The servicer is a plain class: one method per RPC, named as in the proto, taking the request (or an async iterator
    of requests) and a :class:`~sealwright_common.domain.call.Call`; a coroutine, or an async generator for a response
    stream. A missing or surplus public method is refused here. ``receive_bytes`` lowers the server's limit.
    """

    def __init__(self, descriptor: ServiceDescriptor, servicer: object, *, receive_bytes: int | None = None) -> None:
        self.descriptor = descriptor
        self.servicer = servicer
        self.receive_bytes = receive_bytes
        methods = {method.name: method for method in descriptor.methods}
        public = {name for name, _ in inspect.getmembers(servicer, callable) if not name.startswith("_")}
        problems = [f"has no method {name}" for name in sorted(methods.keys() - public)]
        problems += [
            f"has a method {name}, which {descriptor.full_name} has not" for name in sorted(public - methods.keys())
        ]
        for name in sorted(public & methods.keys()):
            streams = inspect.isasyncgenfunction(getattr(servicer, name))
            if streams != methods[name].server_streaming:
                problems.append(f"{name} must be {'an async generator' if not streams else 'a coroutine'}")
        if problems:
            raise PolicyError(f"{type(servicer).__name__} " + "; ".join(problems))


class GrpcServer:
    """Serves the services; a part of the app.

    Health follows the app's readiness. At shutdown health says NOT_SERVING first, after the app's drain delay the
    listener closes, running calls get the grace, then they are cancelled (work past its point of no return is not).
    """

    def __init__(
        self,
        settings: ServiceSettings,
        services: Iterable[GrpcService],
        policies: Policies,
        database: Answers | None = None,
        *,
        name: str = "grpc",
    ) -> None:
        self.name = name
        self._settings = settings
        self._services = tuple(services)
        compare(policies, [service.descriptor for service in self._services])
        self._policies = policies
        self._gates = gates(settings.limits)
        self._find_answer = database.find_answer if database is not None else None
        self._limiter = _limiter(settings, database)
        self._health = Health(service.descriptor.full_name for service in self._services)
        self._server: aio.Server | None = None
        self._port = 0
        self._app: App | None = None

    def attach(self, app: App) -> None:
        """Remember the app, whose drain health announces."""
        self._app = app

    @property
    def address(self) -> str:
        """Where it listens, ``host:port`` with the port the system chose. Raises RuntimeError before start."""
        if not self._port:
            raise RuntimeError(f"{self.name} does not listen yet")
        return addresses.join(addresses.split(self._settings.listen)[0], self._port)

    async def start(self) -> None:
        """Listen. Raises ConfigError for unusable certificates, Unavailable when the address is taken."""
        server = aio.server(
            options=self._options(), maximum_concurrent_rpcs=2 * sum(g.limit for g in self._gates.values())
        )
        await self._health.set(False)
        self._register(server)
        try:
            if self._settings.plaintext or self._settings.tls is None:
                self._port = server.add_insecure_port(self._settings.listen)
            else:
                credentials = server_credentials(CertificateFiles(self._settings.tls))
                self._port = server.add_secure_port(self._settings.listen, credentials)
        except RuntimeError:
            raise Unavailable(
                Reason.INTERNAL_ERROR, f"cannot listen on {self._settings.listen}; is another process there?"
            ) from None
        await server.start()
        self._server = server
        log.info("listening", door=self.name, address=self.address, tls=not self._settings.plaintext)

    async def readiness(self, ready: bool) -> None:
        """Let health say what the app says."""
        if self._app is not None and self._app.draining:
            await self._health.leave()
        else:
            await self._health.set(ready)

    async def drain(self) -> None:
        """Close the listener and wait for running calls, at most the app's grace."""
        await self._health.leave()
        if self._server is not None:
            await self._server.stop(self._settings.limits.grace.total_seconds())

    async def stop(self) -> None:
        """Cancel what is left."""
        if self._server is not None:
            await self._server.stop(None)
            self._server = None
            self._port = 0

    def _register(self, server: aio.Server) -> None:
        plaintext = self._settings.plaintext
        names = [service.descriptor.full_name for service in self._services]
        for service in self._services:
            around = Surroundings(
                plaintext=plaintext,
                gates=self._gates,
                find_answer=self._find_answer,
                limiter=self._limiter,
                receive_bytes=min(self._settings.limits.receive_bytes, service.receive_bytes or 2**31),
            )
            _add(
                server,
                service.descriptor.full_name,
                {
                    method.name: Wrapped(
                        method,
                        getattr(service.servicer, method.name),
                        self._policies[f"/{service.descriptor.full_name}/{method.name}"],
                        around,
                    ).handler()
                    for method in service.descriptor.methods
                },
            )
        _add(server, Health.SERVICE, self._health.handlers(plaintext))
        _add(server, CHANNELZ, channelz_handlers(plaintext))
        allowed = ROLES if self._settings.environment == "development" else REFLECTION_IN_PRODUCTION
        for name in REFLECTION:
            _add(server, name, reflection_handlers(names, allowed, plaintext))

    def _options(self) -> list[tuple[str, Any]]:
        limits = self._settings.limits
        keepalive = int(limits.keepalive.total_seconds() * 1000)
        return [
            # Two processes on one port would each answer half of the calls; a second one must fail instead.
            ("grpc.so_reuseport", 0),
            ("grpc.enable_channelz", 1),
            ("grpc.max_receive_message_length", limits.receive_bytes),
            ("grpc.max_metadata_size", limits.metadata_bytes),
            ("grpc.absolute_max_metadata_size", limits.metadata_bytes),
            ("grpc.keepalive_time_ms", keepalive),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.http2.min_ping_interval_without_data_ms", keepalive // 2),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", keepalive // 2),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.max_connection_age_ms", int(limits.connection_age.total_seconds() * 1000)),
            ("grpc.max_connection_age_grace_ms", int(limits.grace.total_seconds() * 1000)),
            ("grpc.max_concurrent_streams", 1024),
        ]


def _limiter(settings: ServiceSettings, database: Answers | None) -> RateLimiter | None:
    rates = settings.limits.rates
    if not rates:
        return None
    if unknown := set(rates) - set(RATE_CLASSES):
        raise ConfigError([f"limits.rates: no rate class {sorted(unknown)}; classes are {sorted(RATE_CLASSES)}"])
    if database is None:
        raise ConfigError(["limits.rates: this server has no database to count calls in; remove the setting"])
    try:
        return RateLimiter(database, rates)
    except ValueError as error:
        raise ConfigError([str(error)]) from None


def _add(server: aio.Server, service: str, handlers: dict[str, Any]) -> None:
    server.add_registered_method_handlers(service, handlers)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
