"""How verbs speak: a table where a person reads, JSON lines where a program does, errors that tell the next step."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from sealwright_common.domain.errors import Problem

T = TypeVar("T")

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]
TenantOption = Annotated[str, typer.Option("--tenant", envvar="SEALWRIGHT_TENANT", help="Tenant whose rows to see.")]

console = Console()
errors = Console(stderr=True)


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """Runs ``work`` to its end; a refusal is printed with what to do next and ends the command with exit code 1."""
    try:
        return asyncio.run(work)
    except Problem as problem:
        refuse(problem, as_json=as_json)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def refuse(problem: Problem, *, as_json: bool = False) -> NoReturn:
    """Prints ``problem`` on standard error and exits with 1."""
    if as_json:
        body = {
            "code": problem.code,
            "reason": problem.reason,
            "message": problem.message,
            "fields": [{"path": field.path, "expected": field.expected} for field in problem.fields],
        }
        print(json.dumps({"error": body}), file=sys.stderr)
    else:
        errors.print(f"[bold red]{problem.reason}[/]: ", end="")
        errors.print(problem.message, markup=False)
        for field in problem.fields:
            errors.print(f"  {field.path}: expected {field.expected}", markup=False)
        if problem.retry_after is not None:
            errors.print(f"  try again in {problem.retry_after.total_seconds():g} s", markup=False)
    raise SystemExit(1)


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, title: str | None = None) -> None:
    """``rows`` as a table of ``columns``, or as one JSON array with every member of every row."""
    rows = list(rows)
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in columns))
    console.print(table)
    if not rows:
        console.print("nothing to show")


def show_one(value: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: its members line by line, or one JSON object."""
    if as_json:
        print(json.dumps(value, indent=2, default=str))
        return
    table = Table(show_header=False, box=None)
    for name, member in value.items():
        table.add_row(f"[bold]{name.replace('_', ' ')}[/]", "" if member is None else str(member))
    console.print(table)
