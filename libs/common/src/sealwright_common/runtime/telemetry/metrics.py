"""Prometheus metrics, named after the OpenTelemetry conventions, on the process-wide registry.

``rpc_server_call_duration_seconds`` and its client twin carry ``rpc_system_name``, the full ``rpc_method`` and the
status by name; a sampled call of each second, and every slow one, leaves its trace id as exemplar.
"""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A second series per counter and histogram, telling only when the process began to count.
disable_created_metrics()

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; one millisecond to ten seconds."""

rpc_server = Histogram(
    "rpc_server_call_duration_seconds",
    "Duration of calls this service answered.",
    ("rpc_system_name", "rpc_method", "rpc_response_status_code"),
    buckets=BUCKETS,
)
rpc_client = Histogram(
    "rpc_client_call_duration_seconds",
    "Duration of calls this service made to its peers, retries included.",
    ("rpc_system_name", "rpc_method", "rpc_response_status_code"),
    buckets=BUCKETS,
)
rpc_active = Gauge("sealwright_rpc_server_active_calls", "Calls running now, by rate class.", ("rate_class",))
rpc_refused = Counter(
    "sealwright_rpc_server_refused_calls", "Calls refused because the rate class was full.", ("rate_class",)
)
http_server = Histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP requests this service answered.",
    ("http_request_method", "http_route", "http_response_status_code"),
    buckets=BUCKETS,
)
loop_lag = Gauge("sealwright_event_loop_lag_seconds", "How late the event loop ran its last heartbeat.")
ready = Gauge("sealwright_ready", "1 while the service is ready, else 0.")
worker_rounds = Counter("sealwright_worker_rounds", "Rounds of background loops.", ("worker", "outcome"))


EXEMPLAR_EVERY = 1.0
"""Seconds after which a status gets its next exemplar: a scrape takes one of each bucket, thousands made in vain."""
SLOW = 0.25
"""Seconds from which on a call is always one."""


class CallTimer:
    """Durations of one RPC method, its label children kept so that a call looks up one dict."""

    __slots__ = ("_children", "_histogram", "_method", "_next")

    def __init__(self, histogram: Histogram, method: str) -> None:
        self._histogram = histogram
        self._method = method.lstrip("/")
        self._children: dict[str, Histogram] = {}
        self._next: dict[str, float] = {}

    def observe(self, seconds: float, status: str, trace_id: int = 0) -> None:
        """Count one call that ended with ``status`` (a gRPC code by name)."""
        child = self._children.get(status)
        if child is None:
            child = self._children[status] = self._histogram.labels("grpc", self._method, status)
            self._next[status] = 0.0
        if trace_id and ((now := time.monotonic()) >= self._next[status] or seconds >= SLOW):
            self._next[status] = now + EXEMPLAR_EVERY
            child.observe(seconds, {"trace_id": f"{trace_id:032x}"})
        else:
            child.observe(seconds)
