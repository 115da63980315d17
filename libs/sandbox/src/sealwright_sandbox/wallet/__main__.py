"""`python -m sealwright_sandbox.wallet`: one wallet server in a process of its own."""

import argparse
from pathlib import Path

from sealwright_sandbox.serve import serve
from sealwright_sandbox.wallet.server import WalletSandbox


def main() -> None:
    """Reads the command line and serves until a signal."""
    parser = argparse.ArgumentParser(prog="sealwright-sandbox-wallet", description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:7402", help="HTTP address (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="where state is kept over restarts (default: memory only)")
    parser.add_argument(
        "--registry",
        action="append",
        default=[],
        metavar="NAME=HOST:PORT",
        help="a registry to compare slices with; may be given several times",
    )
    parser.add_argument("--public-url", help="where stamps reach the wallet, if not where it listens")
    parser.add_argument("--registry-ca", type=Path, help="PEM file: call registries over TLS; this CA vouches for them")
    arguments = parser.parse_args()
    pairs = [entry.partition("=") for entry in arguments.registry]
    if any(not (name and address) for name, _, address in pairs):
        parser.error("--registry is NAME=HOST:PORT, such as sandbox=127.0.0.1:7401")
    sandbox = WalletSandbox(
        {name: address for name, _, address in pairs},
        arguments.listen,
        arguments.folder,
        arguments.public_url,
        arguments.registry_ca,
    )
    serve(sandbox, lambda: f"wallet on {sandbox.url}")


if __name__ == "__main__":
    main()
