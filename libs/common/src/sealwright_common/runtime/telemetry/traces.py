"""OpenTelemetry traces: what records and exports them.

How they travel between processes is in ``context.py``, the spans of calls in ``calls.py``.
"""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, TraceIdRatioBased

from sealwright_common.runtime.config import TelemetrySettings
from sealwright_common.runtime.telemetry.calls import call_tracer

NO_PROXY = (("grpc.enable_http_proxy", 0),)
"""The collector is a peer: a proxy that the environment names must not come between."""


def install(settings: TelemetrySettings, service: str, processor: SpanProcessor | None = None) -> TracerProvider:
    """Make spans of this process be recorded and exported; ``processor`` adds another receiver (tests: in memory).

    OpenTelemetry takes one provider per process: the first call decides resource and sampling, later add receivers.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(
            resource=Resource.create({"service.name": f"sealwright-{service}", "service.namespace": "sealwright"}),
            sampler=ParentBased(TraceIdRatioBased(settings.sample_ratio)),
            shutdown_on_exit=False,
        )
        trace.set_tracer_provider(provider)
    call_tracer.install(provider.resource, settings.sample_ratio)
    receivers = [] if processor is None else [processor]
    if settings.otlp_endpoint is not None:
        # Imported here: the exporter is slow to import and most processes of a test have none.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        insecure = not settings.otlp_endpoint.startswith("https://")
        exporter = OTLPSpanExporter(
            endpoint=settings.otlp_endpoint,
            insecure=insecure,
            channel_options=NO_PROXY,  # pyright: ignore[reportArgumentType]  # its type knows options of text only
        )
        receivers.append(BatchSpanProcessor(exporter))
    for receiver in receivers:
        provider.add_span_processor(receiver)
        call_tracer.add_receiver(receiver)
    if receivers:
        _trace_statements(provider.resource, receivers)
    return provider


def _trace_statements(resource: Resource, receivers: Iterable[SpanProcessor]) -> None:
    """Make SQL statements spans of the trace they run in. Those of idle polls, outside any trace, are not recorded."""
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor

    statements = TracerProvider(resource=resource, sampler=ParentBased(ALWAYS_OFF), shutdown_on_exit=False)
    for receiver in receivers:
        statements.add_span_processor(receiver)
    AsyncPGInstrumentor().instrument(tracer_provider=statements)
