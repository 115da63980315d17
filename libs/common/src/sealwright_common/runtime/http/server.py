"""The HTTP door of a service."""

from __future__ import annotations

from typing import Any

from sealwright_common.runtime.config import LimitSettings, TlsSettings


class HttpServer:
    """Serves an ASGI application; a part of the app."""

    def __init__(
        self,
        listen: str,
        application: Any,
        *,
        tls: TlsSettings | None = None,
        limits: LimitSettings | None = None,
        name: str = "http",
    ) -> None:
        self.name = name

    @property
    def address(self) -> str:
        """Where it listens, with the port the system chose."""
        raise NotImplementedError

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Close."""
