"""``sealwright audit``: whether a service's audit log is what was written."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sealwright_client.connection import Service, find_profile
from sealwright_client.operator import open_database
from sealwright_client.terminal import JsonFlag, run, show, show_one

app = typer.Typer(no_args_is_help=True, help="The hash-chained audit log of each service.")

DsnOption = Annotated[str | None, typer.Option("--dsn", help="PostgreSQL DSN; by default the running mesh's.")]


@app.command()
def verify(
    service: Annotated[Service | None, typer.Argument(help="One service; all of the running mesh without it.")] = None,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Recompute the chain and name the first row that was changed, removed or added; exit code 1 if there is one."""

    async def verdicts() -> list[dict[str, Any]]:
        profile = find_profile()
        rows: list[dict[str, Any]] = []
        for name in [service.value] if service else list(profile.databases):
            async with open_database(profile, name, dsn) as database:
                verdict = await database.verify_audit()
            problem = verdict.problem or "whole"
            rows.append({"service": name, "rows": verdict.rows, "first_bad": verdict.first_bad, "verdict": problem})
        return rows

    rows = run(verdicts(), as_json=as_json)
    show(rows, ["service", "rows", "first_bad", "verdict"], as_json=as_json, title="audit logs")
    if any(row["first_bad"] is not None for row in rows):
        raise SystemExit(1)


@app.command()
def head(
    service: Annotated[Service, typer.Argument(help="Whose log.")], dsn: DsnOption = None, as_json: JsonFlag = False
) -> None:
    """The newest row's number and hash: keep it elsewhere, and a later verify shows what was cut off since."""

    async def read() -> dict[str, Any]:
        async with open_database(find_profile(), service.value, dsn) as database:
            newest = await database.audit_head()
        return {"service": service.value, "seq": newest.seq, "hash": newest.hash.hex()}

    show_one(run(read(), as_json=as_json), as_json=as_json)
