"""W3C trace context: how a trace passes through RPC metadata, HTTP headers, events and stored calls."""

from __future__ import annotations

import re

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)


def parse(traceparent: str) -> SpanContext | None:
    """The remote span a W3C ``traceparent`` names; None when it is malformed, which the standard says to ignore."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    context = SpanContext(
        int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=TraceFlags(int(match[3], 16))
    )
    return context if context.is_valid else None


def parent(traceparent: str | None) -> Context:
    """An OpenTelemetry context whose current span is the remote one; an empty one, hence a new trace, without it."""
    remote = parse(traceparent) if traceparent else None
    return Context() if remote is None else trace.set_span_in_context(NonRecordingSpan(remote), Context())


def current_traceparent() -> str:
    """The W3C ``traceparent`` of the running span; empty when there is none."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(span: Span) -> str:
    """The W3C ``traceparent`` of a span; empty when it is not valid."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def attach(span: Span) -> None:
    """Make ``span`` the running one for the rest of this task. For code that owns its task; there is no way back."""
    otel_context.attach(trace.set_span_in_context(span, Context()))
