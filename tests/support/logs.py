"""What the process logged, as a service would write it."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sealwright_common.runtime.config import TelemetrySettings
from sealwright_common.runtime.telemetry import logs


class Captured(io.StringIO):
    """The log so far."""

    @property
    def text(self) -> str:
        """All of it."""
        return self.getvalue()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Line by line."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


@contextmanager
def captured(level: str = "INFO") -> Iterator[Captured]:
    """Our real log configuration at `level`, written to memory instead of standard error."""
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    configuration = structlog.get_config()
    stream, stderr = Captured(), sys.stderr
    sys.stderr = stream
    try:
        logs.configure(TelemetrySettings.model_validate({"log_level": level}), "test")
        yield stream
    finally:
        sys.stderr = stderr
        root.handlers[:] = handlers
        root.setLevel(root_level)
        structlog.configure(**configuration)
