"""The gRPC door of a service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from sealwright_common.runtime.config import ServiceSettings
from sealwright_common.runtime.grpc.policy import Policies, compare


class GrpcService:
    """A servicer and the descriptor of the service it implements.

    The servicer is a plain class: one coroutine (or async generator) per RPC, named as in the proto, taking the request
    (or an async iterator of requests) and a :class:`~sealwright_common.domain.call.Call`.
    """

    def __init__(self, descriptor: ServiceDescriptor, servicer: object) -> None:
        self.descriptor = descriptor
        self.servicer = servicer


class GrpcServer:
    """A part of the app."""

    def __init__(
        self,
        settings: ServiceSettings,
        services: Iterable[GrpcService],
        policies: Policies,
        database: Any = None,
        *,
        name: str = "grpc",
    ) -> None:
        self.name = name
        self._services = tuple(services)
        compare(policies, [service.descriptor for service in self._services])

    @property
    def address(self) -> str:
        """Where it listens, with the port the system chose."""
        raise NotImplementedError

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Close."""
