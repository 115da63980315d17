"""How long calls take when three times more of them come than a service has room for (promise 17).

Server and callers a process each on loopback. A call's work is a wait of 40 ms, of which there is room for eight at
once; each caller calls again as soon as it is answered, or 10 ms after a refusal. Unloaded: as many callers as there is
room; overloaded: three times as many, for the rest as above.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import uvloop
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import Reason, ResourceExhausted
from sealwright_common.runtime.config import LimitSettings, TelemetrySettings
from sealwright_common.runtime.telemetry import logs

from bench.framework import Row, child, quiet
from tests.support.echo import EchoRequest, EchoStub, calling, echo, serving

SECONDS = 10.0
WORK = 0.04
AT_ONCE = 8
TIMES = 3
REFUSAL = 0.01
"""Seconds within which 99 of 100 refusals shall come."""


def bench() -> Iterator[Row]:
    """Latencies are better the lower they are, so the bounds stand on our side of the rows."""
    quiet()
    process = child("overload", "serve", stdin=subprocess.PIPE)
    assert process.stdout is not None
    try:
        unloaded, accepted, refused = uvloop.run(_loads(process.stdout.readline().strip()))
    finally:
        process.communicate()
    yield Row(
        "overload: twice the unloaded p99", 2000 * unloaded, "the p99 of accepted calls", 1000 * accepted, 1, "ms"
    )
    yield Row("overload: bound of refusals", 1000 * REFUSAL, "their p99", 1000 * refused, 1, "ms")


async def _loads(address: str) -> tuple[float, float, float]:
    """p99 in seconds of calls without overload, of those accepted under it, and of the refusals."""
    async with calling(address) as stub:
        await _load(stub, AT_ONCE, 1.0)
        unloaded, _ = await _load(stub, AT_ONCE, SECONDS)
        accepted, refused = await _load(stub, TIMES * AT_ONCE, SECONDS)
    return _p99(unloaded), _p99(accepted), _p99(refused)


async def _load(stub: EchoStub, callers: int, seconds: float) -> tuple[list[float], list[float]]:
    """Seconds that accepted and refused calls took."""
    accepted: list[float] = []
    refused: list[float] = []
    until = time.perf_counter() + seconds

    async def caller() -> None:
        while (started := time.perf_counter()) < until:
            try:
                await stub.Echo(EchoRequest(text="x"), timeout=10)
                accepted.append(time.perf_counter() - started)
            except ResourceExhausted as refusal:
                refused.append(time.perf_counter() - started)
                if refusal.reason is not Reason.OVERLOADED or not refusal.retry_after:
                    raise
                await asyncio.sleep(0.01)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return accepted, refused


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98]


async def _serve() -> None:
    async def work(request: Any, call: Call) -> Any:
        await asyncio.sleep(WORK)
        return await echo(request, call)

    logs.configure(TelemetrySettings(log_level="WARNING"), "bench")
    limits = LimitSettings(drain_delay=timedelta(0), concurrency={"write": AT_ONCE})
    async with serving(work, limits=limits) as server:
        print(server.address, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(_serve())
