"""`python -m sealwright_sandbox.registry`: one registry in a process of its own."""

import argparse
from pathlib import Path

from sealwright_common.runtime.config import TlsSettings

from sealwright_sandbox.registry.server import BLOCK_INTERVAL, RegistrySandbox
from sealwright_sandbox.serve import serve


def main() -> None:
    """Reads the command line and serves until a signal."""
    parser = argparse.ArgumentParser(prog="sealwright-sandbox-registry", description=__doc__)
    parser.add_argument("--name", default="sandbox", help="name in federated stream ids (default: %(default)s)")
    parser.add_argument("--listen", default="127.0.0.1:7401", help="gRPC address (default: %(default)s)")
    parser.add_argument(
        "--admin", default="127.0.0.1:7411", help="HTTP address for keys and faults (default: %(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="where state is kept over restarts (default: memory only)")
    parser.add_argument("--no-proofs", action="store_true", help="do not check range proofs")
    parser.add_argument("--block-interval", type=float, default=BLOCK_INTERVAL, help="seconds between blocks")
    parser.add_argument("--tls-cert", type=Path, help="PEM file: certificate, for gRPC over TLS (with --tls-key)")
    parser.add_argument("--tls-key", type=Path, help="PEM file: its private key")
    arguments = parser.parse_args()
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        parser.error("--tls-cert and --tls-key belong together")
    tls = (
        TlsSettings(cert=arguments.tls_cert, key=arguments.tls_key, ca=arguments.tls_cert)
        if arguments.tls_key
        else None
    )
    sandbox = RegistrySandbox(
        arguments.name,
        arguments.listen,
        arguments.admin,
        arguments.folder,
        check_proofs=not arguments.no_proofs,
        block_interval=arguments.block_interval,
        tls=tls,
    )
    serve(sandbox, lambda: f"registry {sandbox.name} on {sandbox.address}, admin {sandbox.admin_url}")


if __name__ == "__main__":
    main()
