"""`mesh.json`: where a running mesh is, for the client and everybody else on this machine."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from sealwright_common.runtime.config import TlsSettings

from sealwright_sandbox.embedded.secret import private_file
from sealwright_sandbox.mesh.environment import Surroundings

FILE = "mesh.json"


@dataclass(frozen=True)
class Profile:
    """Addresses of a mesh's parts; first instances where there are several."""

    services: dict[str, str]
    """gRPC address of each service."""
    instances: dict[str, list[str]]
    """gRPC addresses of all processes of each service."""
    ops: dict[str, list[str]]
    """Addresses of their ops listeners."""
    http: dict[str, str]
    """Base URL of each HTTP door."""
    tls: dict[str, str] | None
    """An operator's certificate, its key and the CA; None in plaintext."""
    databases: dict[str, str] = field(repr=False)
    """DSN of each service's database."""
    nats: str = field(repr=False)
    """URL of the broker."""
    sandbox: dict[str, str]
    """The registry (gRPC address), its admin door, the wallet and the holders (URLs)."""

    @classmethod
    def of(
        cls,
        around: Surroundings,
        operator: TlsSettings | None,
        nats_url: str,
        sandbox: Mapping[str, str],
    ) -> "Profile":
        """The profile of a mesh."""
        first = {service: listeners[0] for service, listeners in around.listeners.items()}
        return cls(
            services={str(service): one.grpc for service, one in first.items()},
            instances={str(service): [one.grpc for one in all_] for service, all_ in around.listeners.items()},
            ops={str(service): [one.ops for one in all_] for service, all_ in around.listeners.items()},
            http={str(service): f"http://{one.http}" for service, one in first.items() if one.http},
            tls={name: str(path) for name, path in operator.model_dump().items()} if operator else None,
            databases={str(service): path.read_text() for service, path in around.dsn_files.items()},
            nats=nats_url,
            sandbox=dict(sandbox),
        )

    def write(self, folder: Path) -> None:
        """Writes it into a mesh's folder; it holds passwords, so only its owner may read it."""
        private_file(folder / FILE, json.dumps(asdict(self), indent=2))

    def remove(self, folder: Path) -> None:
        """Removes it: the mesh is no longer there."""
        (folder / FILE).unlink(missing_ok=True)


def hidden(url: str) -> str:
    """A URL without its password, for people."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
