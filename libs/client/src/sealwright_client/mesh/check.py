"""``./mesh check``: everything that can be said about the source without running it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from sealwright_client.terminal import console


@dataclass(frozen=True)
class Step:
    """One check: `run` returns None if all is well, else what is wrong."""

    name: str
    run: Callable[[Path], str | None]
    mend: str
    """What to do about a failure."""


def tool(program: str, *arguments: str) -> Callable[[Path], str | None]:
    """A check by a program of this environment: its output is what is wrong, if it fails."""

    def run(root: Path) -> str | None:
        path = Path(sysconfig.get_path("scripts"), program)
        done = subprocess.run([str(path), *arguments], cwd=root, capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else (done.stdout + done.stderr).strip()

    return run


def contracts_are_generated(root: Path) -> str | None:
    """Generates the contracts' code again: None if that changes nothing, else the files that it changed."""
    before = _generated(root)
    script = [sys.executable, "protos/generate.py"]
    done = subprocess.run(script, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return (done.stdout + done.stderr).strip()
    after = _generated(root)
    changed = sorted(name for name in before | after if before.get(name) != after.get(name))
    return "\n".join(f"changed: {name}" for name in changed) or None


def _generated(root: Path) -> dict[str, str]:
    files = (path for path in (root / "protos").rglob("*_pb2*.py*") if path.suffix in {".py", ".pyi"})
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


STEPS: Sequence[Step] = (
    Step("format", tool("ruff", "format", "--check", "."), "ruff format ."),
    Step("lint", tool("ruff", "check", "."), "ruff check --fix ."),
    Step("types", tool("pyright"), "mend the types it names"),
    Step("imports", tool("lint-imports", "--no-cache", "--no-logo"), "see docs/architecture.md: rooms"),
    Step("contracts", tool("buf", "lint"), "mend the .proto files it names"),
    Step("generated code", contracts_are_generated, "commit what protos/generate.py has just written"),
)


def check(root: Path, only: Sequence[str] = ()) -> bool:
    """Runs the checks (or those named in `only`), prints a line each and a table; whether all are well.

    Raises KeyError if `only` names a check that does not exist.
    """
    known = {step.name: step for step in STEPS}
    steps = [known[name] for name in only] or list(STEPS)
    table = Table(title="mesh check", title_justify="left")
    for column in ("check", "result", "seconds", "to mend it"):
        table.add_column(column)
    wrong: list[tuple[Step, str]] = []
    for number, step in enumerate(steps, 1):
        console.print(f"[{number}/{len(steps)}] {step.name} …", markup=False, end="")
        started = time.monotonic()
        problem = step.run(root)
        seconds = f"{time.monotonic() - started:.1f}"
        console.print(" well" if problem is None else " WRONG", f"({seconds} s)", highlight=False)
        if problem is not None:
            wrong.append((step, problem))
            console.print(problem, markup=False, highlight=False)
        result = "[green]well[/]" if problem is None else "[red]wrong[/]"
        table.add_row(step.name, result, seconds, "" if problem is None else step.mend)
    console.print(table)
    return not wrong
