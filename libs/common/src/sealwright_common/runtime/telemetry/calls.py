"""Spans of calls: the same to processors, exporters and child spans as the SDK's, at a tenth of their price.

The SDK's span locks, bounds and copies what it is given, for threads that share a span and for attributes of any
origin: 60 µs, half the way of a call through the server. The span of a call belongs to one task and has a handful of
attributes of ours. Sampling is the SDK's rule, too: as the parent was, a new trace by its id.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from time import time_ns
from typing import TypeAlias

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.util.types import Attributes, AttributeValue

Given: TypeAlias = Mapping[str, AttributeValue]

tracer = trace.get_tracer("sealwright")
"""The tracer of the process's own provider: for spans that are of no call, and of calls where ours is not installed."""
_SCOPE = InstrumentationScope("sealwright")
_KNOWN_FLAGS = TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID
_FLAGS = tuple(TraceFlags(bits) for bits in range(_KNOWN_FLAGS + 1))


class CallSpan(ReadableSpan, Span):
    """A recorded span of one call, for one task; read by processors once it has ended."""

    def __init__(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Given,
        resource: Resource,
        receivers: Sequence[SpanProcessor],
    ) -> None:
        super().__init__(name, context, parent, resource, dict(attributes), kind=kind, instrumentation_scope=_SCOPE)
        self._start_time = time_ns()
        self._receivers = receivers

    def get_span_context(self) -> SpanContext:
        """Trace id, span id and flags."""
        return self._context  # pyright: ignore[reportReturnType] - ours always has one

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return self._end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Puts or replaces one attribute."""
        self._attributes[key] = value  # pyright: ignore[reportOptionalSubscript, reportIndexIssue]

    def set_attributes(self, attributes: Given) -> None:
        """Puts or replaces some."""
        self._attributes.update(attributes)  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """How the call ended."""
        self._status = status if isinstance(status, Status) else Status(status, description)

    def update_name(self, name: str) -> None:
        """Another name, known only now."""
        self._name = name

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Something that happened meanwhile."""
        self._events = (*self._events, Event(name, attributes, timestamp))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """The type alone: the text of an exception may hold data."""
        self.add_event("exception", {**(attributes or {}), "exception.type": type(exception).__qualname__}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """Hands it to the receivers."""
        self._end_time = end_time or time_ns()
        for receiver in self._receivers:
            receiver.on_end(self)


class CallTracer:
    """Starts the spans of calls."""

    def __init__(self) -> None:
        self._resource: Resource | None = None
        self._receivers: list[SpanProcessor] = []
        self._bound = 0

    def install(self, resource: Resource, sample_ratio: float) -> None:
        """Record from now on; the first call decides. ``sample_ratio`` is the share of new traces, 0 to 1."""
        if self._resource is None:
            self._resource, self._bound = resource, TraceIdRatioBased.get_bound_for_rate(sample_ratio)

    def add_receiver(self, receiver: SpanProcessor) -> None:
        """Hand spans that have ended to one more."""
        self._receivers.append(receiver)

    def start(self, name: str, kind: SpanKind, attributes: Given, parent: SpanContext | None) -> Span:
        """A span under ``parent``, or of a new trace if there is none or it is invalid."""
        if parent is not None and not parent.is_valid:
            parent = None
        if self._resource is None:
            # Not a process of ours: whether and how it traces its calls, its own provider says.
            ambient = Context() if parent is None else trace.set_span_in_context(NonRecordingSpan(parent), Context())
            return tracer.start_span(name, ambient, kind, attributes)
        if parent is None:
            trace_id = random.getrandbits(128)
            sampled = trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound
            context = SpanContext(trace_id, _span_id(), False, _FLAGS[TraceFlags.RANDOM_TRACE_ID | sampled])
        else:
            sampled = parent.trace_flags.sampled
            flags = _FLAGS[parent.trace_flags & _KNOWN_FLAGS]
            context = SpanContext(parent.trace_id, _span_id(), False, flags, parent.trace_state)
        if not sampled:
            return NonRecordingSpan(context)
        return CallSpan(name, context, parent, kind, attributes, self._resource, self._receivers)


def _span_id() -> int:
    return random.getrandbits(64) or 1


call_tracer = CallTracer()
"""The one of this process."""
