"""Health, reflection and channelz on every server, behind the same authentication as everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import grpc
from grpc import aio
from grpc_channelz.v1 import channelz, channelz_pb2_grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from sealwright_common.domain.errors import PermissionDenied, Problem, Reason
from sealwright_common.runtime.grpc.handlers import abort
from sealwright_common.runtime.grpc.identity import LOCAL, authenticate
from sealwright_common.runtime.grpc.policy import ROLES

Handlers = dict[str, Any]
"""Method handlers of one service by method name."""

REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
"""Both names that tools ask for; the messages are the same on the wire."""


CHANNELZ = "grpc.channelz.v1.Channelz"

# The type stubs are older than the package: they know neither the aio servicer nor List.
_pb: Any = health_pb2
_health: Any = health
_channelz: Any = channelz


class Health:
    """grpc.health.v1: one status for the server and one per service."""

    SERVICE = "grpc.health.v1.Health"

    def __init__(self, services: Iterable[str]) -> None:
        self._statuses = dict.fromkeys(("", *services), _pb.HealthCheckResponse.NOT_SERVING)
        self._servicer = _health.aio.HealthServicer()
        # Its generated base has List since 1.72, the servicer not yet.
        self._servicer.List = self._list

    async def set(self, serving: bool) -> None:
        """All services follow the app's readiness."""
        status = _pb.HealthCheckResponse.SERVING if serving else _pb.HealthCheckResponse.NOT_SERVING
        for name in self._statuses:
            self._statuses[name] = status
            await self._servicer.set(name, status)

    async def leave(self) -> None:
        """NOT_SERVING for good."""
        await self.set(False)
        await self._servicer.enter_graceful_shutdown()

    def handlers(self, plaintext: bool) -> Handlers:
        """Its handlers; every authenticated role may ask."""
        return _guarded(health_pb2_grpc.add_HealthServicer_to_server, self._servicer, ROLES, plaintext)

    async def _list(self, request: object, context: object) -> Any:
        return _pb.HealthListResponse(
            statuses={name: _pb.HealthCheckResponse(status=status) for name, status in self._statuses.items()}
        )


def reflection_handlers(services: Iterable[str], allowed: frozenset[str], plaintext: bool) -> Handlers:
    """Server reflection over ``services`` for the ``allowed`` roles."""
    servicer = reflection.aio.ReflectionServicer((*services, Health.SERVICE, CHANNELZ, *REFLECTION[1:]))
    return _guarded(reflection_pb2_grpc.add_ServerReflectionServicer_to_server, servicer, allowed, plaintext)


def channelz_handlers(plaintext: bool) -> Handlers:
    """gRPC's own view of the process's servers, channels and sockets, for operators (gRFC A14)."""
    servicer = _channelz.aio.ChannelzServicer()
    return _guarded(channelz_pb2_grpc.add_ChannelzServicer_to_server, servicer, frozenset({"operator"}), plaintext)


def _guarded(add: Callable[[Any, Any], None], servicer: object, allowed: frozenset[str], plaintext: bool) -> Handlers:
    """The handlers that ``add`` registers, each behind authentication and the allow-list."""
    collector = _Collector()
    add(servicer, collector)

    async def check(context: aio.ServicerContext[Any, Any]) -> None:
        try:
            identity = LOCAL if plaintext else authenticate(context.auth_context())
            if allowed.isdisjoint(identity.roles):
                raise PermissionDenied(
                    Reason.CALLER_NOT_ALLOWED, f"{identity.uri} may not; allowed roles: {', '.join(sorted(allowed))}"
                )
        except Problem as problem:
            await abort(context, problem)

    def guard(handler: Any) -> Any:
        inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        async def single(request: Any, context: aio.ServicerContext[Any, Any]) -> Any:
            await check(context)
            return await inner(request, context)

        async def stream(request: Any, context: aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            await check(context)
            async for response in inner(request, context):
                yield response

        # Health's Watch writes to the context instead of yielding.
        wrapped = stream if handler.stream_stream else single
        build = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[handler.request_streaming, handler.response_streaming]
        return build(wrapped, handler.request_deserializer, handler.response_serializer)

    return {name: guard(handler) for name, handler in collector.handlers.items()}


class _Collector:
    """Stands in for a server while generated code registers a servicer."""

    def __init__(self) -> None:
        self.handlers: Handlers = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """The same handlers again, in their older form."""

    def add_registered_method_handlers(self, service: str, handlers: Handlers) -> None:
        """The handlers by name."""
        self.handlers.update(handlers)
