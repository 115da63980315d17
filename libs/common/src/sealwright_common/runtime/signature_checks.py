"""Verifying signatures beside the event loop: a process of our own does it, a batch at a time.

Verifying costs more than everything else that is done for a signature, and a thread would wait for the interpreter's
lock after each single one. The process shares no memory with us and knows public keys only.
"""

from __future__ import annotations

import asyncio
import marshal
import os
import sys
from collections import deque
from collections.abc import Sequence

import structlog

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.verify.checker import Signed

log = structlog.get_logger(__name__)

_STOP_SECONDS = 5.0


class SignatureChecks:
    """The process and the batches it is at. A part of the app; a process that died is replaced at the next batch."""

    name = "signature checks"

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._waiting: deque[tuple[int, asyncio.Future[bytes]]] = deque()
        self._answers: asyncio.Task[None] | None = None
        self._stopped = False

    @property
    def process_id(self) -> int | None:
        """The process that is at it; None before the start."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Starts the process; it reads its first batch when it is ready."""
        await self._running()

    async def stop(self) -> None:
        """Ends the process; who still waits gets Unavailable."""
        self._stopped = True
        if self._process is None or self._answers is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._answers
        except TimeoutError:
            self._process.kill()
        await self._process.wait()

    async def good(self, signed: Sequence[Signed]) -> list[bool]:
        """Which signatures are good, in their order. Raises Unavailable if the process dies meanwhile."""
        if not signed:
            return []
        process = await self._running()
        assert process.stdin is not None
        batch = marshal.dumps(list(signed))
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((len(signed), answer))
        # In one piece and at once, so that batches are asked in the order in which answers are waited for.
        process.stdin.write(len(batch).to_bytes(4, "big") + batch)
        return [verdict == 1 for verdict in await answer]

    async def _running(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._stopped:
                raise Unavailable(Reason.STOPPING, "signatures are no longer checked here; repeat the call")
            if self._answers is None or self._answers.done():
                # Nothing of what configures the service is its business.
                environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")}
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-P",
                    "-m",
                    "sealwright_common.verify.checker",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    env=environment,
                )
                self._answers = asyncio.create_task(self._read(self._process), name=self.name)
            assert self._process is not None
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Gives each batch its answer, until there are no more."""
        assert process.stdout is not None
        try:
            while True:
                first = await process.stdout.readexactly(1)
                count, answer = self._waiting[0]
                verdicts = first + await process.stdout.readexactly(count - 1)
                self._waiting.popleft()
                if not answer.done():
                    answer.set_result(verdicts)
        except (asyncio.IncompleteReadError, ConnectionError):
            if not self._stopped:
                log.error("the process that checks signatures died; a new one is started when it is needed")
        finally:
            waiting, self._waiting = self._waiting, deque()
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(
                        Unavailable(Reason.PEER_UNAVAILABLE, "signatures could not be checked; repeat the call")
                    )
