"""The service's end of a socket to its token process: calls that wait for their answers, on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import cast

import structlog
from sealwright_common.domain.errors import Problem, Reason, Unavailable

from sealwright_signer.adapters.roots import Login
from sealwright_signer.adapters.token_process.frames import LENGTH, Ask, Reply, pack, problem, unpack

log = structlog.get_logger(__name__)

RETRY_AFTER = timedelta(seconds=1)


class Faulty(Exception):
    """The token made a signature that does not verify; it was withheld."""


class Failed(Exception):
    """The token process met something unforeseen, which the log tells."""


def away() -> Problem:
    """What is raised while there is no token process."""
    return Unavailable(
        Reason.TOKEN_UNAVAILABLE,
        "the process that holds the token ended and is started again; repeat the call",
        retry_after=RETRY_AFTER,
    )


class Calls(asyncio.Protocol):
    """Calls over one socket, answered in any order."""

    def __init__(self, on_login: Callable[[Login], None], gone: asyncio.Event) -> None:
        """``gone`` is set when the other end hangs up."""
        self._on_login = on_login
        self._gone = gone
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[list[bytes]]] = {}
        self._last = 0
        self._rest = b""
        self.answered = False
        """Whether anything was ever answered."""

    def call(self, ask: Ask, parts: Sequence[bytes]) -> asyncio.Future[list[bytes]]:
        """The parts of the answer, to come. Raises Unavailable TOKEN_UNAVAILABLE if the process ends before it
        answers, Faulty, Failed, and whatever Problem the root of trust raises."""
        future: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        if self._transport is None:
            future.set_exception(away())
            return future
        self._last = self._last % 0xFFFFFFFF + 1
        self._waiting[self._last] = future
        self._transport.write(pack(self._last, ask, parts))
        return future

    def tell(self, document: bytes) -> None:
        """Sends what wants no answer."""
        assert self._transport is not None
        self._transport.write(pack(0, 0, [document]))

    def close(self) -> None:
        """Hangs up; what was written is sent before."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio calls it."""
        # uvloop's transports are none of asyncio's by type.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """asyncio calls it."""
        data = self._rest + data if self._rest else data
        at = 0
        while len(data) - at >= LENGTH:
            end = at + LENGTH + int.from_bytes(data[at : at + LENGTH], "little")
            if end > len(data):
                break
            self._received(*unpack(data[at:end]))
            at = end
        self._rest = data[at:]

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio calls it."""
        self._transport = None
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(away())
        self._gone.set()

    def _received(self, number: int, reply: int, parts: list[bytes]) -> None:
        if reply == Reply.LOGIN:
            self._on_login(Login(parts[0].decode()))
            return
        future = self._waiting.pop(number)
        self.answered = True
        if reply == Reply.FAILED:
            log.error("unforeseen in the token process", exception=[part.decode() for part in parts])
        if future.done():
            return
        if reply == Reply.DONE:
            future.set_result(parts)
        elif reply == Reply.REFUSED:
            future.set_exception(problem(parts))
        else:
            future.set_exception(Faulty() if reply == Reply.FAULTY else Failed())
