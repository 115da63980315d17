"""Unary RPCs a second through everything the runtime puts around a call, against a bare grpc.aio echo in the same run.

Both: server and client a process each on loopback, uvloop, 64 calls in flight, requests of about 100 bytes. Ours:
mutual TLS, identity and allow-list, deadline, overload gate, field validation, metrics and a recorded span on both
sides (every trace is sampled; spans go through the batch processor to an exporter that drops them). Bare: plaintext, a
handler as generated code makes it, nothing else. The kind "mtls", bare but for mutual TLS, is for other benches.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import uvloop
from grpc import aio
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from sealwright_common.runtime.config import TelemetrySettings, TlsSettings
from sealwright_common.runtime.grpc.credentials import CertificateFiles, channel_credentials, server_credentials
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.telemetry import logs, traces

from bench.framework import Row, alternate, child
from tests.support.echo import SERVICE, EchoRequest, EchoResponse, EchoStub, calling, serving

IN_FLIGHT = 64
SECONDS = 3.0
GOAL = 0.45
REQUEST = EchoRequest(text="0" * 30, payload=bytes(64))


def bench() -> Iterator[Row]:
    """The row of the README."""
    with tempfile.TemporaryDirectory() as folder:
        ca = DevelopmentCa.open(Path(folder))
        ca.issue("signer")
        ca.issue("client")
        with _server("bare", folder) as bare, _server("full", folder) as full:
            figures = alternate(
                {"bare": lambda: _calls("bare", bare, folder), "full": lambda: _calls("full", full, folder)}
            )
    yield Row(
        name="unary RPC: full stack, mTLS and tracing on",
        ours=figures["full"],
        against="bare grpc.aio echo",
        figure=figures["bare"],
        goal=GOAL,
        unit="RPC/s",
    )


@contextlib.contextmanager
def _server(kind: str, folder: str) -> Iterator[str]:
    """A server process; its address."""
    process = child("rpc_echo", "serve", kind, folder, stdin=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate()


def _calls(kind: str, address: str, folder: str) -> float:
    """Calls a second of a client process."""
    out, _ = child("rpc_echo", "call", kind, folder, address).communicate()
    return float(out)


class _Dropping(SpanExporter):
    """Takes spans and forgets them."""

    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def _trace() -> None:
    settings = TelemetrySettings(sample_ratio=1.0, log_level="WARNING")
    logs.configure(settings, "bench")
    traces.install(settings, "bench", BatchSpanProcessor(_Dropping()))


def _tls(folder: str, name: str) -> TlsSettings:
    at = Path(folder)
    return TlsSettings(cert=at / f"{name}.pem", key=at / f"{name}-key.pem", ca=at / "ca.pem")


def bare_channel(address: str, tls: TlsSettings | None) -> aio.Channel:
    """A channel of grpc.aio with nothing of ours around it."""
    if tls is None:
        return aio.insecure_channel(address)
    return aio.secure_channel(address, channel_credentials(CertificateFiles(tls)))


@contextlib.asynccontextmanager
async def _bare_server(tls: TlsSettings | None) -> AsyncIterator[str]:
    async def echo(request: Any, context: Any) -> Any:
        return EchoResponse(text=request.text, payload=request.payload)

    server = aio.server()
    handler = grpc.unary_unary_rpc_method_handler(echo, EchoRequest.FromString, EchoResponse.SerializeToString)
    server.add_registered_method_handlers(SERVICE, {"Echo": handler})
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Echo": handler}),))
    if tls is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", server_credentials(CertificateFiles(tls)))
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(None)


async def _serve(kind: str, folder: str) -> None:
    async def until_closed(address: str) -> None:
        print(address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)

    if kind in ("bare", "mtls"):
        async with _bare_server(_tls(folder, "signer") if kind == "mtls" else None) as address:
            await until_closed(address)
    else:
        _trace()
        async with serving(tls=None if kind == "plain" else _tls(folder, "signer")) as server:
            await until_closed(server.address)


async def _call(kind: str, folder: str, address: str) -> float:
    if kind in ("bare", "mtls"):
        async with bare_channel(address, _tls(folder, "client") if kind == "mtls" else None) as channel:
            return await _rate(EchoStub(channel))
    _trace()
    async with calling(address, None if kind == "plain" else _tls(folder, "client")) as stub:
        return await _rate(stub)


async def _rate(stub: EchoStub) -> float:
    async def caller(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            await stub.Echo(REQUEST, timeout=10)
            count += 1
        return count

    async def all_callers(seconds: float) -> float:
        started = time.perf_counter()
        counts = await asyncio.gather(*(caller(started + seconds) for _ in range(IN_FLIGHT)))
        return sum(counts) / (time.perf_counter() - started)

    await all_callers(0.5)
    return await all_callers(SECONDS)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", kind, folder]:
            uvloop.run(_serve(kind, folder))
        case ["call", kind, folder, address]:
            print(uvloop.run(_call(kind, folder, address)))
        case _:
            sys.exit("run it with ./mesh bench rpc_echo")
