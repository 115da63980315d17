"""The echo service of `echo.proto`: a servicer whose behaviour a test can replace, servers and channels for it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import grpc_tools
from buf.validate import validate_pb2
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc
from sealwright_common.domain.call import Call
from sealwright_common.runtime.app import App
from sealwright_common.runtime.config import DatabaseSettings, LimitSettings, ServiceSettings, TlsSettings
from sealwright_common.runtime.grpc import ANYONE, Channel, GrpcServer, GrpcService, Policies, Policy, connect

ROOT = Path(__file__).parents[2]
SERVICE = "sealwright.testing.v1.EchoService"


def _load() -> Any:
    """Compile `echo.proto` and put it into the default pool, beside the real contracts."""
    pool_has_imports = (validate_pb2.DESCRIPTOR, any_pb2.DESCRIPTOR)
    assert all(pool_has_imports)
    pool = descriptor_pool.Default()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "echo.bin")
        include = resources.files(grpc_tools) / "_proto"
        arguments = ["protoc", f"-I{ROOT / 'tests/support'}", f"-I{ROOT / 'protos'}", f"-I{include}"]
        if protoc.main([*arguments, f"--descriptor_set_out={out}", "echo.proto"]) != 0:
            raise RuntimeError("echo.proto does not compile")
        for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
            pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName(SERVICE)


DESCRIPTOR = _load()
EchoRequest: Any = GetMessageClass(descriptor_pool.Default().FindMessageTypeByName("sealwright.testing.v1.EchoRequest"))
EchoResponse: Any = GetMessageClass(
    descriptor_pool.Default().FindMessageTypeByName("sealwright.testing.v1.EchoResponse")
)

POLICIES: Policies = {
    f"/{SERVICE}/Echo": Policy(ANYONE, rate="write", deadline=timedelta(seconds=5)),
    f"/{SERVICE}/EchoMany": Policy(ANYONE, rate="watch", deadline=None),
    f"/{SERVICE}/EchoAll": Policy(ANYONE, rate="bulk", deadline=timedelta(seconds=5)),
    f"/{SERVICE}/EchoEach": Policy(ANYONE, rate="watch", deadline=None),
}

Behaviour = Callable[[Any, Call], Awaitable[Any]]


async def echo(request: Any, call: Call) -> Any:
    """Says back what it was told, and who, for whom and in which trace."""
    return EchoResponse(
        text=request.text, caller=call.caller, tenant=call.tenant, trace=call.trace, payload=request.payload
    )


class EchoServicer:
    """The service; `behaviour` answers each request."""

    def __init__(self, behaviour: Behaviour = echo) -> None:
        self._behaviour = behaviour

    async def Echo(self, request: Any, call: Call) -> Any:
        return await self._behaviour(request, call)

    async def EchoMany(self, request: Any, call: Call) -> AsyncIterator[Any]:
        for _ in range(request.repeat):
            yield await self._behaviour(request, call)

    async def EchoAll(self, requests: AsyncIterator[Any], call: Call) -> Any:
        texts = [(await self._behaviour(request, call)).text async for request in requests]
        return EchoResponse(text=" ".join(texts), caller=call.caller)

    async def EchoEach(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        async for request in requests:
            yield await self._behaviour(request, call)


class EchoStub:
    """What generated code would give."""

    def __init__(self, channel: Any) -> None:
        def method(kind: str, name: str) -> Any:
            return getattr(channel, kind)(
                f"/{SERVICE}/{name}",
                request_serializer=EchoRequest.SerializeToString,
                response_deserializer=EchoResponse.FromString,
            )

        self.Echo = method("unary_unary", "Echo")
        self.EchoMany = method("unary_stream", "EchoMany")
        self.EchoAll = method("stream_unary", "EchoAll")
        self.EchoEach = method("stream_stream", "EchoEach")


def settings(tls: TlsSettings | None = None, **overrides: Any) -> ServiceSettings:
    """Settings of an echo server on a port of the system's choice, without a drain delay."""
    values: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "database": DatabaseSettings(dsn="postgresql://unused"),  # pyright: ignore[reportArgumentType]
        "tls": tls,
        "plaintext": tls is None,
        "limits": LimitSettings(drain_delay=timedelta(0), grace=timedelta(seconds=5)),
    }
    return ServiceSettings(**{**values, **overrides})


@asynccontextmanager
async def serving(
    behaviour: Behaviour = echo,
    *,
    tls: TlsSettings | None = None,
    policies: Policies = POLICIES,
    database: Any = None,
    **overrides: Any,
) -> AsyncIterator[GrpcServer]:
    """An app with one echo server, ready."""
    given = settings(tls, **overrides)
    app = App("echo", limits=given.limits, watch_interval=0.01)
    server = app.add(GrpcServer(given, [GrpcService(DESCRIPTOR, EchoServicer(behaviour))], policies, database))
    await app.start()
    await app.wait_ready()
    try:
        yield server
    finally:
        await app.stop()


@asynccontextmanager
async def calling(address: str, tls: TlsSettings | None = None, **options: Any) -> AsyncIterator[EchoStub]:
    """A stub over a channel of ours."""
    channel: Channel = connect(address, "echo", tls, **options)
    try:
        yield EchoStub(channel)
    finally:
        await channel.close()
