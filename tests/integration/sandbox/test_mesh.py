"""The supervisor: what it starts is ready, what it stops can be started again, and it leaves nothing behind.

One service is enough to see that; the whole mesh is what tests/e2e is about.
"""

import asyncio
import json
import os
import signal
import stat
import sys
from pathlib import Path

import aiohttp
import pytest
from sealwright_sandbox.embedded.ports import free_port
from sealwright_sandbox.embedded.postgres import execute
from sealwright_sandbox.errors import SandboxError
from sealwright_sandbox.mesh import Mesh, MeshOptions, Service
from sealwright_sandbox.mesh.options import Ports

from tests.support.mesh import open_mesh

ONE = (Service.SIGNER,)


async def ready(mesh: Mesh) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{mesh.profile.ops['signer'][0]}/readyz") as answer,
    ):
        return answer.status


async def test_a_mesh_comes_up_and_finds_its_data_again(tmp_path: Path) -> None:
    folder = tmp_path / "with space"
    async with open_mesh(folder, services=ONE, sandbox=False) as mesh:
        assert await ready(mesh) == 200
        written = json.loads((folder / "mesh.json").read_text())
        assert written["services"] == mesh.profile.services
        execute(mesh.profile.databases["signer"], "create table kept (n int)", "insert into kept values (42)")
        assert mesh.token is not None
        pin = mesh.token.pin
    assert not (folder / "mesh.json").exists()
    async with open_mesh(folder, services=ONE, sandbox=False) as again:
        assert execute(again.profile.databases["signer"], "select n from kept") == "42"
        assert again.token is not None
        assert again.token.pin == pin


async def test_secrets_are_in_closed_files_and_nowhere_else(tmp_path: Path) -> None:
    async with open_mesh(tmp_path / "mesh", services=ONE, sandbox=False) as mesh:
        assert mesh.token is not None
        passwords = [file.read_text() for file in mesh.folder.rglob("password")]
        secrets = [mesh.token.pin, *passwords]
        assert len(passwords) == 3
        for file in (mesh.folder / "mesh.json", mesh.folder / "services/signer/dsn", mesh.folder / "nats/url"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
        for running in mesh.services[Service.SIGNER]:
            process = Path(f"/proc/{running.child.pid}")
            seen = (process / "environ").read_text() + (process / "cmdline").read_text()
            seen += running.child.log.read_text()
            assert not [secret for secret in secrets if secret in seen]


async def test_a_killed_service_is_noticed_and_comes_back(tmp_path: Path) -> None:
    async with open_mesh(tmp_path / "mesh", services=ONE, instances=2, sandbox=False) as mesh:
        first, second = mesh.services[Service.SIGNER]
        mesh.kill(Service.SIGNER)
        assert mesh.ended() == [first.child]
        assert second.child.running
        await mesh.restart(Service.SIGNER)
        assert mesh.ended() == []
        assert await ready(mesh) == 200


async def test_killed_servers_are_noticed_and_come_back_where_they_were(tmp_path: Path) -> None:
    async with open_mesh(tmp_path / "mesh", services=ONE, sandbox=False) as mesh:
        assert mesh.postgres is not None
        assert mesh.nats is not None
        execute(mesh.profile.databases["signer"], "create table kept (n int)", "insert into kept values (42)")
        mesh.postgres.kill()
        mesh.nats.kill()
        ended = mesh.ended()
        assert [child.name for child in ended] == ["PostgreSQL", "nats-server"]
        for child in ended:
            mesh.revive(child)
        assert mesh.ended() == []
        assert execute(mesh.profile.databases["signer"], "select n from kept") == "42"
        async with asyncio.timeout(30):
            while await ready(mesh) != 200:
                await asyncio.sleep(0.1)


async def test_two_meshes_share_a_machine_but_no_folder(tmp_path: Path) -> None:
    nothing: dict[str, object] = {"services": (), "sandbox": True}
    one = MeshOptions(folder=tmp_path / "one", **nothing)  # pyright: ignore[reportArgumentType]
    other = MeshOptions(folder=tmp_path / "other", **nothing)  # pyright: ignore[reportArgumentType]
    async with Mesh(one) as first, Mesh(other) as second:
        assert set(first.profile.sandbox.values()).isdisjoint(second.profile.sandbox.values())
        with pytest.raises(SandboxError, match=f"process {os.getpid()}"):
            await Mesh(one).start()
        assert first.ended() == []


def test_two_meshes_that_start_at_once_never_take_the_same_documented_port() -> None:
    first, second, later = Ports(fixed=True), Ports(fixed=True), Ports(fixed=True)
    preferred = free_port()
    assert first.take(preferred) == preferred  # and does not listen yet
    assert second.take(preferred) != preferred
    first.release()
    second.release()
    assert later.take(preferred) == preferred
    later.release()


async def test_what_cannot_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    wrong = {Service.SIGNER: {"SEALWRIGHT_SIGNER_THREDS": "2"}}
    mesh = Mesh(
        MeshOptions(folder=tmp_path / "mesh", fixed_ports=False, services=ONE, sandbox=False, environment=wrong)
    )
    with pytest.raises(SandboxError, match="THREDS: no such setting; did you mean"):
        await mesh.start()
    assert mesh.postgres is not None
    assert mesh.nats is not None
    assert not mesh.postgres.running
    assert not mesh.nats.running
    assert not (mesh.folder / "mesh.json").exists()


async def test_plaintext_says_so(tmp_path: Path) -> None:
    async with open_mesh(tmp_path / "mesh", services=ONE, sandbox=False, plaintext=True) as mesh:
        assert mesh.profile.tls is None
        assert any("plaintext" in notice for notice in mesh.notices)


CHILD = """
import asyncio, pathlib, sys
from sealwright_sandbox.mesh import Mesh, MeshOptions, Service
from sealwright_sandbox.mesh.options import Ports
async def main():
    folder, one = pathlib.Path(sys.argv[1]), Service.SIGNER
    async with Mesh(MeshOptions(folder=folder, fixed_ports=False, services=(one,), sandbox=False)) as mesh:
        print(mesh.postgres.pid, mesh.nats.pid, mesh.services[one][0].child.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_killed_supervisor_takes_everything_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "mesh"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    pids = [int(pid) for pid in (await child.stdout.readline()).split()]
    assert len(pids) == 3
    child.send_signal(signal.SIGKILL)
    await child.wait()
    async with open_mesh(folder, services=ONE, sandbox=False) as successor:
        assert await ready(successor) == 200
    async with asyncio.timeout(30):
        while any(Path(f"/proc/{pid}").exists() for pid in pids):
            await asyncio.sleep(0.05)
