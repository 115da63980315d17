"""Token buckets per key, in memory: the first and cheapest guard of a door."""

from __future__ import annotations

from collections import OrderedDict
from datetime import timedelta

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Reason, ResourceExhausted


class Buckets:
    """One bucket per key: ``rate`` per second, bursts of ``2 * rate``. At most ``keys`` are remembered."""

    def __init__(self, clock: Clock, rate: float, *, keys: int = 100_000) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = max(1.0, 2 * rate)
        self._keys = keys
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """Takes one token of ``key``; ResourceExhausted with the time until the next one if there is none."""
        now = self._clock.monotonic()
        level, then = self._levels.pop(key, (self._burst, now))
        level = min(self._burst, level + (now - then) * self._rate)
        if level < 1:
            self._levels[key] = (level, now)
            raise ResourceExhausted(
                Reason.RATE_LIMITED,
                "too many requests; wait and repeat",
                retry_after=timedelta(seconds=(1 - level) / self._rate),
            )
        self._levels[key] = (level - 1, now)
        if len(self._levels) > self._keys:
            self._levels.popitem(last=False)
