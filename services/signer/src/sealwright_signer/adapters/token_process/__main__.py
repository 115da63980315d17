"""The token process: ``python -m sealwright_signer.adapters.token_process SIGNING MAKING``, two sockets by number.

It ends when the service closes its sockets or is gone itself, whatever the module is doing then.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import threading

from sealwright_signer.adapters.roots import Login, opened
from sealwright_signer.adapters.token_process.frames import Reply, unpack
from sealwright_signer.adapters.token_process.orders import Orders
from sealwright_signer.adapters.token_process.server import Line, TokenServer

_LEAVE_SECONDS = 5.0
"""How long a module may take to let go of the token before the process ends all the same."""
_HUNG_UP = getattr(select, "POLLRDHUP", 0) | select.POLLHUP


def main() -> None:
    """Serves until the service is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # Those are for the service, which may still have work to finish here; a terminal sends them to both.
        signal.signal(number, signal.SIG_IGN)
    signing_socket, making_socket = (socket.socket(fileno=int(argument)) for argument in sys.argv[1:3])
    signing, making = Line(signing_socket), Line(making_socket)
    first = signing.read()
    if first is None:
        return
    orders = Orders.read(unpack(first)[2][0])

    def on_login(what: Login) -> None:
        signing.write(0, Reply.LOGIN, [what.encode()])

    hsm = opened(orders.root, on_login)
    server = TokenServer(hsm)
    gc.freeze()
    gc.set_threshold(50_000)
    server.serve(signing, orders.threads)
    server.serve(making, orders.makers)
    gone = select.poll()
    gone.register(signing_socket, _HUNG_UP)
    gone.poll()
    leaving = threading.Timer(_LEAVE_SECONDS, os._exit, (1,))
    leaving.daemon = True
    leaving.start()
    hsm.close()
    os._exit(0)


def _failed(error: Exception) -> None:
    """Logs as the service does, without the text of the exception, and ends."""
    # Imported here: it takes long, and is needed hardly ever.
    import structlog
    from sealwright_common.runtime.config import TelemetrySettings
    from sealwright_common.runtime.telemetry import logs

    logs.configure(TelemetrySettings(), "signer")
    structlog.get_logger(__name__).error("the token process failed", exc_info=error)
    os._exit(1)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - logged
        _failed(error)
