"""A root of trust behind the token process's own code: in threads of the test, where it can be tampered with, or in a
program that breaks its token when the test asks for it."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sealwright_signer.adapters.pkcs11.module import Module
from sealwright_signer.adapters.roots import FileRoot
from sealwright_signer.adapters.token_process import __main__ as program
from sealwright_signer.adapters.token_process.frames import unpack
from sealwright_signer.adapters.token_process.orders import Orders
from sealwright_signer.adapters.token_process.process import Child, TokenProcess
from sealwright_signer.adapters.token_process.server import Line, TokenServer
from sealwright_signer.ports import Hsm

ROOT = Path(__file__).parents[2]


class Threads:
    """Serves ``hsm`` from threads of this process; to be given to TokenProcess as ``launch``."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm
        self._threads: list[threading.Thread] = []
        self._lines: list[Line] = []

    def __call__(self, signing: socket.socket, making: socket.socket) -> Child:
        self._lines = lines = [Line(signing.dup()), Line(making.dup())]
        first = lines[0].read()
        assert first is not None
        orders, server = Orders.read(unpack(first)[2][0]), TokenServer(self._hsm)
        self._threads = server.serve(lines[0], orders.threads) + server.serve(lines[1], orders.makers)
        return self

    def wait(self, timeout: float | None = None) -> int:
        """Once the service has hung up."""
        for thread in self._threads:
            thread.join(timeout)
        for line in self._lines:
            line.close()
        self._hsm.close()
        return 0

    def kill(self) -> None:
        """Threads end by themselves."""


@asynccontextmanager
async def serving(hsm: Hsm, *, threads: int = 1, makers: int = 1) -> AsyncIterator[TokenProcess]:
    """``hsm`` as the vault sees it."""
    token = TokenProcess(FileRoot(Path()), threads=threads, makers=makers, launch=Threads(hsm))
    await token.start()
    try:
        yield token
    finally:
        await token.stop()


class Breakable:
    """Starts the token process as this module, which tampers with its token at a signal."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(os.environ) | dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, signing: socket.socket, making: socket.socket) -> Child:
        numbers = (signing.fileno(), making.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.token_process", *map(str, numbers)],
            cwd=ROOT,
            pass_fds=numbers,
            env=self._environment,
            stdout=subprocess.PIPE,
        )
        return self

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        code = self._process.wait(timeout)
        self._process.__exit__(None, None, None)
        return code

    def kill(self) -> None:
        """Ends it."""
        assert self._process is not None
        self._process.kill()

    def break_it(self, how: signal.Signals) -> None:
        """Returns once it is broken. SIGUSR1 closes all sessions, SIGUSR2 finalises the module."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.send_signal(how)
        assert self._process.stdout.readline() == b"0\n"


def _break_at_signals() -> None:
    """Behind the adapter's back, when nothing is being signed; prints what the module answered."""
    loaded: list[Any] = []
    load = Module.__init__

    def remembered(self: Module, path: str) -> None:
        load(self, path)
        loaded.append(self)

    def close_sessions(*_: Any) -> None:
        module, shared = loaded[0], ctypes.CDLL(loaded[0].path)
        slots = [token.slot.slot_id for token in module._library.get_tokens()]
        print(max(shared.C_CloseAllSessions(ctypes.c_ulong(slot)) for slot in slots), flush=True)

    Module.__init__ = remembered
    signal.signal(signal.SIGUSR1, close_sessions)
    signal.signal(signal.SIGUSR2, lambda *_: print(ctypes.CDLL(loaded[0].path).C_Finalize(None), flush=True))


if __name__ == "__main__":
    _break_at_signals()
    program.main()
