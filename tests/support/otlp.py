"""A collector of traces: a real OTLP/gRPC server that keeps the spans it gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from grpc import aio
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

PATIENCE = 30.0


@dataclass(frozen=True)
class Span:
    """One span as it arrived."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps every span; ``changed`` wakes whoever waits for more."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.changed = asyncio.Condition()

    async def Export(self, request: Any, context: Any) -> Any:
        """Takes spans."""
        for resource in request.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans.append(
                        Span(
                            named["service.name"],
                            span.name,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            {one.key: one.value.string_value for one in span.attributes},
                        )
                    )
        async with self.changed:
            self.changed.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    async def until(self, wanted: Callable[[list[Span]], bool]) -> list[Span]:
        """The spans once ``wanted`` holds of them; TimeoutError if it never does."""
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: wanted(self.spans))
        return list(self.spans)


@asynccontextmanager
async def open_collector() -> AsyncIterator[tuple[Collector, str]]:
    """A running collector and its endpoint."""
    collector = Collector()
    server = aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        await server.stop(0)
