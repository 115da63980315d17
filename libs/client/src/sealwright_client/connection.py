"""Where the mesh is: addresses and certificates, from the environment or from the profile that a running mesh wrote.

``SEALWRIGHT_SIGNER``, ``_ROTATOR``, ``_CERTIFY`` and ``_STAMP`` name addresses; ``SEALWRIGHT_TLS_CERT``, ``_KEY`` and
``_CA`` the files of mutual TLS. What is not named comes from ``mesh.json`` in the data folder (``SEALWRIGHT_DATA``, by
default ``.sealwright`` in this folder or one above it), which ``./mesh up`` writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.config import TlsSettings


class Service(StrEnum):
    """The four services."""

    SIGNER = "signer"
    ROTATOR = "rotator"
    CERTIFY = "certify"
    STAMP = "stamp"


PROFILE = "mesh.json"


@dataclass(frozen=True, slots=True)
class Profile:
    """How to reach one mesh."""

    services: Mapping[str, str]
    """gRPC address of each service, host:port."""
    tls: TlsSettings | None
    """Our certificate, key and the CA; None when the mesh speaks plaintext on loopback."""
    http: Mapping[str, str] = field(default_factory=dict[str, str])
    """Base URL of each HTTP door."""
    sandbox: Mapping[str, str] = field(default_factory=dict[str, str])
    """Addresses of the sandbox registry, wallet and holder, where they run."""
    databases: Mapping[str, str] = field(default_factory=dict[str, str])
    """PostgreSQL DSN of each service; for operators' verbs only."""
    nats: str | None = None
    """URL of the broker; for operators' verbs only."""

    def address(self, service: str) -> str:
        """Address of ``service``; Unavailable, with what to do, when it is not known."""
        if service not in self.services:
            raise Unavailable(
                Reason.PEER_UNAVAILABLE,
                f"no address of {service} is known: start the mesh with ./mesh up, or set SEALWRIGHT_{service.upper()}",
            )
        return self.services[service]


def data_folder() -> Path:
    """``SEALWRIGHT_DATA``, else the nearest ``.sealwright`` here or above, else ``.sealwright`` here."""
    if named := os.environ.get("SEALWRIGHT_DATA"):
        return Path(named)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".sealwright").is_dir():
            return folder / ".sealwright"
    return here / ".sealwright"


def find_profile() -> Profile:
    """The mesh to talk to: the environment first, then the profile file, else an empty profile."""
    path = data_folder() / PROFILE
    written: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    named = {name: os.environ.get(f"SEALWRIGHT_{name.upper()}") for name in Service}
    services = {**written.get("services", {}), **{name: address for name, address in named.items() if address}}
    files = {part: os.environ.get(f"SEALWRIGHT_TLS_{part.upper()}") for part in ("cert", "key", "ca")}
    tls = {**(written.get("tls") or {}), **{part: file for part, file in files.items() if file}}
    return Profile(
        services=services,
        tls=TlsSettings(**tls) if tls else None,
        http=written.get("http", {}),
        sandbox=written.get("sandbox", {}),
        databases=written.get("databases", {}),
        nats=written.get("nats"),
    )
