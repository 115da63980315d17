"""Bytes that nobody meant: whatever comes in, the answer is a refusal, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import grpc
import pytest
from grpc import aio

from tests.support.echo import SERVICE, EchoRequest, calling, serving

COUNT = int(os.environ.get("SEALWRIGHT_FUZZ", "20000"))
EXPECTED = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}
VALID = EchoRequest(
    request_id="id",
    text="some text",
    repeat=3,
    parts=[{"digest": bytes(32)}, {"digest": bytes(range(32))}],
    payload=b"payload",
    nested=EchoRequest(text="inner", nested=EchoRequest(text="innermost")),
).SerializeToString()


def mutated(rng: random.Random) -> bytes:
    """The valid request with a few bytes turned, cut, doubled or made up; sometimes only noise."""
    raw = bytearray(VALID)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(raw) + 1)
        match rng.randrange(6):
            case 0 if raw:
                raw[at % len(raw)] ^= 1 << rng.randrange(8)
            case 1:
                del raw[at : at + rng.randrange(1, 20)]
            case 2:
                raw[at:at] = rng.randbytes(rng.randrange(1, 20))
            case 3:
                raw[at:at] = raw[at : at + rng.randrange(1, 50)]
            case 4:
                raw[at:at] = b"\xff" * rng.randrange(1, 12)
            case _ if rng.random() < 0.05:
                raw = bytearray(rng.randbytes(rng.randrange(300)))
            case _:
                raw += rng.randbytes(3)
    return bytes(raw)


@pytest.mark.promise(18)
@pytest.mark.timeout(600)
async def test_mutated_messages_are_answered_or_refused_and_stall_nobody() -> None:
    rng = random.Random(18)
    queue = iter([mutated(rng) for _ in range(COUNT)])
    seen: dict[grpc.StatusCode | None, int] = {}

    async with serving() as server, aio.insecure_channel(server.address) as channel:
        echo: Any = channel.unary_unary(f"/{SERVICE}/Echo")

        async def send() -> None:
            for raw in queue:
                try:
                    await echo(raw, timeout=30)
                    code = None
                except aio.AioRpcError as error:
                    code = error.code()
                seen[code] = seen.get(code, 0) + 1

        await asyncio.gather(*(send() for _ in range(32)))
        async with calling(server.address) as stub:
            assert (await stub.Echo(EchoRequest(text="still here"))).text == "still here"
    assert seen.keys() - {None} <= EXPECTED, seen
    assert sum(seen.values()) == COUNT
    assert seen[grpc.StatusCode.INVALID_ARGUMENT] > COUNT / 10


@pytest.mark.promise(18)
async def test_the_largest_message_allowed_does_not_stall_the_loop() -> None:
    """Decoding and checking the worst message of 1 MiB takes one call's time, not everybody's."""
    worst = EchoRequest(text="x", payload=bytes(1_000_000)).SerializeToString()
    many = b"\x22\x00" * 500_000  # half a million empty parts
    longest = 0.0

    async def heartbeat() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - before)

    async with serving() as server, aio.insecure_channel(server.address) as channel:
        echo: Any = channel.unary_unary(f"/{SERVICE}/Echo")
        beating = asyncio.create_task(heartbeat())
        await echo(worst, timeout=10)
        with pytest.raises(aio.AioRpcError) as refused:
            await echo(many, timeout=10)
        beating.cancel()
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert longest < 0.2, f"the loop stood still for {longest:.3f} s"
