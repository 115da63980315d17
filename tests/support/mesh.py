"""A whole mesh in a temporary folder, for tests: start it, kill and restart its processes, ask where things are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sealwright_sandbox.mesh import Mesh, MeshOptions


@asynccontextmanager
async def open_mesh(folder: Path, **options: Any) -> AsyncIterator[Mesh]:
    """A mesh on free ports in `folder`, with its data kept there; `options` are those of `MeshOptions`."""
    async with Mesh(MeshOptions(folder=folder, fixed_ports=False, **options)) as mesh:
        yield mesh
