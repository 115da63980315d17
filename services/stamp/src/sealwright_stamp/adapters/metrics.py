"""Stamp's own metrics: steps made, and what needs a person. Alarms go on the gauges being above zero."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog
from prometheus_client import Counter, Gauge
from sealwright_common.domain.certificates import Step

from sealwright_stamp.ports import Storage

log = structlog.get_logger(__name__)

steps = Counter(
    "sealwright_stamp_certificate_steps", "Steps that certificates made, by the event that tells them.", ("event",)
)
stuck = Gauge("sealwright_stamp_stuck_certificates", "Certificates that are STUCK; resume them.")
undeliverable = Gauge("sealwright_stamp_undeliverable_slices", "Slices their wallets refused; redeliver them.")


def count_steps(step: Step, certificates: int) -> None:
    """Counts a step that so many certificates made together."""
    steps.labels(step.value).inc(certificates)


def trouble(storage: Storage) -> Callable[[], Awaitable[None]]:
    """A worker's round: counts what needs a person, and says so when it has become more."""
    seen = {"stuck": 0, "undeliverable": 0}

    async def look() -> None:
        async with storage.read() as work:
            found = await work.chain.trouble()
        for name, gauge, count in (
            ("stuck", stuck, found.stuck),
            ("undeliverable", undeliverable, found.undeliverable),
        ):
            gauge.set(count)
            if count > seen[name]:
                log.warning("certificates need a person: see `sealwright stamp stuck`", kind=name, count=count)
            seen[name] = count

    return look
