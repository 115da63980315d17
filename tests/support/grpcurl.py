"""A caller that knows nothing of our contracts: it learns them by reflection and speaks JSON, the way grpcurl does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

TIMEOUT = 20.0
_DETAILS = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)


class Refused(Exception):
    """The server refused: status name, message, and the details it sent as dictionaries by their type's name."""

    def __init__(self, error: grpc.RpcError) -> None:
        call: Any = error
        self.code: str = call.code().name
        self.message: str = call.details()
        self.details: dict[str, Any] = {}
        for key, value in call.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                for detail in status_pb2.Status.FromString(value).details:
                    for known in _DETAILS:
                        message = known()
                        if detail.Unpack(message):
                            self.details[known.DESCRIPTOR.name] = json_format.MessageToDict(message)
        super().__init__(f"{self.code}: {self.message} {self.details}")

    @property
    def reason(self) -> str:
        """The reason of the ErrorInfo; empty without one."""
        return self.details.get("ErrorInfo", {}).get("reason", "")

    @property
    def paths(self) -> list[str]:
        """The field paths of the BadRequest."""
        return [field["field"] for field in self.details.get("BadRequest", {}).get("fieldViolations", [])]


class Grpcurl:
    """Blocking; call it from a thread where an event loop runs. ``tls`` is (ca, cert, key) or None for plaintext."""

    def __init__(self, address: str, tls: tuple[Path, Path, Path] | None) -> None:
        if tls is None:
            self.channel = grpc.insecure_channel(address)
        else:
            ca, cert, key = (path.read_bytes() for path in tls)
            self.channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(ca, key, cert))
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = DescriptorPool(self.database)

    def __enter__(self) -> Grpcurl:
        return self

    def __exit__(self, *error: object) -> None:
        self.channel.close()

    def services(self) -> Sequence[str]:
        """Full names of the services, as ``grpcurl ADDRESS list`` prints them."""
        return sorted(self.database.get_services())

    def methods(self, service: str) -> list[MethodDescriptor]:
        """The RPCs of ``service``."""
        return list(self.pool.FindServiceByName(service).methods)

    def describe(self, symbol: str) -> str:
        """The full name of what ``symbol`` names, after finding it by reflection; KeyError if there is none."""
        return self.pool.FindFileContainingSymbol(symbol).name

    def call(
        self,
        method: str,
        *requests: dict[str, Any],
        tenant: str | None = None,
        limit: int = 100,
        seconds: float | None = None,
    ) -> list[Any]:
        """Calls ``package.Service/Method`` with JSON requests; returns its responses as JSON with the proto's names.

        A stream is read up to ``limit`` responses, or for ``seconds``. Raises :class:`Refused`.
        """
        service, _, name = method.partition("/")
        descriptor = self.pool.FindServiceByName(service).methods_by_name[name]
        request_class, response_class = (GetMessageClass(m) for m in (descriptor.input_type, descriptor.output_type))
        messages = [json_format.ParseDict(r, request_class(), descriptor_pool=self.pool) for r in requests]
        kind = f"{'stream' if descriptor.client_streaming else 'unary'}_" + (
            "stream" if descriptor.server_streaming else "unary"
        )
        invoke = getattr(self.channel, kind)(
            f"/{method}",
            request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString,
        )
        metadata = (("sealwright-tenant", tenant),) if tenant else ()
        argument = iter(messages) if descriptor.client_streaming else messages[0]
        try:
            answer = invoke(argument, timeout=seconds or TIMEOUT, metadata=metadata)
            responses = list(_first(answer, limit)) if descriptor.server_streaming else [answer]
        except grpc.RpcError as error:
            raise Refused(error) from error
        return [
            json_format.MessageToDict(response, preserving_proto_field_name=True, descriptor_pool=self.pool)
            for response in responses
        ]


def _first(answers: Any, limit: int) -> Iterator[Message]:
    for number, answer in enumerate(answers, 1):
        yield answer
        if number == limit:
            answers.cancel()
            return
