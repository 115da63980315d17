"""Spans of calls are spans to everybody else: processors, the OTLP encoding, children made by the SDK."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags
from sealwright_common.runtime.telemetry.calls import CallTracer
from sealwright_common.runtime.telemetry.context import traceparent_of

RESOURCE = Resource({"service.name": "test"})
ATTRIBUTES = {"rpc.method": "Echo"}


def recording(ratio: float) -> tuple[CallTracer, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracer = CallTracer()
    tracer.install(RESOURCE, ratio)
    tracer.add_receiver(SimpleSpanProcessor(exporter))
    return tracer, exporter


def test_a_span_is_exported_as_it_was_recorded() -> None:
    tracer, exporter = recording(1.0)
    parent = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(0xFD))
    span = tracer.start("Echo", SpanKind.SERVER, ATTRIBUTES, parent)
    span.set_attributes({"http.route": "/x"})
    span.set_status(StatusCode.ERROR)
    span.record_exception(ValueError("secret"))
    assert span.is_recording()
    span.end()
    assert not span.is_recording()
    assert ATTRIBUTES == {"rpc.method": "Echo"}
    assert traceparent_of(span).endswith("-01")
    request = encode_spans(exporter.get_finished_spans())
    (wire,) = request.resource_spans[0].scope_spans[0].spans
    assert (int.from_bytes(wire.trace_id), int.from_bytes(wire.parent_span_id), wire.name) == (7, 8, "Echo")
    assert 0 < wire.start_time_unix_nano <= wire.end_time_unix_nano
    assert {a.key: a.value.string_value for a in wire.attributes} == {"rpc.method": "Echo", "http.route": "/x"}
    assert wire.status.code == StatusCode.ERROR.value
    assert b"secret" not in request.SerializeToString()
    assert wire.events[0].attributes[0].value.string_value == "ValueError"


def test_new_traces_are_sampled_by_ratio_and_others_as_their_parent() -> None:
    for ratio in (0.0, 1.0):
        tracer, exporter = recording(ratio)
        roots = [tracer.start("Echo", SpanKind.CLIENT, ATTRIBUTES, None).get_span_context() for _ in range(20)]
        assert len({root.trace_id for root in roots}) == 20
        assert {root.trace_flags.sampled for root in roots} == {ratio == 1.0}
        for flags in (0, 1):
            under = tracer.start("Echo", SpanKind.CLIENT, ATTRIBUTES, SpanContext(7, 8, False, TraceFlags(flags)))
            under.end()
            assert under.get_span_context().trace_id == 7
        assert len(exporter.get_finished_spans()) == 1


def test_the_sdk_s_spans_may_be_its_children() -> None:
    tracer, _ = recording(1.0)
    span = tracer.start("Echo", SpanKind.SERVER, ATTRIBUTES, None)
    child = TracerProvider().get_tracer("x").start_span("statement", trace.set_span_in_context(span, Context()))
    assert child.get_span_context().trace_id == span.get_span_context().trace_id


def test_where_nothing_is_installed_a_trace_is_passed_on() -> None:
    parent = SpanContext(7, 8, is_remote=True, trace_flags=TraceFlags(1))
    assert CallTracer().start("Echo", SpanKind.CLIENT, ATTRIBUTES, parent).get_span_context().trace_id == 7
