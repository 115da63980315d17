"""The token process as the service sees it: started, asked, started again when it ends."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sealwright_common.domain.errors import Problem, Reason, Unavailable
from sealwright_common.domain.keys import KeyAlgorithm

from sealwright_signer.adapters import metrics
from sealwright_signer.adapters.roots import Login, RootOfTrust
from sealwright_signer.adapters.token_process.calls import Calls, Faulty
from sealwright_signer.adapters.token_process.frames import Ask
from sealwright_signer.adapters.token_process.orders import Orders
from sealwright_signer.adapters.withheld import withheld
from sealwright_signer.ports import TokenKey

log = structlog.get_logger(__name__)

TOGETHER = 16
"""Most single inputs of one key that are signed as one piece of work."""
_STOP_SECONDS = 10.0
_LONGEST_PAUSE = 10.0
"""Seconds between two starts of a process that ends before it has answered anything."""


class Child(Protocol):
    """A process that was started."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended. subprocess.TimeoutExpired."""
        ...

    def kill(self) -> None:
        """Ends it, if it has not."""
        ...


@dataclass(slots=True, eq=False)
class _Single:
    """One input that waits to be signed with others of its key."""

    data: bytes
    future: asyncio.Future[bytes]


Launch = Callable[[socket.socket, socket.socket], Child]
"""Starts the token process with its two sockets, the one for signing and the one for making keys. Blocking."""


def spawn(signing: socket.socket, making: socket.socket) -> Child:
    """The token process as a program of its own. It gets none of our settings: the environment may hold the PIN."""
    numbers = (signing.fileno(), making.fileno())
    return subprocess.Popen(
        [sys.executable, "-P", "-m", __package__ or "", *map(str, numbers)],
        stdin=subprocess.DEVNULL,
        pass_fds=numbers,
        env={name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")},
    )


class TokenProcess:
    """The root of trust, held by a process of its own. A part of the app; nothing here blocks.

    Every method raises Unavailable TOKEN_UNAVAILABLE while the process or its token is away and whatever else
    :class:`~sealwright_signer.ports.Hsm` says.
    """

    name = "token-process"

    def __init__(self, root: RootOfTrust, *, threads: int, makers: int, launch: Launch = spawn) -> None:
        """``threads`` sign and ``makers`` make keys, in the token process."""
        self._root = root
        self._threads = threads
        # One thread is left to batches, to opening wrapped keys and to the self-test, where there is another.
        self._most_carriers = max(1, threads - 1)
        self._orders = Orders(root, threads, makers)
        self._launch = launch
        self._child: Child | None = None
        self._gone = asyncio.Event()
        self._signing = self._making = Calls(self._on_login, self._gone)
        self._login = Login.UNTRIED
        self._refusal: Problem | None = None
        self._pause = 0.0
        self._proven = False
        """Whether the PIN was ever accepted."""
        self._watching: asyncio.Task[None] | None = None
        self._singles: dict[TokenKey, list[_Single]] = {}
        self._carriers: set[asyncio.Task[None] | None] = set()
        self.ended = asyncio.Event()
        """Set whenever the process has ended unasked."""

    @property
    def root(self) -> str:
        """The root of trust, for people."""
        return self._root.name

    async def start(self) -> None:
        """Starts the process; it logs in with the first call. Calls may be made at once."""
        await self._begin()
        self._watching = asyncio.create_task(self._watch(), name="token process")

    async def _begin(self) -> None:
        sockets: list[socket.socket] = []
        lines: list[Calls] = []
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        for _ in range(2):
            ours, theirs = socket.socketpair()
            sockets.append(theirs)
            _, line = await loop.create_unix_connection(lambda: Calls(self._on_login, gone), sock=ours)
            lines.append(line)
        self._gone = gone
        self._signing, self._making = lines
        self._signing.tell(self._orders.document())
        try:
            self._child = await asyncio.to_thread(self._launch, *sockets)
        finally:
            for theirs in sockets:
                theirs.close()

    async def stop(self) -> None:
        """Hangs up; the process gives the token back and ends."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        for line in (self._signing, self._making):
            line.close()
        if self._child is None:
            return
        try:
            await asyncio.to_thread(self._child.wait, _STOP_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("the token process did not end and is killed")
            await self._end(self._child)

    async def sign(self, key: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
        """Verified signatures, in order. One input shares the way with others that wait; more are split over the
        threads. Internal SIGNATURE_FAULTY if one does not verify."""
        if len(inputs) == 1:
            single = _Single(inputs[0], asyncio.get_running_loop().create_future())
            self._singles.setdefault(key, []).append(single)
            if len(self._carriers) < self._most_carriers:
                self._carriers.add(asyncio.create_task(self._carry()))
            return [await single.future]
        size = max(1, -(-len(inputs) // self._threads))
        parts = [inputs[start : start + size] for start in range(0, len(inputs), size)]
        made = await asyncio.gather(*(self._sign(key, part) for part in parts))
        return [signature for part in made for signature in part]

    async def generate(self, label: str, algorithm: KeyAlgorithm, rsa_bits: int) -> tuple[TokenKey, str]:
        """A new key pair whose label must be new, and the URI of its private half, which holds no secret."""
        words = (label, algorithm, str(rsa_bits))
        public_key, uri = await self._ask(self._making, Ask.GENERATE, [word.encode() for word in words])
        return TokenKey(label, algorithm, public_key), uri.decode()

    async def destroy(self, labels: Sequence[str]) -> None:
        """Removes the pairs of these labels for good; one that is not there is no error."""
        await self._ask(self._making, Ask.DESTROY, [label.encode() for label in labels])

    async def wrap(self, plain: bytes, context: bytes) -> bytes:
        """``plain`` encrypted by the token's AES key, bound to ``context``."""
        return (await self._ask(self._making, Ask.WRAP, [plain, context]))[0]

    async def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What was wrapped under the same ``context``. DataLoss if it does not open."""
        return (await self._ask(self._signing, Ask.UNWRAP, [wrapped, context]))[0]

    async def check(self) -> None:
        """Returns if the token signs; raises what :meth:`sign` would."""
        await self._ask(self._signing, Ask.CHECK, [])

    async def _sign(self, key: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
        try:
            return await self._ask(self._signing, Ask.SIGN, _signing_parts(key, inputs))
        except Faulty:
            raise withheld(key.label, key.algorithm) from None

    def _ask(self, line: Calls, ask: Ask, parts: Sequence[bytes]) -> asyncio.Future[list[bytes]]:
        if self._refusal is not None:
            raise self._refusal
        return line.call(ask, parts)

    # -- single inputs --

    async def _carry(self) -> None:
        """Has the inputs signed that wait, those of one key together, the key that waits longest first."""
        try:
            while self._singles:
                key, waiting = next(iter(self._singles.items()))
                del self._singles[key]
                if len(waiting) > TOGETHER:
                    self._singles[key] = waiting[TOGETHER:]
                await self._answer(key, [single for single in waiting[:TOGETHER] if not single.future.done()])
        finally:
            self._carriers.discard(asyncio.current_task())

    async def _answer(self, key: TokenKey, singles: Sequence[_Single]) -> None:
        if not singles:
            return
        try:
            made = await self._sign(key, [single.data for single in singles])
        except Exception as error:  # noqa: BLE001 - raised by whoever waits
            if len(singles) > 1 and not isinstance(error, Unavailable):
                # Each by itself, so that everybody gets an error of their own.
                for single in singles:
                    await self._answer(key, [single])
                return
            for single in singles:
                if not single.future.done():
                    single.future.set_exception(error)
        else:
            for single, signature in zip(singles, made, strict=True):
                if not single.future.done():
                    single.future.set_result(signature)

    # -- the life of the process --

    def _on_login(self, what: Login) -> None:
        if what is Login.ACCEPTED:
            self._proven = True
        self._login = what

    async def _watch(self) -> None:
        """Starts another process after one that has ended unasked: at once, or after a pause if it never answered."""
        while True:
            await self._gone.wait()
            await self._mourn()
            if self._refusal is not None:
                return
            worked = self._signing.answered or self._making.answered
            self._pause = 0.0 if worked else min(_LONGEST_PAUSE, self._pause * 2 + 0.5)
            await asyncio.sleep(self._pause)
            try:
                await self._begin()
            except OSError as error:
                log.error("the token process does not start", exc_info=error)
                self._gone.set()

    async def _mourn(self) -> None:
        for line in (self._signing, self._making):
            line.close()
        code = None if self._child is None else await self._end(self._child)
        metrics.TOKEN_PROCESS_ENDS.inc()
        if self._login is Login.REFUSED or (self._login is Login.TRIED and not self._proven):
            # Whether the token counts that try is not known; another could lock it for everybody.
            self._refusal = Unavailable(
                Reason.TOKEN_UNAVAILABLE,
                f"{self._root.name} did not accept the PIN before the process that holds it ended; the PIN is not "
                "tried again: set the right one and restart the signer",
            )
        log.error("the token process ended", exit_code=code, started_again=self._refusal is None)
        self.ended.set()

    async def _end(self, child: Child) -> int:
        child.kill()
        return await asyncio.to_thread(child.wait)


def _signing_parts(key: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
    return [key.label.encode(), key.algorithm.encode(), key.public_key, *inputs]
