"""What a mesh in containers needs before it starts: certificates, passwords, a token, databases.

`python -m sealwright_sandbox.provision secrets FOLDER` makes what stands on its own, and
`python -m sealwright_sandbox.provision databases FOLDER HOST:PORT` the databases, once PostgreSQL is there. What exists
is left alone. Every service finds its own things, and nobody else's, in FOLDER/<service>: a volume of its own each.
"""

import argparse
import json
import shutil
from pathlib import Path
from urllib.parse import quote

from sealwright_common.runtime.config import TlsSettings
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.grpc.identity import uri_for

from sealwright_sandbox.embedded.nats import USER as NATS_USER
from sealwright_sandbox.embedded.nats import nats_config
from sealwright_sandbox.embedded.secret import private_file, secret_file, secret_key_file
from sealwright_sandbox.embedded.softhsm import find_softhsm, make_token
from sealwright_sandbox.mesh.databases import service_database
from sealwright_sandbox.mesh.options import SERVICES, Service


def make_secrets(folder: Path, nats_host: str = "nats", nats_store: Path = Path("/data")) -> None:
    """Certificates for every role, the broker's configuration, PostgreSQL's password, signer's token."""
    authority = DevelopmentCa.open(folder / "ca")
    for service in SERVICES:
        _deliver(authority.issue(service), folder / service)
    _deliver(authority.issue("operator"), folder / "operator")
    _deliver(authority.issue("client", "registry", hosts=["registry"], file="registry"), folder / "registry")
    shutil.copy(authority.folder / "ca.pem", _folder(folder / "wallet") / "ca.pem")
    password = secret_file(folder / "nats" / "password")
    listen = "listen: 0.0.0.0:4222\nhttp: 127.0.0.1:8222\n"
    private_file(folder / "nats" / "nats.conf", listen + nats_config(nats_store, password))
    for service in SERVICES:
        private_file(folder / service / "nats-url", f"nats://{NATS_USER}:{password}@{nats_host}:4222")
    secret_file(folder / "postgres" / "password")
    (folder / "postgres" / "password").chmod(0o644)  # PostgreSQL's image has a user of its own; the volume is closed
    secret_key_file(folder / Service.CERTIFY / "token-key")
    bearer = secret_file(folder / "operator" / "stamp-http-token")
    private_file(folder / Service.STAMP / "http-callers", json.dumps({uri_for("client", "http"): bearer}))
    make_token(find_softhsm(folder / "packages"), folder / Service.SIGNER / "token")


def make_databases(folder: Path, address: str) -> None:
    """A database and a role per service; each service's DSN is written into its folder."""
    password = quote(secret_file(folder / "postgres" / "password"), safe="")
    superuser = f"postgresql://postgres:{password}@{address}/postgres"
    for service in SERVICES:
        service_database(superuser, service, folder / service)


def _deliver(tls: TlsSettings, folder: Path) -> None:
    """Copies a certificate, its key and the CA to where its owner looks for them."""
    for path, name in ((tls.cert, "cert.pem"), (tls.ca, "ca.pem")):
        shutil.copy(path, _folder(folder) / name)
    private_file(folder / "key.pem", tls.key.read_text())


def _folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def main() -> None:
    """Reads the command line and provisions."""
    parser = argparse.ArgumentParser(prog="sealwright-provision", description=__doc__)
    parser.add_argument("what", choices=("secrets", "databases"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("address", nargs="?", default="postgres:5432", help="PostgreSQL's host:port")
    arguments = parser.parse_args()
    if arguments.what == "secrets":
        make_secrets(arguments.folder)
    else:
        make_databases(arguments.folder, arguments.address)


if __name__ == "__main__":
    main()
