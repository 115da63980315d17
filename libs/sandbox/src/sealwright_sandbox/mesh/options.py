"""What can be chosen about a mesh, and where its parts listen."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from sealwright_sandbox.data import data_folder
from sealwright_sandbox.embedded.ports import free_port


class Service(StrEnum):
    """The four services."""

    SIGNER = "signer"
    ROTATOR = "rotator"
    CERTIFY = "certify"
    STAMP = "stamp"


SERVICES = tuple(Service)

NUMBERS = {Service.SIGNER: 1, Service.ROTATOR: 2, Service.CERTIFY: 3, Service.STAMP: 4}
"""Last digit of a service's ports: 7101 is signer's gRPC door, 7201 its ops listener, 7301 would be its HTTP door."""

HTTP_DOORS = frozenset({Service.ROTATOR, Service.CERTIFY, Service.STAMP})
"""Services with an HTTP door."""

POSTGRES_PORT, NATS_PORT = 7432, 7422
REGISTRY_PORT, WALLET_PORT, HOLDER_PORT, REGISTRY_ADMIN_PORT = 7401, 7402, 7403, 7411

REGISTRY_NAME = "sandbox"
"""Name of the sandbox registry in certificates."""


@dataclass(frozen=True)
class MeshOptions:
    """How a mesh runs on this machine."""

    folder: Path = field(default_factory=data_folder)
    """Where everything is kept: databases, streams, token, certificates, logs."""
    plaintext: bool = False
    """No TLS between services; loopback only, and every local caller gets every role."""
    fixed_ports: bool = True
    """The documented ports, where they are free. Otherwise free ones, as tests want them."""
    services: tuple[Service, ...] = SERVICES
    """Which services run."""
    instances: int = 1
    """How many processes of each service."""
    sandbox: bool = True
    """Whether the registry, the wallet and the holders run, too."""
    check_proofs: bool = True
    """Whether the registry checks range proofs, some 12 ms each."""
    grid_areas: Mapping[str, str] = field(default_factory=lambda: {"DK1": "grid-area-dk1", "DK2": "grid-area-dk2"})
    """Time-aware issuers by grid area in which stamp issues."""
    environment: Mapping[Service, Mapping[str, str]] = field(default_factory=dict[Service, Mapping[str, str]])
    """Further environment variables by service, such as settings and fault points for tests."""
    log_level: str = "INFO"
    """Least severe level in the services' logs."""
    patience: float = 120.0
    """Seconds until every part must be ready."""


class Ports:
    """Hands out ports: the documented one where it is free and wanted, never one twice.

    A documented port is claimed until `release`, so that two meshes that start at the same moment do not both take it
    before either listens. A claim is a socket in Linux' abstract namespace: no file, and it ends with its process.
    """

    def __init__(self, fixed: bool) -> None:
        self._fixed = fixed
        self._taken: set[int] = set()
        self._claims: list[socket.socket] = []

    def take(self, preferred: int) -> int:
        """A port for one listener."""
        wanted = self._fixed and preferred not in self._taken and self._claim(preferred)
        port = free_port(preferred if wanted else None)
        while port in self._taken:
            port = free_port()
        self._taken.add(port)
        return port

    def release(self) -> None:
        """Gives the claims back."""
        while self._claims:
            self._claims.pop().close()

    def _claim(self, port: int) -> bool:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0sealwright-port-{port}")
        except OSError:
            claim.close()
            return False
        self._claims.append(claim)
        return True
