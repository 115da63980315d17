"""`./mesh up` as a person meets it: what it prints works, Ctrl-C stops it, a killed service comes back."""

import asyncio
import json
import os
import re
import shlex
import signal
import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytestmark = pytest.mark.timeout(300)
COMMAND = str(Path(sysconfig.get_path("scripts"), "sealwright"))


class Terminal:
    """A running `mesh up` and what it has printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def until(self, text: str) -> str:
        """Reads until `text` was printed; everything so far."""
        assert self.process.stdout is not None
        async with asyncio.timeout(200):
            while text not in self.said:
                line = await self.process.stdout.readline()
                assert line, f"ended before saying {text!r}:\n{self.said}"
                self.said += line.decode()
        return self.said


@asynccontextmanager
async def mesh_up(data: Path) -> AsyncIterator[Terminal]:
    process = await asyncio.create_subprocess_exec(
        COMMAND,
        "mesh",
        "up",
        env={**os.environ, "SEALWRIGHT_DATA": str(data), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield Terminal(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.communicate()


async def ready(ops: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://{ops}/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def test_up_says_where_everything_is_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    data = tmp_path / "a mesh"  # with a space, as a checkout may have
    async with mesh_up(data) as terminal:
        said = await terminal.until("Ctrl-C stops it.")
        profile: dict[str, Any] = json.loads((data / "mesh.json").read_text())
        for address in profile["services"].values():
            assert address in said
        assert str(data) in said
        line = re.search(r"grpcurl \$\((.+) grpcurl-flags\) (\S+) list", said)
        assert line is not None
        flags = await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            f"printf '%s\\n' $({line[1]} grpcurl-flags)",  # as a shell splits it
            cwd=data,
            env={**os.environ, "SEALWRIGHT_DATA": str(data)},
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await flags.communicate()
        words = told.decode().splitlines()
        assert words[0::2] == ["-cacert", "-cert", "-key"]
        assert all((data / file).is_file() for file in words[1::2])
        assert line[2] in profile["services"].values()
        for verb in ("audit verify", "replay rotator --since 2026-01-01", "letters list stamp", "issuers list"):
            operator = await asyncio.create_subprocess_exec(
                COMMAND,
                *shlex.split(verb),
                "--json",
                env={**os.environ, "SEALWRIGHT_DATA": str(data)},
                stdout=asyncio.subprocess.PIPE,
            )
            answer, _ = await operator.communicate()
            assert operator.returncode == 0, verb
            json.loads(answer)
        terminal.process.send_signal(signal.SIGINT)
        await terminal.until("stopped; the data stay where they are")
        assert await terminal.process.wait() == 0
    assert not (data / "mesh.json").exists()


async def test_a_killed_service_is_started_again(tmp_path: Path) -> None:
    async with mesh_up(tmp_path) as terminal:
        await terminal.until("Ctrl-C stops it.")
        profile: dict[str, Any] = json.loads((tmp_path / "mesh.json").read_text())
        children = Path(f"/proc/{terminal.process.pid}/task/{terminal.process.pid}/children").read_text().split()
        (rotator,) = [p for p in children if "sealwright-rotator" in Path(f"/proc/{p}/cmdline").read_text()]
        os.kill(int(rotator), signal.SIGKILL)
        await terminal.until("rotator ended with code -9")
        async with asyncio.timeout(120):
            while not await ready(profile["ops"]["rotator"][0]):
                await asyncio.sleep(0.2)
