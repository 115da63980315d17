"""Addresses that others chose lead to public hosts or nowhere."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.egress import Egress, EgressRefused, EgressSettings, is_public
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.http import HttpServer
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

HOSTILE = [
    "https://127.0.0.1:{port}/",
    "https://127.0.0.2:{port}/",
    "https://127.1:{port}/",
    "https://127.0.1:{port}/",
    "https://2130706433:{port}/",
    "https://017700000001:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://0x7f.0.0.1:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.1:{port}/",
    "https://0:{port}/",
    "https://0.0.0.0:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://localhost:{port}/",
    "https://LOCALHOST:{port}/",
    "https://localhost.:{port}/",
    "https://[::1]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://[::]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[0:0:0:0:0:ffff:127.0.0.1]:{port}/",
    "https://[64:ff9b::127.0.0.1]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[fe80::1]:{port}/",
    "https://[fe80::1%25lo]:{port}/",
    "https://[fc00::1]:{port}/",
    "https://[fd12:3456::1]:{port}/",
    "https://[ff02::1]:{port}/",
    "https://[2001:db8::1]:{port}/",
    "https://10.0.0.1:{port}/",
    "https://172.16.0.1:{port}/",
    "https://172.31.255.254:{port}/",
    "https://192.168.1.1:{port}/",
    "https://100.64.0.1:{port}/",
    "https://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "https://192.0.2.1:{port}/",
    "https://198.18.0.1:{port}/",
    "https://203.0.113.7:{port}/",
    "https://224.0.0.1:{port}/",
    "https://240.0.0.1:{port}/",
    "https://255.255.255.255:{port}/",
    "http://127.0.0.1:{port}/",
    "http://example.com:{port}/",
    "https://user@127.0.0.1:{port}/",
    "https://user:secret@example.com:{port}/",
    "https://example.com@127.0.0.1:{port}/",
    "https://example.com:{port}@127.0.0.1:{port}/",
    "https://example.com\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}\\@example.com/",
    "https:///127.0.0.1:{port}/",
    "https:127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_x",
    "unix:///var/run/docker.sock",
    "https://127。0。0。1:{port}/",
    "https://ⓛocalhost:{port}/",
    "https://127.0.0.1\t:{port}/",
    "https://127.0.0.1:{port}/\r\nX: y",
    "https://%31%32%37.0.0.1:{port}/",
    "https://127.0.0.1%00.example.com:{port}/",
    "https://metadata:{port}/",
    "https://kubernetes.default.svc.cluster.local:{port}/",
    "https://rebinding.test:{port}/",
    "https://mixed.test:{port}/",
    "https://mapped.test:{port}/",
    "https://" + "a" * 300 + ".test:{port}/",
    "https://example.com:99999/",
    "",
    "https://",
]


class Names(AbstractResolver):
    """DNS as an attacker or a cluster would answer it; counts the questions."""

    answers: ClassVar = {
        "localhost": ["127.0.0.1"],
        "rebinding.test": ["127.0.0.1"],
        "mixed.test": ["93.184.216.34", "127.0.0.1"],
        "mapped.test": ["::ffff:127.0.0.1"],
        "kubernetes.default.svc.cluster.local": ["10.96.0.1"],
        "wallet.test": ["127.0.0.1"],
    }

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: Any = None) -> list[ResolveResult]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError("no such name")
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=2 if ":" not in address else 10, proto=0, flags=0
            )
            for address in self.answers[host]
        ]

    async def close(self) -> None: ...


@asynccontextmanager
async def canary() -> AsyncIterator[tuple[int, list[str]]]:
    """A listener on every local address that notes who connects."""
    connections: list[str] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(str(writer.get_extra_info("peername")))
        writer.close()

    server = await asyncio.start_server(connected, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        v6 = await asyncio.start_server(connected, "::1", port)
    except OSError:
        v6 = None  # a machine without IPv6 has nothing to reach there
    try:
        yield port, connections
    finally:
        server.close()
        await server.wait_closed()
        if v6 is not None:
            v6.close()
            await v6.wait_closed()


@asynccontextmanager
async def egress(
    resolver: Names | None = None, tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[Egress]:
    client = Egress(EgressSettings(**settings), resolver=resolver or Names(), tls=tls)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def wallet(tls: Any = None) -> AsyncIterator[int]:
    """A server that answers in the ways a hostile one might; its port."""

    async def hello(request: Request) -> Response:
        return Response(await request.body() or b"hello")

    async def away(request: Request) -> Response:
        return RedirectResponse("http://169.254.169.254/", 302)

    async def endless(request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            while True:
                yield bytes(65536)
                await asyncio.sleep(0)

        return StreamingResponse(parts())

    async def large(request: Request) -> Response:
        return Response(bytes(2_000_000))

    async def slow(request: Request) -> Response:
        await asyncio.sleep(1)
        return Response(b"late")

    routes = [Route(f"/{f.__name__}", f, methods=["GET", "POST"]) for f in (hello, away, endless, large, slow)]
    server = HttpServer("127.0.0.1:0", Starlette(routes=routes), tls=tls)
    await server.start()
    try:
        yield int(server.address.rpartition(":")[2])
    finally:
        await server.stop()


@pytest.mark.promise(26)
async def test_hostile_urls_reach_no_listener() -> None:
    async with canary() as (port, connections), egress(timeout=timedelta(seconds=2)) as client:
        for url in HOSTILE:
            with pytest.raises(EgressRefused) as refused:
                await client.get(url.replace("{port}", str(port)))
            assert refused.value.reason is Reason.EGRESS_REFUSED, url
        assert connections == []
        assert len(HOSTILE) >= 60


@pytest.mark.promise(26)
async def test_redirects_come_back_unfollowed() -> None:
    async with wallet() as port, egress(allow_hosts=[f"127.0.0.1:{port}"]) as client:
        reply = await client.get(f"http://127.0.0.1:{port}/away")
    assert (reply.status, reply.headers["Location"]) == (302, "http://169.254.169.254/")


@pytest.mark.promise(26)
@pytest.mark.parametrize("path", ["large", "endless"])
async def test_a_body_over_the_cap_is_cut(path: str) -> None:
    async with wallet() as port, egress(allow_hosts=["127.0.0.1"]) as client:
        with pytest.raises(EgressRefused, match="larger than 1048576 bytes"):
            await client.get(f"http://127.0.0.1:{port}/{path}")
        # Where the status alone counts, what comes after it cannot turn a success into a failure.
        reply = await client.request("GET", f"http://127.0.0.1:{port}/{path}", whole=False)
        assert (reply.status, reply.body) == (200, b"")


@pytest.mark.promise(26)
async def test_an_answer_that_takes_too_long_is_not_waited_for() -> None:
    async with wallet() as port, egress(allow_hosts=["127.0.0.1"], timeout=timedelta(milliseconds=200)) as client:
        with pytest.raises(Unavailable, match="did not answer in time"):
            await client.get(f"http://127.0.0.1:{port}/slow")


@pytest.mark.promise(26)
async def test_a_name_is_resolved_once_and_pinned() -> None:
    names = Names()
    async with wallet() as port, egress(names, allow_hosts=[f"wallet.test:{port}"]) as client:
        for _ in range(3):
            assert (await client.post(f"http://wallet.test:{port}/hello", b"{}")).json() == {}
        assert names.asked == ["wallet.test"]
        with pytest.raises(EgressRefused):
            await client.get("https://wallet.test:1/")  # another port of the same host is not allowed


async def test_a_trusted_certificate_is_needed(tmp_path: Path) -> None:
    ca = DevelopmentCa.open(tmp_path)
    trusted = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    async with wallet(ca.issue("stamp")) as port:
        async with egress(allow_hosts=["127.0.0.1"], tls=trusted) as client:
            assert (await client.get(f"https://127.0.0.1:{port}/hello")).body == b"hello"
        async with egress(allow_hosts=["127.0.0.1"]) as client:
            with pytest.raises(Unavailable, match="certificate is not trusted"):
                await client.get(f"https://127.0.0.1:{port}/hello")


async def test_who_is_not_there_is_unavailable() -> None:
    async with egress(allow_hosts=["127.0.0.1"]) as client:
        with pytest.raises(Unavailable):
            await client.get("http://127.0.0.1:1/")
        with pytest.raises(Unavailable, match="does not resolve"):
            await client.get("https://nobody.test/")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))
