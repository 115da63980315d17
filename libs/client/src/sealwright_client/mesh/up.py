"""``./mesh up``: the mesh stays up until Ctrl-C; what ends, a service or a server, is started again."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
import sysconfig
import time
from pathlib import Path

import aiohttp
from rich.table import Table
from sealwright_common.domain.errors import Problem
from sealwright_sandbox.embedded.child import Child
from sealwright_sandbox.errors import SandboxError
from sealwright_sandbox.mesh import Mesh, MeshOptions
from sealwright_sandbox.mesh.profile import hidden

from sealwright_client.client import Sealwright
from sealwright_client.mesh.connecting import client_profile
from sealwright_client.mesh.trust import RegistryTrust
from sealwright_client.terminal import console, errors

LOOK_SECONDS = 0.5
"""How often ended services are looked for."""

MOST_RESTARTS = 5
"""Restarts of one process within `RESTART_WINDOW` seconds after which it is left alone."""

RESTART_WINDOW = 60.0

TRUST_SECONDS = 3.0
"""How often the registry's keys are brought up to date."""


def up(options: MeshOptions) -> int:
    """Runs the mesh until SIGINT or SIGTERM; returns the exit code."""
    try:
        return asyncio.run(_up(options))
    except SandboxError as error:
        errors.print(f"mesh: {error}", markup=False, highlight=False)
        return 1


async def _up(options: MeshOptions) -> int:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    console.print(f"starting the mesh in {options.folder} …", markup=False, highlight=False)
    started = time.monotonic()
    mesh = Mesh(options)
    starting = asyncio.create_task(mesh.start())
    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return 130
    await starting
    try:
        describe(mesh, time.monotonic() - started)
        working = [asyncio.create_task(_keep_up(mesh)), asyncio.create_task(_keep_trust(mesh))]
        await asyncio.wait({*working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in working:
            task.cancel()
        for outcome in await asyncio.gather(*working, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    finally:
        console.print("stopping …")
        await mesh.stop()
        console.print("stopped; the data stay where they are", highlight=False)
    return 0


def describe(mesh: Mesh, seconds: float) -> None:
    """Prints where everything is and what to try first."""
    profile = mesh.profile
    table = Table(title=f"The mesh is up ({seconds:.1f} s)", title_justify="left")
    for column in ("part", "gRPC", "HTTP", "health and metrics"):
        table.add_column(column, no_wrap=True)
    for service, addresses in profile.instances.items():
        for number, address in enumerate(addresses):
            ops = f"http://{profile.ops[service][number]}"
            table.add_row(service, address, profile.http.get(service, "") if number == 0 else "", ops)
    if "registry" in profile.sandbox:
        table.add_row("registry", profile.sandbox["registry"], profile.sandbox["registry_admin"], "")
        table.add_row("wallet", "", profile.sandbox["wallet"], "")
        table.add_row("holder", "", profile.sandbox["holder"], "")
    console.print(table)
    lines = [f"PostgreSQL  {hidden(url)}" for url in list(profile.databases.values())[:1]]
    lines += [
        f"NATS        {hidden(profile.nats)}",
        f"data        {mesh.folder}",
        f"logs        {mesh.folder / 'logs'}",
    ]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for notice in mesh.notices:
        console.print(f"\nwarning: {notice}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    command = shlex.quote(str(Path(sysconfig.get_path("scripts"), "sealwright")))
    address = next(iter(profile.services.values()))
    console.print("\nTry first:")
    console.print(f"  grpcurl $({command} grpcurl-flags) {address} list", markup=False, highlight=False, soft_wrap=True)
    console.print("\nCtrl-C stops it.")
    sys.stdout.flush()


async def _keep_up(mesh: Mesh) -> None:
    """Starts again what ended on its own; gives up on what ends over and over."""
    restarts: dict[str, list[float]] = {}
    given_up: set[str] = set()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for child in mesh.ended():
            if child.name in given_up:
                continue
            now = time.monotonic()
            recent = restarts[child.name] = [at for at in restarts.get(child.name, []) if now - at < RESTART_WINDOW]
            _tell_of_end(child)
            if len(recent) >= MOST_RESTARTS:
                given_up.add(child.name)
                errors.print(f"{child.name} ended {MOST_RESTARTS} times in a minute and is left alone", markup=False)
                continue
            recent.append(now)
            try:
                mesh.revive(child)
            except SandboxError as error:
                errors.print(f"{error}", markup=False, highlight=False)


async def _keep_trust(mesh: Mesh) -> None:
    """Tells the sandbox registry every issuing key of the grid areas as the rotator makes it, rotation included."""
    if "registry_admin" not in mesh.profile.sandbox:
        await asyncio.Event().wait()
    said = ""
    async with Sealwright.open(client_profile(mesh)) as client:
        trust = RegistryTrust(client, mesh.profile.sandbox["registry_admin"], mesh.options.grid_areas)
        while True:
            try:
                for area, key in await trust.update():
                    console.print(f"the registry trusts key {key} for {area}", markup=False, highlight=False)
                said = ""
            except (Problem, aiohttp.ClientError, TimeoutError) as error:
                if str(error) != said:  # once, not at every look, while a service is away
                    errors.print(f"the registry's keys could not be brought up to date: {error}", markup=False)
                    said = str(error)
            await asyncio.sleep(TRUST_SECONDS)


def _tell_of_end(child: Child) -> None:
    errors.print(
        f"{child.name} ended with code {child.exit_code}; the end of {child.log}:", markup=False, soft_wrap=True
    )
    errors.print(child.last_words(5), markup=False, highlight=False, soft_wrap=True)
