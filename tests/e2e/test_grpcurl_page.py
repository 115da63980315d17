"""docs/grpcurl.md: every command runs as it stands, every RPC stands there, all learned by reflection."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sealwright_sandbox.mesh import Mesh

from tests.support.grpcurl import Grpcurl
from tests.support.shell_pages import Shell, commands

PAGE = Path(__file__).parents[2] / "docs" / "grpcurl.md"


def run_page(mesh: Mesh) -> tuple[list[str], set[str]]:
    """Runs the page; the RPCs it called, and all that the services reflect."""
    profile = mesh.profile
    assert profile.tls is not None
    files = (Path(profile.tls["ca"]), Path(profile.tls["cert"]), Path(profile.tls["key"]))
    callers = {address: Grpcurl(address, files) for address in profile.services.values()}
    variables = {name.upper(): address for name, address in profile.services.items()}
    shell = Shell(callers, {**variables, "FLAGS": "", "WALLET": profile.sandbox["wallet"]})
    try:
        for command in commands(PAGE):
            shell.run(command)
        reflected = {
            f"{service}/{method.name}"
            for caller in callers.values()
            for service in caller.services()
            if service.startswith("sealwright.")
            for method in caller.methods(service)
        }
    finally:
        for caller in callers.values():
            caller.channel.close()
    return shell.called, reflected


async def test_every_command_of_the_page_runs_and_every_rpc_stands_there(mesh: Mesh) -> None:
    """What a person copies from the page works against the mesh as it is."""
    called, reflected = await asyncio.to_thread(run_page, mesh)
    assert len(reflected) > 80
    assert reflected - set(called) == set()
