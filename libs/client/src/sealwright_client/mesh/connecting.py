"""A client of a mesh that this process supervises."""

from __future__ import annotations

from pathlib import Path

from sealwright_common.runtime.config import TlsSettings
from sealwright_sandbox.mesh import Mesh

from sealwright_client.connection import Profile


def client_profile(mesh: Mesh) -> Profile:
    """The client's view of a running mesh, as an operator."""
    where = mesh.profile
    tls = {name: Path(path) for name, path in where.tls.items()} if where.tls else None
    return Profile(
        services=where.services,
        tls=TlsSettings(**tls) if tls else None,
        http=where.http,
        sandbox=where.sandbox,
        databases=where.databases,
        nats=where.nats,
    )
