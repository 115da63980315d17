"""Overload: each rate class runs so many calls at a time; what comes on top is refused at once, not queued.

A queue in front of a full service only makes every caller wait past its deadline. Refusing costs microseconds and tells
the caller when to come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sealwright_common.domain.errors import Reason, ResourceExhausted
from sealwright_common.runtime.config import LimitSettings
from sealwright_common.runtime.grpc.policy import RATE_CLASSES
from sealwright_common.runtime.loading import ConfigError
from sealwright_common.runtime.telemetry import metrics

RETRY_AFTER = timedelta(milliseconds=250)


class Gate:
    """How many calls of one rate class run now."""

    __slots__ = ("_active", "_refused", "limit", "name", "running")

    def __init__(self, name: str, limit: int) -> None:
        if limit < 1:
            raise ConfigError([f"limits.concurrency.{name} is {limit}; it must be at least 1"])
        self.name = name
        self.limit = limit
        self.running = 0
        self._active = metrics.rpc_active.labels(name)
        self._active.set_function(lambda: self.running)
        self._refused = metrics.rpc_refused.labels(name)

    def refuse(self) -> ResourceExhausted:
        """The refusal, counted."""
        self._refused.inc()
        return ResourceExhausted(
            Reason.OVERLOADED,
            f"{self.limit} calls of class {self.name} are running; try again after the given delay",
            retry_after=RETRY_AFTER,
        )


def gates(limits: LimitSettings) -> Mapping[str, Gate]:
    """One gate per rate class. Raises ConfigError for a class that does not exist."""
    if unknown := set(limits.concurrency) - set(RATE_CLASSES):
        raise ConfigError([f"limits.concurrency: no rate class {sorted(unknown)}; classes are {sorted(RATE_CLASSES)}"])
    return {name: Gate(name, limits.concurrency.get(name, default)) for name, default in RATE_CLASSES.items()}
