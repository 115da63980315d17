"""The ops listener: /livez, /readyz and /metrics over plain HTTP, for probes that cannot present certificates."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sealwright_common.runtime.http.server import HttpServer
from sealwright_common.runtime.telemetry import metrics

if TYPE_CHECKING:
    from sealwright_common.runtime.app import App

HEARTBEAT = 0.5
"""Seconds between two looks at the event loop."""
MAX_LAG = 5.0
"""Seconds of event loop lag from which on the process counts as stuck."""


class OpsServer:
    """Serves the state of the app; a part of the app, added first so that it is there last."""

    name = "ops"

    def __init__(self, app: App, listen: str) -> None:
        self._app = app
        self._beat = 0.0
        self._heart: asyncio.Task[None] | None = None
        self._server = HttpServer(
            listen,
            Starlette(
                routes=[
                    Route("/livez", self._livez),
                    Route("/readyz", self._readyz),
                    Route("/metrics", self._metrics),
                ]
            ),
            name="ops",
            instrument=False,
        )

    @property
    def address(self) -> str:
        """Where it listens."""
        return self._server.address

    async def start(self) -> None:
        """Listen and begin to watch the loop."""
        self._beat = asyncio.get_running_loop().time()
        self._heart = asyncio.create_task(self._watch_loop(), name="heartbeat")
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening."""
        if self._heart is not None:
            self._heart.cancel()
            await asyncio.wait({self._heart})
        await self._server.stop()

    async def readiness(self, ready: bool) -> None:
        """Show the app's readiness as a metric."""
        metrics.ready.set(1 if ready else 0)

    async def _watch_loop(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT)
            metrics.loop_lag.set(self._lag())
            self._beat = asyncio.get_running_loop().time()

    def _lag(self) -> float:
        return max(0.0, asyncio.get_running_loop().time() - self._beat - HEARTBEAT)

    async def _livez(self, request: Request) -> Response:
        lag = self._lag()
        return JSONResponse({"alive": lag < MAX_LAG, "loop_lag_seconds": round(lag, 3)}, 200 if lag < MAX_LAG else 503)

    async def _readyz(self, request: Request) -> Response:
        reasons = self._app.reasons()
        return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    async def _metrics(self, request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), media_type=content_type)
