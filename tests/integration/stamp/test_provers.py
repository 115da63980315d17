"""Prover processes end with the service that started them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

PROGRAM = """
import asyncio
import multiprocessing
from sealwright_stamp.adapters.proofs.workers import ProofWorkers

async def main():
    workers = ProofWorkers(2)
    await workers.start()
    while workers.ready() is not None:
        await asyncio.sleep(0.05)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    await asyncio.sleep(3600)

if __name__ == "__main__":
    asyncio.run(main())
"""
PATIENCE = 60.0


def alive(pid: int) -> bool:
    """Whether a process runs (one that ended and waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_provers_end_when_their_service_is_killed(tmp_path: Path) -> None:
    """SIGKILL leaves the service no time to tell them."""
    program = tmp_path / "service.py"
    program.write_text(PROGRAM)
    service = await asyncio.create_subprocess_exec(sys.executable, str(program), stdout=asyncio.subprocess.PIPE)
    assert service.stdout is not None
    pids = [int(pid) for pid in (await asyncio.wait_for(service.stdout.readline(), PATIENCE)).split()]
    assert pids
    assert all(alive(pid) for pid in pids)
    os.kill(service.pid, signal.SIGKILL)
    await service.wait()
    async with asyncio.timeout(PATIENCE):
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.05)
