"""Runs the demo: a fresh mesh in a folder of its own, its parts, the report."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

from sealwright_common.domain.errors import Problem
from sealwright_sandbox.errors import SandboxError
from sealwright_sandbox.mesh import Mesh, MeshOptions
from sealwright_sandbox.mesh.lock import FolderLock

from sealwright_client.client import Sealwright
from sealwright_client.mesh.connecting import client_profile
from sealwright_client.mesh.demo.credential import issue_membership
from sealwright_client.mesh.demo.dataspace import onboard_company
from sealwright_client.mesh.demo.electricity import READINGS, issue_day
from sealwright_client.mesh.demo.progress import Missing, Progress
from sealwright_client.mesh.demo.report import show, show_json
from sealwright_client.mesh.demo.wallet import issue_to_wallet
from sealwright_client.terminal import console, errors


def demo(options: MeshOptions, root: Path, as_json: bool) -> int:
    """Runs it in `options.folder`, which is emptied first; returns the exit code."""
    try:
        asyncio.run(_demo(replace(options, folder=options.folder.resolve()), root, as_json))
    except (SandboxError, Missing) as error:
        return _failed(str(error), as_json)
    except Problem as problem:
        return _failed(f"{problem.reason}: {problem.message}", as_json)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return 0


async def _demo(options: MeshOptions, root: Path, as_json: bool) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    _empty(options.folder)
    progress = Progress(quiet=as_json)
    started = time.monotonic()
    mesh = Mesh(options)
    try:
        with progress.step("the mesh starts: PostgreSQL, NATS, token, four services, sandboxes") as outcome:
            await mesh.start()
            outcome.append("plaintext" if options.plaintext else "mutual TLS between all")
        if not as_json:
            for notice in mesh.notices:
                console.print(f"  warning: {notice}", style="yellow", markup=False, highlight=False, soft_wrap=True)
        async with Sealwright.open(client_profile(mesh)) as client:
            day = await issue_day(client, root / READINGS, progress)
            membership = await issue_membership(client, progress)
            company = await onboard_company(client.profile, progress)
            wallet = await issue_to_wallet(client, progress)
    finally:
        await mesh.stop()
    seconds = time.monotonic() - started
    if as_json:
        show_json(day, membership, company, wallet, progress, seconds)
        return
    show(day, membership, company, wallet, progress, seconds)
    console.print(f"Everything is in {options.folder}; the next demo starts afresh.", markup=False, soft_wrap=True)
    console.print("./mesh up keeps a mesh running to try things on.", markup=False)


def _empty(folder: Path) -> None:
    """Removes what an earlier demo left. Raises SandboxError if one is running there."""
    if folder.exists():
        lock = FolderLock(folder)
        lock.acquire()
        lock.release()
        shutil.rmtree(folder)


def _failed(message: str, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"ok": False, "error": message}))
    else:
        errors.print(f"mesh demo: {message}", markup=False, highlight=False, soft_wrap=True)
    return 1
