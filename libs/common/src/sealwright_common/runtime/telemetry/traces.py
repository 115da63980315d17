"""OpenTelemetry traces: what records and exports them. How they travel between processes is in ``context.py``."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from sealwright_common.runtime.config import TelemetrySettings

tracer = trace.get_tracer("sealwright")
"""The tracer of all our code; it records once :func:`install` ran."""


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
    if settings.otlp_endpoint is not None:
        # Imported here: the exporter is slow to import and most processes of a test have none.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        insecure = not settings.otlp_endpoint.startswith("https://")
        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint, insecure=insecure))
        )
    if processor is not None:
        provider.add_span_processor(processor)
    return provider
