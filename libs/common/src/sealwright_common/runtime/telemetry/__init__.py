"""Logs, traces and metrics of a service."""

from __future__ import annotations

import asyncio

from opentelemetry.sdk.trace import TracerProvider

from sealwright_common.runtime.config import TelemetrySettings
from sealwright_common.runtime.telemetry import logs, traces


class Telemetry:
    """Sets up logging and tracing when made, so that everything after it is seen; flushes spans when the app stops."""

    name = "telemetry"

    def __init__(self, service: str, settings: TelemetrySettings) -> None:
        logs.configure(settings, service)
        self._provider: TracerProvider = traces.install(settings, service)

    async def start(self) -> None:
        """Nothing: it works from its construction on."""

    async def stop(self) -> None:
        """Export what is left, for at most five seconds."""
        await asyncio.get_running_loop().run_in_executor(None, self._provider.force_flush, 5000)
