"""The HTTP door against real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, NotFound, Reason, Unavailable
from sealwright_common.runtime.completion import point_of_no_return
from sealwright_common.runtime.config import LimitSettings
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.http import HttpServer
from sealwright_common.runtime.telemetry import metrics
from sealwright_common.runtime.telemetry.context import current_traceparent
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.support.logs import captured


def application(**handlers: Any) -> Starlette:
    routes = [Route(f"/{name}/{{id}}", handler, methods=["GET", "POST"]) for name, handler in handlers.items()]
    return Starlette(routes=routes)


@asynccontextmanager
async def serving(app: Any, **options: Any) -> AsyncIterator[str]:
    server = HttpServer("127.0.0.1:0", app, **options)
    await server.start()
    try:
        yield f"http://{server.address}"
    finally:
        await server.drain()
        await server.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def length(request: Request) -> Response:
    return JSONResponse(len(await request.body()))


async def test_problems_become_problem_json(http: aiohttp.ClientSession) -> None:
    async def missing(request: Request) -> Response:
        raise NotFound(Reason.KEY_NOT_FOUND, "no such key; list keys")

    async def wrong(request: Request) -> Response:
        raise InvalidArgument(Reason.FIELD_INVALID, "wrong", fields=[FieldProblem("start", "a time")])

    async def away(request: Request) -> Response:
        raise Unavailable(Reason.DATABASE_UNAVAILABLE, "away", retry_after=timedelta(seconds=2))

    async def teapot(request: Request) -> Response:
        raise HTTPException(418)

    async with serving(application(missing=missing, wrong=wrong, away=away, teapot=teapot)) as url:
        for path, status, reason in (
            ("missing/1", 404, "KEY_NOT_FOUND"),
            ("wrong/1", 400, "FIELD_INVALID"),
            ("away/1", 503, "DATABASE_UNAVAILABLE"),
            ("teapot/1", 418, None),
            ("nowhere", 404, None),
        ):
            async with http.get(f"{url}/{path}") as response:
                assert response.status == status
                assert response.headers["content-type"] == "application/problem+json"
                document = await response.json(content_type=None)
                assert document["status"] == status
                assert document.get("reason") == reason
        async with http.get(f"{url}/away/1") as response:
            assert response.headers["retry-after"] == "2"
        async with http.delete(f"{url}/away/1") as response:
            assert response.status == 405
            assert "GET" in response.headers["allow"]


@pytest.mark.promise(19)
@pytest.mark.parametrize("kind", ["starlette", "plain asgi"])
async def test_uncaught_exceptions_are_an_incident(http: aiohttp.ClientSession, kind: str) -> None:
    async def bad(request: Request) -> Response:
        raise ValueError("marker")

    async def plain(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("marker")

    with captured() as log:
        async with serving(application(bad=bad) if kind == "starlette" else plain) as url:
            async with http.get(f"{url}/bad/1") as response:
                assert response.status == 500
                text = await response.text()
                document = await response.json(content_type=None)
    assert "marker" not in text + log.text
    incident = document["metadata"]["incident"]
    assert [event["exception"][0] for event in log.events if event.get("incident") == incident] == [
        "builtins.ValueError"
    ]
    assert sum("exception" in event for event in log.events) == 1


async def test_a_response_that_breaks_half_way_is_cut(http: aiohttp.ClientSession) -> None:
    async def half(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            raise ValueError("marker")

        return StreamingResponse(parts())

    async with serving(application(half=half)) as url:
        async with http.get(f"{url}/half/1") as response:
            assert response.status == 200
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


async def test_a_body_has_its_limit(http: aiohttp.ClientSession) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield bytes(1000)

    async with serving(application(length=length), limits=LimitSettings(body_bytes=4096)) as url:
        async with http.post(f"{url}/length/1", data=bytes(4096)) as response:
            assert await response.json() == 4096
        for data in (bytes(4097), chunks()):
            async with http.post(f"{url}/length/1", data=data) as response:
                assert response.status == 413
                assert (await response.json(content_type=None))["reason"] == "REQUEST_TOO_LARGE"


async def test_a_request_has_its_deadline(http: aiohttp.ClientSession) -> None:
    done: list[str] = []

    async def slow(request: Request) -> Response:
        async with point_of_no_return():
            await asyncio.sleep(0.2)
            done.append("recorded")
        await asyncio.sleep(60)
        return Response()

    async with serving(application(slow=slow), deadline=timedelta(seconds=0.1)) as url:
        async with http.get(f"{url}/slow/1") as response:
            assert response.status == 504
    assert done == ["recorded"]


async def test_the_trace_goes_on_and_the_duration_is_counted_by_route(http: aiohttp.ClientSession) -> None:
    async def trace(request: Request) -> Response:
        return JSONResponse(current_traceparent())

    labels = ("GET", "/trace/{id}", "200")
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with serving(application(trace=trace)) as url:
        async with http.get(
            f"{url}/trace/77", headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
        ) as response:
            assert (await response.json()).split("-")[1] == trace_id
    assert metrics.http_server.labels(*labels)._sum.get() > 0


async def test_draining_finishes_what_runs(http: aiohttp.ClientSession) -> None:
    begun = asyncio.Event()

    async def slow(request: Request) -> Response:
        begun.set()
        await asyncio.sleep(0.3)
        return Response("whole")

    server = HttpServer("127.0.0.1:0", application(slow=slow))
    await server.start()
    url = f"http://{server.address}"
    request = asyncio.create_task(http.get(f"{url}/slow/1"))
    await begun.wait()
    await server.drain()
    assert await (await request).text() == "whole"
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(f"{url}/slow/1")
    await server.stop()


async def test_a_taken_address_is_named() -> None:
    async with serving(application()) as url:
        with pytest.raises(Unavailable, match="cannot listen on"):
            await HttpServer(url.removeprefix("http://"), application()).start()


async def test_https_takes_new_certificates(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    from cryptography import x509
    from sealwright_common.runtime.http import server as module

    ca = DevelopmentCa.open(tmp_path)
    tls = ca.issue("stamp")
    trusted = ssl.create_default_context(cafile=str(tls.ca))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CERTIFICATE_CHECK", timedelta(milliseconds=10))
        async with serving(application(length=length), tls=tls) as url:
            host, port = url.removeprefix("http://").split(":")

            async def serial() -> int:
                _, writer = await asyncio.open_connection(host, int(port), ssl=trusted)
                der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
                writer.close()
                return x509.load_der_x509_certificate(der).serial_number

            first = await serial()
            ca.issue("stamp")
            async with asyncio.timeout(5):
                while await serial() == first:
                    await asyncio.sleep(0.02)
