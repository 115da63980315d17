"""The HTTP door of a service: uvicorn around an ASGI application, with our limits, errors and telemetry."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import structlog
import uvicorn

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime import addresses
from sealwright_common.runtime.config import LimitSettings, TlsSettings
from sealwright_common.runtime.grpc.credentials import CertificateFiles
from sealwright_common.runtime.http.middleware import Door

log = structlog.get_logger(__name__)

CERTIFICATE_CHECK = timedelta(seconds=1)
"""How often certificate files are looked at."""


class HttpServer:
    """Serves an ASGI application; a part of the app.

    Around the application: a body limit (413), a ``deadline`` per request (504), problem+json for every Problem, for
    Starlette's own HTTP exceptions and for uncaught ones (500 with an incident id) unless the application handles them
    itself, ``http_server_request_duration_seconds`` and a server span with W3C trace context. With ``tls`` it
    serves HTTPS to anyone, without client certificates, and takes new certificate files without a restart.
    """

    def __init__(
        self,
        listen: str,
        application: Any,
        *,
        tls: TlsSettings | None = None,
        limits: LimitSettings | None = None,
        deadline: timedelta | None = timedelta(seconds=60),
        name: str = "http",
        instrument: bool = True,
    ) -> None:
        self.name = name
        self._listen = addresses.split(listen)
        self._limits = limits or LimitSettings()
        self._tls = tls
        self._application = Door(application, self._limits.body_bytes, deadline) if instrument else application
        self._server: _Server | None = None
        self._socket: socket.socket | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def address(self) -> str:
        """Where it listens, ``host:port`` with the port the system chose. Raises RuntimeError before start."""
        if self._socket is None:
            raise RuntimeError(f"{self.name} does not listen yet")
        host, port = self._socket.getsockname()[:2]
        return addresses.join(host, port)

    async def start(self) -> None:
        """Listen. Raises Unavailable when the address is taken or not ours, ConfigError for unusable certificates."""
        files = CertificateFiles(self._tls) if self._tls is not None else None
        self._socket = self._bind()
        config = uvicorn.Config(
            self._application,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            ws="none",
            http="httptools",
            timeout_keep_alive=max(1, int(self._limits.keepalive.total_seconds())),
            timeout_graceful_shutdown=max(1, int(self._limits.grace.total_seconds())),
        )
        config.load()
        if self._tls is not None and files is not None:
            config.ssl = _context(self._tls)
            self._tasks.append(
                asyncio.create_task(_follow(files, self._tls, config.ssl), name=f"{self.name} certificates")
            )
        server = _Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[self._socket])
        self._server = server
        self._tasks.append(asyncio.create_task(server.main_loop(), name=self.name))
        log.info("listening", door=self.name, address=self.address, tls=self._tls is not None)

    async def drain(self) -> None:
        """Close the listener and finish the requests that run."""
        server, self._server = self._server, None
        if server is None:
            return
        server.should_exit = True
        await server.shutdown(sockets=[self._socket] if self._socket is not None else [])
        self._socket = None

    async def stop(self) -> None:
        """Close what is left at once."""
        if self._server is not None:
            self._server.force_exit = True
            for task in self._server.server_state.tasks:
                task.cancel()
            await self.drain()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks.clear()

    def _bind(self) -> socket.socket:
        host, port = self._listen
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            return socket.create_server((host, port), family=family, backlog=2048)
        except OSError as error:
            raise Unavailable(
                Reason.INTERNAL_ERROR,
                f"{self.name} cannot listen on {addresses.join(host, port)}: {error.strerror}; choose another address",
            ) from None


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the app has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals alone."""
        yield


def _context(tls: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.cert, tls.key)
    return context


async def _follow(files: CertificateFiles, tls: TlsSettings, context: ssl.SSLContext) -> None:
    """New connections get the new certificate: loading it into the same context is enough."""
    stale = False
    while True:
        await asyncio.sleep(CERTIFICATE_CHECK.total_seconds())
        stale = files.changed() or stale
        if stale:
            try:
                context.load_cert_chain(tls.cert, tls.key)
                stale = False
            except (OSError, ssl.SSLError) as error:
                # Swapped once more between our look and our reading; the next round takes what is there then.
                log.warning("new certificate could not be loaded yet; keeping the old one", exc_info=error)
