"""W3C trace context as the text that travels in rows and message headers."""

from __future__ import annotations

from opentelemetry import context as otel_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


def current_traceparent() -> str:
    """The ``traceparent`` of the span that is active now; empty without one."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def context_of(traceparent: str) -> otel_context.Context:
    """The context that continues the trace of ``traceparent``; a fresh one if it is empty or malformed."""
    return _PROPAGATOR.extract({"traceparent": traceparent}, context=otel_context.Context())
