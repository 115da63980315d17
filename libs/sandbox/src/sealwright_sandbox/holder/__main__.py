"""``python -m sealwright_sandbox.holder``: holders of DCP credentials in a process of their own, kept in memory."""

from __future__ import annotations

import argparse

from sealwright_sandbox.holder.server import SandboxHolders
from sealwright_sandbox.serve import serve


def main() -> None:
    """Runs the holders until a signal."""
    parser = argparse.ArgumentParser(prog="sealwright-sandbox-holder", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:7403", help="HTTP address (default: %(default)s)")
    holders = SandboxHolders(parser.parse_args().listen)
    serve(holders, lambda: f"holders at {holders.url}")


if __name__ == "__main__":
    main()
