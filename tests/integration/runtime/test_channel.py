"""Client channels: deadlines, retries, a late peer, certificates that roll, one trace."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import DeadlineExceeded, InvalidArgument, Reason, Unavailable
from sealwright_common.runtime.config import LimitSettings, TelemetrySettings
from sealwright_common.runtime.grpc import ChannelSettings, channel, connect
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.loading import ConfigError
from sealwright_common.runtime.telemetry import traces
from sealwright_common.runtime.telemetry.calls import tracer

from tests.support.echo import EchoRequest, EchoResponse, EchoStub, calling, echo, serving


async def test_a_unary_call_without_timeout_gets_the_channel_s() -> None:
    async def behaviour(request: Any, call: Call) -> Any:
        remaining = call.remaining()
        assert remaining is not None
        return EchoResponse(text=str(remaining))

    settings = ChannelSettings(target="", timeout=timedelta(seconds=3))
    async with serving(behaviour) as server:
        async with calling(settings.model_copy(update={"target": server.address})) as stub:  # pyright: ignore[reportArgumentType]
            assert 2 < float((await stub.Echo(EchoRequest(text="x"))).text) < 3.2
            assert 6 < float((await stub.Echo(EchoRequest(text="x"), timeout=7)).text) < 7.2


async def test_a_stream_without_timeout_is_refused() -> None:
    async with serving() as server, calling(server.address) as stub:
        with pytest.raises(ValueError, match=r"math\.inf"):
            stub.EchoMany(EchoRequest(text="x"))
        assert [r.text async for r in stub.EchoMany(EchoRequest(text="x", repeat=1), timeout=math.inf)] == ["x"]


def test_plaintext_goes_to_loopback_only() -> None:
    far = (
        "10.0.0.1:7101",
        "signer:7101",
        "dns:///signer:7101",
        "0.0.0.0:7101",
        "ipv4:127.0.0.1:1,10.0.0.1:1",
        "nothing",
    )
    for target in far:
        with pytest.raises(ConfigError, match="set tls"):
            connect(target, "signer")
    for target in ("127.0.0.1:1", "dns:///localhost:1", "ipv4:127.0.0.1:1,127.0.0.1:2", "ipv6:[::1]:1,[::1]:2"):
        connect(target, "signer")


async def test_a_peer_beside_us_may_be_without_tls_though_we_have_certificates(tmp_path: Path) -> None:
    tls = DevelopmentCa.open(tmp_path).issue("certify")
    async with serving() as server:
        link = connect(ChannelSettings(target=server.address, plaintext=True), "plugin", tls)
        assert (await EchoStub(link).Echo(EchoRequest(text="x"))).text == "x"
        await link.close()
    with pytest.raises(ConfigError, match="loopback only"):
        connect(ChannelSettings(target="10.0.0.1:7501", plaintext=True), "plugin", tls)


async def test_unavailable_is_tried_four_times() -> None:
    tries: list[int] = []

    async def behaviour(request: Any, call: Call) -> Any:
        tries.append(1)
        if len(tries) < int(request.text):
            raise Unavailable(Reason.DATABASE_UNAVAILABLE, "come back")
        return await echo(request, call)

    async with serving(behaviour) as server, calling(server.address) as stub:
        assert (await stub.Echo(EchoRequest(text="4"))).text == "4"
        assert len(tries) == 4
        tries.clear()
        with pytest.raises(Unavailable) as refused:
            await stub.Echo(EchoRequest(text="5"))
        assert len(tries) == 4
        assert refused.value.reason is Reason.DATABASE_UNAVAILABLE


async def test_other_errors_are_not_tried_again() -> None:
    tries: list[int] = []

    async def behaviour(request: Any, call: Call) -> Any:
        tries.append(1)
        raise InvalidArgument.of("text", "something else")

    async with serving(behaviour) as server, calling(server.address) as stub:
        with pytest.raises(InvalidArgument):
            await stub.Echo(EchoRequest(text="x"))
    assert len(tries) == 1


async def test_a_peer_that_comes_late_is_found() -> None:
    async with serving() as server:
        address = server.address
    async with calling(address) as stub:
        with pytest.raises(Unavailable):
            await stub.Echo(EchoRequest(text="x"), timeout=1)
        async with serving(listen=address):
            assert (await stub.Echo(EchoRequest(text="x"), timeout=5)).text == "x"


async def test_a_cancelled_call_is_cancelled_at_the_server() -> None:
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def behaviour(request: Any, call: Call) -> Any:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with serving(behaviour) as server, calling(server.address) as stub:
        call = asyncio.create_task(stub.Echo(EchoRequest(text="x"), timeout=30))
        await begun.wait()
        call.cancel()
        await asyncio.wait_for(cancelled.wait(), 2)
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_bidirectional_by_hand() -> None:
    async with serving() as server, calling(server.address) as stub:
        call = stub.EchoEach(timeout=5)
        for text in ("a", "b"):
            await call.write(EchoRequest(text=text))
            assert (await call.read()).text == text
        await call.write(EchoRequest(text=""))
        with pytest.raises(InvalidArgument):
            await call.read()


@pytest.mark.promise(21)
async def test_certificates_roll_under_load_without_a_failed_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "CERTIFICATE_CHECK", timedelta(milliseconds=20))
    ca = DevelopmentCa.open(tmp_path)
    tls, client = ca.issue("signer"), ca.issue("stamp")
    done = asyncio.Event()
    calls = 0

    async def load(stub: EchoStub) -> None:
        nonlocal calls
        while not done.is_set():
            assert (await stub.Echo(EchoRequest(text="x"), timeout=5)).caller == "spiffe://sealwright/stamp"
            calls += 1

    async with serving(tls=tls) as server:
        link = connect(server.address, "signer", client)
        loads = [asyncio.create_task(load(EchoStub(link))) for _ in range(4)]
        for roll in range(20):
            generation = link.current()[1]
            ca.issue("signer")
            ca.issue("stamp")
            async with asyncio.timeout(5):
                while link.current()[1] == generation:
                    await asyncio.sleep(0.01)
            before = calls
            async with asyncio.timeout(5):
                while calls < before + 20:
                    await asyncio.sleep(0.01)
            assert not any(task.done() for task in loads), f"a call failed at roll {roll}"
        done.set()
        await asyncio.gather(*loads)
        await link.close()
    assert calls >= 400


@pytest.mark.promise(21)
async def test_the_server_shows_its_new_certificate_and_keeps_the_old_while_files_do_not_fit(tmp_path: Path) -> None:
    import ssl

    from cryptography import x509

    ca = DevelopmentCa.open(tmp_path)
    tls, client = ca.issue("signer"), ca.issue("stamp")

    async def shown(address: str) -> int:
        context = ssl.create_default_context(cafile=str(tls.ca))
        context.load_cert_chain(client.cert, client.key)
        context.set_alpn_protocols(["h2"])
        host, port = address.split(":")
        _, writer = await asyncio.open_connection(host, int(port), ssl=context)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return x509.load_der_x509_certificate(der).serial_number

    def serial() -> int:
        return x509.load_pem_x509_certificate(tls.cert.read_bytes()).serial_number

    async with serving(tls=tls) as server:
        first = serial()
        assert await shown(server.address) == first
        ca.issue("signer")
        assert await shown(server.address) == serial() != first
        good = serial()
        cert = tls.cert.read_bytes()
        tls.cert.write_bytes(client.cert.read_bytes())  # half swapped: a certificate without its key
        assert await shown(server.address) == good
        tls.cert.write_bytes(cert)
        assert await shown(server.address) == good


def ids(span: ReadableSpan) -> SpanContext:
    found = span.get_span_context()
    assert found is not None
    return found


@pytest.mark.promise(34)
async def test_client_and_server_spans_are_one_trace() -> None:
    exporter = InMemorySpanExporter()
    processor = SimpleSpanProcessor(exporter)
    traces.install(TelemetrySettings(sample_ratio=1.0), "test", processor)

    async def behaviour(request: Any, call: Call) -> Any:
        with tracer.start_as_current_span("inside"):
            return await echo(request, call)

    async with serving(behaviour) as server, calling(server.address) as stub:
        with tracer.start_as_current_span("outside") as outside:
            response = await stub.Echo(EchoRequest(text="x"))
            _ = [r async for r in stub.EchoMany(EchoRequest(text="x", repeat=1), timeout=5)]
        trace_id = outside.get_span_context().trace_id
        async with asyncio.timeout(5):
            while len(spans := [s for s in exporter.get_finished_spans() if ids(s).trace_id == trace_id]) < 7:
                await asyncio.sleep(0.01)
    parents = {ids(span).span_id for span in spans}
    assert all(span.parent is None or span.parent.span_id in parents for span in spans)
    server_span = next(span for span in spans if span.kind.name == "SERVER" and span.name.endswith("/Echo"))
    assert response.trace == f"00-{trace_id:032x}-{ids(server_span).span_id:016x}-{ids(server_span).trace_flags:02x}"
    assert server_span.attributes is not None
    assert server_span.attributes["rpc.response.status_code"] == "OK"


async def test_a_stream_passes_back_pressure_and_ends_at_its_deadline() -> None:
    async def endless(requests: int) -> AsyncIterator[Any]:
        for _ in range(requests):
            yield EchoRequest(text="x")
            await asyncio.sleep(0.05)

    async with serving() as server, calling(server.address) as stub:
        received = 0

        async def read() -> None:
            nonlocal received
            async for _ in stub.EchoEach(endless(1000), timeout=0.5):
                received += 1

        with pytest.raises(DeadlineExceeded):
            await read()
    assert received > 2


async def test_a_full_service_does_not_sink() -> None:
    """3 x its capacity: what is accepted is answered as fast as unloaded, the rest is refused at once."""
    limits = LimitSettings(drain_delay=timedelta(0), concurrency={"write": 8})

    async def behaviour(request: Any, call: Call) -> Any:
        await asyncio.sleep(0.02)
        return await echo(request, call)

    async with serving(behaviour, limits=limits) as server, calling(server.address) as stub:
        answers: list[object] = await asyncio.gather(
            *(stub.Echo(EchoRequest(text="x"), timeout=5) for _ in range(24)), return_exceptions=True
        )
    assert sum(not isinstance(answer, BaseException) for answer in answers) >= 8
    assert {type(answer).__name__ for answer in answers} <= {"EchoResponse", "ResourceExhausted"}
