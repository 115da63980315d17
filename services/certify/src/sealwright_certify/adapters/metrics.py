"""What certify counts: issuances, how long they take, and who waits. Nothing personal: protocols, states and numbers.

Counters tell what this instance wrote down; gauges are looked up and the same at every instance. Alarms go on
``sealwright_certify_stuck_holders`` above zero and on ``sealwright_certify_overdue_seconds`` beyond a minute.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from prometheus_client import Counter, Gauge, Histogram
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState

from sealwright_certify.ports import Store
from sealwright_certify.usecases.events import OfferSettled, ProcessGenerated, ProcessMoved

log = structlog.get_logger(__name__)

Record = TypeVar("Record")

issuances = Counter(
    "sealwright_certify_issuances",
    "Processes that reached a state, with the error of those that are ERRORED.",
    ("protocol", "state", "error"),
)
credentials = Counter("sealwright_certify_credentials", "Credentials signed, checked and stored.", ("protocol",))
delivery = Histogram(
    "sealwright_certify_delivery_seconds",
    "From the acceptance of a request, or its last approval, to the delivery of its credentials.",
    ("protocol",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 600, 3600, 86400),
)
offers = Counter("sealwright_certify_offers", "Offers that reached their holder, or never will.", ("delivered",))
waiting = Gauge(
    "sealwright_certify_waiting_issuances",
    "Processes that wait: for approval, or to be generated, delivered or told of a refusal.",
    ("what",),
)
overdue = Gauge(
    "sealwright_certify_overdue_seconds", "How long the process that waits longest for a worker is due.", ("what",)
)
stuck = Gauge(
    "sealwright_certify_stuck_holders", "Holders to whom a delivery failed three times or more and is tried again."
)

certificates_due = Gauge(
    "sealwright_certify_certificates_due", "Issuing keys that wait for a certificate; alarm above 0."
)
certificate_seconds = Gauge(
    "sealwright_certify_certificate_seconds",
    "Seconds until the first issuer that uses certificates would have none; infinite while none is due.",
)
certificate_seconds.set(float("inf"))

_WAITS = ("approval", "generate", "deliver", "refuse")


def counted(encode: Callable[[object], Record]) -> Callable[[object], Record]:
    """``encode`` that also counts what each event says."""

    def encode_and_count(event: object) -> Record:
        match event:
            case ProcessMoved(process):
                _moved(process)
            case ProcessGenerated(process, ids):
                credentials.labels(process.protocol).inc(len(ids))
            case OfferSettled(_, delivered):
                offers.labels(str(delivered).lower()).inc()
            case _:
                pass
        return encode(event)

    return encode_and_count


def _moved(process: IssuanceProcess) -> None:
    issuances.labels(process.protocol, process.state, process.error or "").inc()
    if process.state is IssuanceState.DELIVERED:
        began = process.approvals[-1].time if process.approvals else process.create_time
        delivery.labels(process.protocol).observe(max(0.0, (process.update_time - began).total_seconds()))


def trouble(store: Store) -> Callable[[], Awaitable[None]]:
    """A worker's round: looks the gauges up, and says so when more holders are stuck than before."""
    seen = 0

    async def look() -> None:
        nonlocal seen
        async with store.read() as work:
            found = {one.what: one for one in await work.processes.waiting()}
            now = work.now
        for what in _WAITS:
            one = found.get(what)
            waiting.labels(what).set(0 if one is None else one.count)
            due = None if one is None else one.due_since
            if what != "approval":
                overdue.labels(what).set(0.0 if due is None else max(0.0, (now - due).total_seconds()))
        count = sum(one.stuck_holders for one in found.values())
        stuck.set(count)
        if count > seen:
            log.warning("holders do not take their credentials; see `sealwright issuance list`", holders=count)
        seen = count

    return look


def certificate_alarm(due: int, seconds: float | None) -> None:
    """Sets the metrics, and warns while something is due."""
    certificates_due.set(due)
    certificate_seconds.set(float("inf") if seconds is None else seconds)
    if due:
        log.warning("issuing keys need certificates; see IssuerCertificateDue", due=due, seconds_left=seconds)
