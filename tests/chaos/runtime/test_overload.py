"""Three times more than a service can do: it works on as many as it has room for and refuses the rest at once."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import Reason, ResourceExhausted
from sealwright_common.runtime.config import LimitSettings

from tests.support.echo import EchoRequest, EchoStub, calling, echo, serving

SECONDS = float(os.environ.get("SEALWRIGHT_OVERLOAD_SECONDS", "4"))
WORK = 0.04
AT_ONCE = 8


def resident_bytes() -> int:
    """Memory of this process, which is server and caller in one."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Load:
    """So many callers, each calling again as soon as it is answered, and 10 ms after a refusal."""

    def __init__(self, stub: EchoStub) -> None:
        self._stub = stub
        self.accepted: list[float] = []
        self.refused: list[float] = []

    async def run(self, callers: int, seconds: float) -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*(self._caller(until) for _ in range(callers)))

    async def _caller(self, until: float) -> None:
        while (started := time.perf_counter()) < until:
            try:
                await self._stub.Echo(EchoRequest(text="x"), timeout=10)
                self.accepted.append(time.perf_counter() - started)
            except ResourceExhausted as refused:
                self.refused.append(time.perf_counter() - started)
                if refused.reason is not Reason.OVERLOADED or not refused.retry_after:
                    raise
                await asyncio.sleep(0.01)


@pytest.mark.promise(17)
async def test_overload_is_shed() -> None:
    """What is too much is refused at once with a time to retry; what is accepted never waits behind more than the room.

    No latency is asserted but that refusals do not wait for the work of others: the rest is the machine's.
    """
    running, most = 0, 0

    async def work(request: Any, call: Call) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await asyncio.sleep(WORK)
            return await echo(request, call)
        finally:
            running -= 1

    limits = LimitSettings(drain_delay=timedelta(0), concurrency={"write": AT_ONCE})
    async with serving(work, limits=limits) as server, calling(server.address) as stub:
        load = Load(stub)
        before = resident_bytes()
        await load.run(3 * AT_ONCE, SECONDS)
        assert resident_bytes() - before < 100 * 1024 * 1024
        assert len(load.refused) > len(load.accepted) > 0
        assert most == AT_ONCE
        assert statistics.median(load.refused) < statistics.median(load.accepted)
