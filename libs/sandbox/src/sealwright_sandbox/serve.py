"""Running a sandbox server until SIGTERM or Ctrl-C."""

import asyncio
import signal
import sys
from collections.abc import Callable
from typing import NoReturn, Protocol

from sealwright_sandbox.errors import SandboxError


class Server(Protocol):
    """What can be started and stopped."""

    async def start(self) -> None:
        """Begins to serve."""
        ...

    async def stop(self) -> None:
        """Ends."""
        ...


def serve(server: Server, tell: Callable[[], str]) -> NoReturn:
    """Runs `server` until a signal and exits with 0, or with 1 if it cannot start. Prints `tell()` once."""
    try:
        asyncio.run(_serve(server, tell))
    except SandboxError as error:
        sys.exit(str(error))
    sys.exit(0)


async def _serve(server: Server, tell: Callable[[], str]) -> None:
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    await server.start()
    print(tell(), flush=True)
    await asked.wait()
    await server.stop()
