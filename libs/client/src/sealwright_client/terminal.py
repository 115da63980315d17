"""How verbs speak: a table where a person reads, JSON lines where a program does, errors that tell the next step."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.measure import Measurement
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
    """``rows`` as a table of ``columns``, or as one JSON array with every member of every row.

    Where the terminal is too narrow for the table, each row is a paragraph, headed by its first column: a table with
    folded cells cannot be read.
    """
    rows = list(rows)
    if as_json:
        print(json.dumps(rows, indent=2, default=str))
        return
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(_words(column), overflow="fold")
    for row in rows:
        table.add_row(*(_text(row, column) for column in columns))
    if Measurement.get(console, console.options.update(width=_UNLIMITED), table).maximum <= console.width:
        console.print(table)
    else:
        if title is not None:
            console.print(title, style="italic", markup=False)
        for row in rows:
            _paragraph(row, columns)
    if not rows:
        console.print("nothing to show")


_UNLIMITED = 10_000
_KEEP = "\N{NO-BREAK SPACE}"


def _paragraph(row: Mapping[str, Any], columns: Sequence[str]) -> None:
    head, *rest = columns
    console.print(f"{_words(head)} {_text(row, head)}", style="bold", markup=False, highlight=False)
    told = (f"{_words(column)} {_text(row, column)}" for column in rest if _text(row, column))
    lines = textwrap.wrap(
        ", ".join(pair.replace(" ", _KEEP) for pair in told),
        max(20, console.width - 2),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for line in lines:
        console.print("  " + line.replace(_KEEP, " "), markup=False, soft_wrap=True)


def _words(column: str) -> str:
    return column.replace("_", " ")


def _text(row: Mapping[str, Any], column: str) -> str:
    return "" if row.get(column) is None else str(row[column])


def show_one(value: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing: its members line by line, or one JSON object."""
    if as_json:
        print(json.dumps(value, indent=2, default=str))
        return
    table = Table(show_header=False, box=None)
    for name, member in value.items():
        table.add_row(f"[bold]{name.replace('_', ' ')}[/]", "" if member is None else str(member))
    console.print(table)
