"""The verbs of ``./mesh``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from sealwright_sandbox.data import checkout

app = typer.Typer(
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Run the whole mesh on this machine, show it, test it, check it, measure it.",
)

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def source() -> Path:
    """The checkout; ends the command where Sealwright is installed as packages."""
    root = checkout()
    if root is None:
        raise typer.BadParameter("this verb works in a checkout of Sealwright; clone it and run ./mesh there")
    return root


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="[CHECK]…", help="Only these checks.")] = None,
) -> None:
    """Formatting, lint, types, which way modules import, contracts and their generated code."""
    from sealwright_client.mesh.check import STEPS
    from sealwright_client.mesh.check import check as run

    known = [step.name for step in STEPS]
    unknown = [name for name in names or [] if name not in known]
    if unknown:
        raise typer.BadParameter(f"no check is called {', '.join(unknown)}; there are: {', '.join(known)}")
    if not run(source(), names or ()):
        raise typer.Exit(1)


@app.command(context_settings=PASS_ON, add_help_option=False)
def test(context: typer.Context) -> None:
    """Run the tests against real servers; arguments go to pytest."""
    arguments = list(context.args)
    own = any(argument == "-n" or argument.startswith(("-n", "--numprocesses", "--pdb")) for argument in arguments)
    if not own and (os.cpu_count() or 1) > 1:
        # a file shares what it has started, so its tests stay in one process
        arguments = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile", *arguments]
    raise typer.Exit(subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=source()))


@app.command(context_settings=PASS_ON, add_help_option=False)
def bench(context: typer.Context) -> None:
    """Measure on a quiet machine and write bench/results.json; arguments name benchmarks."""
    raise typer.Exit(subprocess.call([sys.executable, "-m", "bench", *context.args], cwd=source()))


@app.command()
def up(
    plaintext: Annotated[
        bool, typer.Option("--plaintext", help="No TLS: loopback only, and every local caller gets every role.")
    ] = False,
    instances: Annotated[int, typer.Option(min=1, max=8, help="Processes of each service.")] = 1,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Run the whole mesh until Ctrl-C, and say where everything is. Data are kept."""
    from sealwright_sandbox.mesh import MeshOptions

    from sealwright_client.mesh.up import up as run

    raise typer.Exit(run(MeshOptions(plaintext=plaintext, instances=instances, log_level=log_level.upper())))


@app.command()
def demo(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    plaintext: Annotated[bool, typer.Option("--plaintext", help="No TLS between the services.")] = False,
) -> None:
    """Issue a June day of electricity and a credential through all four services, and check both."""
    from sealwright_sandbox.data import data_folder
    from sealwright_sandbox.mesh import MeshOptions

    from sealwright_client.mesh.demo.run import demo as run

    raise typer.Exit(run(MeshOptions(folder=data_folder() / "demo", plaintext=plaintext), source(), as_json))
