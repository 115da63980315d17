"""What operators are told of certify: metrics with the alarms they are for."""

from __future__ import annotations

import structlog
from prometheus_client import Gauge

log = structlog.get_logger(__name__)

certificates_due = Gauge(
    "sealwright_certify_certificates_due", "Issuing keys that wait for a certificate; alarm above 0."
)
certificate_seconds = Gauge(
    "sealwright_certify_certificate_seconds",
    "Seconds until the first issuer that uses certificates would have none; infinite while none is due.",
)
certificate_seconds.set(float("inf"))


def certificate_alarm(due: int, seconds: float | None) -> None:
    """Sets the metrics, and warns while something is due."""
    certificates_due.set(due)
    certificate_seconds.set(float("inf") if seconds is None else seconds)
    if due:
        log.warning("issuing keys need certificates; see IssuerCertificateDue", due=due, seconds_left=seconds)
