"""Names whose DNS servers never answer keep no other name waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import pytest
from aiohttp import web
from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.egress import Egress, EgressSettings

SILENT = 40
"""Names that hang at a time: more than any pool of threads that resolves names has."""


class NameServer(asyncio.DatagramProtocol):
    """DNS over UDP: 127.0.0.1 for names below ``there.test``, silence for all others."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.more = asyncio.Condition()
        self._told: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        # RFC 1035: a header of 12 bytes, then the labels of the name, each after its length, then type and class.
        labels, place = [], 12
        while length := data[place]:
            labels.append(data[place + 1 : place + 1 + length].decode())
            place += 1 + length
        question = data[12 : place + 5]
        name, kind = ".".join(labels).lower(), int.from_bytes(data[place + 1 : place + 3], "big")
        self.asked.add(name)
        task = asyncio.create_task(self._tell())
        self._told.add(task)
        task.add_done_callback(self._told.discard)
        if name.endswith("there.test"):
            # The name again (a pointer to byte 12), type A, class IN, a TTL of a minute, four bytes of address.
            answers = [b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"] if kind == 1 else []
            counts = b"\0\1" + len(answers).to_bytes(2, "big") + bytes(4)
            self._transport.sendto(data[:2] + b"\x81\x80" + counts + question + b"".join(answers), addr)

    async def wait_asked(self, count: int) -> None:
        """Returns once ``count`` names were asked for."""
        async with self.more:
            await self.more.wait_for(lambda: len(self.asked) >= count)

    async def _tell(self) -> None:
        async with self.more:
            self.more.notify_all()


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[NameServer, str]]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    host, port = transport.get_extra_info("sockname")
    try:
        yield server, f"{host}:{port}"
    finally:
        transport.close()


@asynccontextmanager
async def egress(settings: EgressSettings) -> AsyncIterator[Egress]:
    client = Egress(settings)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def wallet() -> AsyncIterator[int]:
    async def receive(request: web.Request) -> web.Response:
        return web.Response(status=202)

    application = web.Application()
    application.router.add_post("/v1/slices", receive)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.mark.promise(26)
async def test_silent_name_servers_delay_nobody_else() -> None:
    async with name_server() as (names, address), wallet() as port:
        # A minute: no look-up ends by itself before the test does.
        settings = EgressSettings(
            nameservers=[address], allow_hosts=[f"wallet.there.test:{port}"], timeout=timedelta(minutes=1)
        )
        async with egress(settings) as client, asyncio.TaskGroup() as group:
            hanging = [
                group.create_task(client.post(f"https://wallet{number}.silent.test/v1/slices", b"{}"))
                for number in range(SILENT)
            ]
            async with asyncio.timeout(50):
                await names.wait_asked(SILENT)
                reply = await client.post(f"http://wallet.there.test:{port}/v1/slices", b"{}")
            assert reply.status == 202
            assert not any(post.done() for post in hanging)
            for post in hanging:
                post.cancel()


async def test_a_name_that_is_not_answered_for_is_unavailable() -> None:
    async with name_server() as (names, address):
        settings = EgressSettings(nameservers=[address], timeout=timedelta(milliseconds=500))
        async with egress(settings) as client:
            with pytest.raises(Unavailable, match=r"wallet\.silent\.test cannot be reached"):
                await client.post("https://wallet.silent.test/v1/slices", b"{}")
        assert names.asked == {"wallet.silent.test"}
