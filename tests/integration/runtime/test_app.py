"""The life of a service process: start, readiness, signals, exit codes, settings."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from sealwright_common.runtime.app import App
from sealwright_common.runtime.config import LimitSettings
from sealwright_common.runtime.grpc import GrpcServer, GrpcService

from tests.support.echo import DESCRIPTOR, POLICIES, EchoRequest, EchoServicer, calling, settings

ROOT = Path(__file__).parents[3]
MAIN = """
    import asyncio
    from datetime import timedelta
    from sealwright_common.runtime.app import run_service
    from sealwright_common.runtime.completion import shielded
    from sealwright_common.runtime.config import ServiceSettings
    from sealwright_common.runtime.grpc import GrpcServer, GrpcService
    from tests.support.echo import DESCRIPTOR, POLICIES, EchoResponse, EchoServicer

    class EchoSettings(ServiceSettings):
        greeting: str = "hello"
        '''What it says.'''

    async def behaviour(request, call):
        if request.text == "long":
            await asyncio.sleep(1)
        if request.text == "stuck":
            await asyncio.sleep(60)
        return EchoResponse(text=request.text)

    async def build(app, settings):
        if settings.greeting == "fail":
            raise RuntimeError("marker of a failure")
        app.add(GrpcServer(settings, [GrpcService(DESCRIPTOR, EchoServicer(behaviour))], POLICIES))

    def main():
        run_service("echo", EchoSettings, build)

    main()
"""


class Recorder:
    """A part that notes what happens to it."""

    def __init__(self, name: str, notes: list[str], *, fails: bool = False) -> None:
        self.name = name
        self.why: str | None = None
        self._notes = notes
        self._fails = fails

    async def start(self) -> None:
        self._notes.append(f"{self.name} started")
        if self._fails:
            raise RuntimeError(f"{self.name} cannot start")

    async def drain(self) -> None:
        self._notes.append(f"{self.name} drained")

    async def stop(self) -> None:
        self._notes.append(f"{self.name} stopped")

    def ready(self) -> str | None:
        return self.why


async def test_parts_start_in_order_and_drain_and_stop_in_reverse() -> None:
    notes: list[str] = []
    app = App("test", limits=LimitSettings(drain_delay=timedelta(0)))
    for name in ("a", "b"):
        app.add(Recorder(name, notes))
    with pytest.raises(ValueError, match="two parts are called 'a'"):
        app.add(Recorder("a", notes))
    await app.start()
    await app.stop()
    assert notes == ["a started", "b started", "b drained", "a drained", "b stopped", "a stopped"]


async def test_if_a_part_cannot_start_those_before_it_are_stopped() -> None:
    notes: list[str] = []
    app = App("test")
    app.add(Recorder("a", notes))
    app.add(Recorder("b", notes, fails=True))
    with pytest.raises(RuntimeError, match="b cannot start"):
        await app.start()
    assert notes == ["a started", "b started", "a stopped"]


@pytest.mark.promise(31)
async def test_health_follows_readiness_and_says_not_serving_before_the_listener_closes() -> None:
    given = settings(limits=LimitSettings(drain_delay=timedelta(seconds=0.5)))
    app = App("test", limits=given.limits, watch_interval=0.01)
    dependency = app.add(Recorder("dependency", []))
    dependency.why = "not there yet"
    server = app.add(GrpcServer(given, [GrpcService(DESCRIPTOR, EchoServicer())], POLICIES))
    assert app.reasons() == {"app": "starting"}
    await app.start()
    assert app.reasons() == {"dependency": "not there yet"}
    async with aio.insecure_channel(server.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)  # pyright: ignore[reportArgumentType]
        services = ("", DESCRIPTOR.full_name)
        watches = [stub.Watch(health_pb2.HealthCheckRequest(service=s), timeout=30) for s in services]  # pyright: ignore

        async def statuses() -> set[str]:
            async with asyncio.timeout(5):
                answers = [await watch.read() for watch in watches]
            return {health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status) for answer in answers}

        assert await statuses() == {"NOT_SERVING"}
        dependency.why = None
        assert await statuses() == {"SERVING"}
        await app.wait_ready()
        dependency.why = "gone again"
        assert await statuses() == {"NOT_SERVING"}
        dependency.why = None
        assert await statuses() == {"SERVING"}
        stopping = asyncio.create_task(app.stop())
        assert await statuses() == {"NOT_SERVING"}
        host, port = server.address.split(":")
        socket.create_connection((host, int(port)), 1).close()  # still listening
        for watch in watches:
            watch.cancel()
        await stopping
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((host, int(port)), 1)


class Service:
    """The process of `MAIN`."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        main = folder / "main.py"
        main.write_text(textwrap.dedent(MAIN))
        self.ports = _free_ports(2)
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", str(main), *arguments],
            cwd=folder,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")},
                "PYTHONPATH": str(ROOT),
                "SEALWRIGHT_ECHO_LISTEN": f"127.0.0.1:{self.ports[0]}",
                "SEALWRIGHT_ECHO_OPS_LISTEN": f"127.0.0.1:{self.ports[1]}",
                "SEALWRIGHT_ECHO_DATABASE__DSN": "postgresql://echo:marker-password@localhost/echo",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> tuple[int, str]:
        """Exit code, and all it wrote."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out + err

    def get(self, path: str) -> tuple[int, str]:
        """What the ops listener says."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[1]}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    async def until_ready(self) -> None:
        """Return when /readyz says 200."""
        async with asyncio.timeout(20):
            while self.process.poll() is None:
                try:
                    if (await asyncio.to_thread(self.get, "/readyz"))[0] == 200:
                        return
                except OSError:
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError(self.end())


@contextmanager
def service(folder: Path, *arguments: str, **environment: str) -> Iterator[Service]:
    running = Service(folder, *arguments, **environment)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.end()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_gracefully_with_exit_code_0(tmp_path: Path, number: signal.Signals) -> None:
    with service(tmp_path, "--plaintext", SEALWRIGHT_ECHO_LIMITS__DRAIN_DELAY="0.5") as running:
        await running.until_ready()
        assert json.loads(running.get("/livez")[1])["alive"] is True
        assert "sealwright_ready 1.0" in running.get("/metrics")[1]
        async with calling(f"127.0.0.1:{running.ports[0]}") as stub:
            call = asyncio.create_task(stub.Echo(EchoRequest(text="long"), timeout=10))
            await asyncio.sleep(0.2)
            running.process.send_signal(number)
            async with asyncio.timeout(2):
                while (answer := await asyncio.to_thread(running.get, "/readyz"))[0] != 503:
                    await asyncio.sleep(0.02)
            assert json.loads(answer[1]) == {"ready": False, "reasons": {"app": "stopping"}}
            assert (await call).text == "long"
        code, text = await asyncio.to_thread(running.end)
    assert code == 0, text
    assert "every local caller gets every role" in text
    assert "marker-password" not in text
    assert all(json.loads(line)["service"] == "echo" for line in text.splitlines())


class Collector(TraceServiceServicer):
    """An OpenTelemetry collector that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()

    async def Export(self, request: Any, context: Any) -> ExportTraceServiceResponse:  # pyright: ignore
        for resource in request.resource_spans:
            attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
            self.services.add(attributes["service.name"])
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return ExportTraceServiceResponse()


async def test_spans_are_exported_and_the_last_ones_before_it_ends(tmp_path: Path) -> None:
    collector = Collector()
    server = aio.server()
    add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    telemetry = {
        "SEALWRIGHT_ECHO_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "SEALWRIGHT_ECHO_TELEMETRY__SAMPLE_RATIO": "1",
        "SEALWRIGHT_ECHO_LIMITS__DRAIN_DELAY": "0",
    }
    with service(tmp_path, "--plaintext", **telemetry) as running:
        await running.until_ready()
        async with calling(f"127.0.0.1:{running.ports[0]}") as stub:
            await stub.Echo(EchoRequest(text="x"))
        labels = f'rpc_method="{DESCRIPTOR.full_name}/Echo",rpc_response_status_code="OK",rpc_system_name="grpc"'
        assert f"rpc_server_call_duration_seconds_count{{{labels}}} 1.0" in running.get("/metrics")[1]
        running.process.send_signal(signal.SIGTERM)
        code, text = await asyncio.to_thread(running.end)
    await server.stop(None)
    assert code == 0, text
    assert collector.services == {"sealwright-echo"}
    assert [span.name for span in collector.spans] == ["sealwright.testing.v1.EchoService/Echo"]


@pytest.mark.promise(16)
@pytest.mark.parametrize("round_", range(3))
async def test_a_stop_under_load_fails_no_call_that_was_accepted(tmp_path: Path, round_: int) -> None:
    """200 calls a second; after NOT_SERVING a caller goes elsewhere, and everything it sent before is answered."""
    with service(tmp_path, "--plaintext") as running:
        await running.until_ready()
        address = f"127.0.0.1:{running.ports[0]}"
        leave = asyncio.Event()
        async with calling(address) as stub, aio.insecure_channel(address) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)  # pyright: ignore[reportArgumentType]

            async def watch() -> None:
                async for answer in health.Watch(health_pb2.HealthCheckRequest(), timeout=60):  # pyright: ignore
                    if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
                        leave.set()
                        return

            watching = asyncio.create_task(watch())
            calls: list[asyncio.Task[Any]] = []
            loop = asyncio.get_running_loop()
            signalled = 0.0
            while not leave.is_set():
                calls.append(asyncio.create_task(stub.Echo(EchoRequest(text="x"), timeout=10)))
                if len(calls) == 100:
                    running.process.send_signal(signal.SIGTERM)
                    signalled = loop.time()
                await asyncio.sleep(0.005)
            calls.append(asyncio.create_task(stub.Echo(EchoRequest(text="long"), timeout=10)))
            await asyncio.gather(*calls)
            await watching
        code, text = await asyncio.to_thread(running.end)
        assert 2 <= loop.time() - signalled <= 20
    assert code == 0, text


async def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    with service(tmp_path, "--plaintext") as running:
        await running.until_ready()
        running.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(2):
            while (await asyncio.to_thread(running.get, "/readyz"))[0] != 503:
                await asyncio.sleep(0.02)
        running.process.send_signal(signal.SIGINT)
        code, _ = await asyncio.to_thread(running.end)
    assert code == 128 + signal.SIGINT


async def test_a_failure_at_start_is_exit_code_1_without_its_text(tmp_path: Path) -> None:
    with service(tmp_path, "--plaintext", SEALWRIGHT_ECHO_GREETING="fail") as running:
        code, text = await asyncio.to_thread(running.end)
    assert code == 1
    assert "builtins.RuntimeError" in text
    assert "marker" not in text


async def test_a_taken_address_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for variable in ("SEALWRIGHT_ECHO_LISTEN", "SEALWRIGHT_ECHO_OPS_LISTEN"):
            with service(tmp_path, "--plaintext", **{variable: address}) as running:
                code, text = await asyncio.to_thread(running.end)
            assert code == 1
            assert f"cannot listen on {address}" in text


async def test_check_config(tmp_path: Path) -> None:
    good = tmp_path / "good.toml"
    good.write_text('plaintext = true\ngreeting = "moin"\n[limits.concurrency]\nread = 3\n')
    bad = tmp_path / "bad.toml"
    bad.write_text('greetng = "moin"\n[limits]\nreceive_bytes = "much"\n')
    for arguments, expected, words in (
        (("--config", str(good)), 0, ["settings are fine"]),
        (("--config", str(bad)), 2, ["greetng: no such setting; did you mean greeting?", "limits.receive_bytes"]),
        (("--config", str(tmp_path / "none.toml")), 2, ["none.toml: No such file"]),
        ((), 2, ["no certificate", "--plaintext"]),
    ):
        with service(tmp_path, "--check-config", *arguments) as running:
            code, text = await asyncio.to_thread(running.end)
        assert code == expected, text
        for word in words:
            assert word in text
    with service(tmp_path, "--plaintext", SEALWRIGHT_ECHO_LISTEN="0.0.0.0:7000") as running:
        code, text = await asyncio.to_thread(running.end)
    assert code == 2
    assert "plaintext serves loopback only" in text


async def test_help_lists_every_setting(tmp_path: Path) -> None:
    with service(tmp_path, "--help") as running:
        code, text = await asyncio.to_thread(running.end)
    assert code == 0
    for word in ("limits.receive_bytes", "SEALWRIGHT_ECHO_LIMITS__RECEIVE_BYTES", "What it says.", "database.dsn"):
        assert word in text
