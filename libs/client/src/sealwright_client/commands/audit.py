"""``sealwright audit``: whether a service's audit log is what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.audit import AuditHead

from sealwright_client.connection import Profile, Service, find_profile
from sealwright_client.operator import open_database
from sealwright_client.terminal import JsonFlag, run, show

app = typer.Typer(no_args_is_help=True, help="The hash-chained audit log of each service.")

DsnOption = Annotated[str | None, typer.Option("--dsn", help="PostgreSQL DSN; by default the running mesh's.")]


ServiceArgument = Annotated[Service | None, typer.Argument(help="One service; all of the running mesh without it.")]
HeadsOption = Annotated[
    Path | None,
    typer.Option("--heads", help="Heads kept from an earlier `audit head --json`.", exists=True, dir_okay=False),
]


@app.command()
def verify(
    service: ServiceArgument = None, heads: HeadsOption = None, dsn: DsnOption = None, as_json: JsonFlag = False
) -> None:
    """Recompute the chain and name the first row that was changed, removed or added; exit code 1 if there is one.

    A chain that was cut off or written anew as a whole shows only against heads that were kept elsewhere.
    """
    kept = _kept(heads) if heads is not None else {}

    async def verdicts() -> list[dict[str, Any]]:
        profile = find_profile()
        rows: list[dict[str, Any]] = []
        for name in _names(profile, service):
            async with open_database(profile, name, dsn) as database:
                verdict = await database.verify_audit(tuple(kept.get(name, ())))
            problem = verdict.problem or "whole"
            rows.append({"service": name, "rows": verdict.rows, "first_bad": verdict.first_bad, "verdict": problem})
        return rows

    rows = run(verdicts(), as_json=as_json)
    show(rows, ["service", "rows", "first_bad", "verdict"], as_json=as_json, title="audit logs")
    if any(row["first_bad"] is not None for row in rows):
        raise SystemExit(1)


@app.command()
def head(service: ServiceArgument = None, dsn: DsnOption = None, as_json: JsonFlag = False) -> None:
    """The newest row's number and hash: keep them elsewhere for `audit verify --heads`, which shows cuts."""

    async def read() -> list[dict[str, Any]]:
        profile = find_profile()
        rows: list[dict[str, Any]] = []
        for name in _names(profile, service):
            async with open_database(profile, name, dsn) as database:
                newest = await database.audit_head()
            rows.append({"service": name, "seq": newest.seq, "hash": newest.hash.hex()})
        return rows

    show(run(read(), as_json=as_json), ["service", "seq", "hash"], as_json=as_json, title="heads of the audit logs")


def _names(profile: Profile, service: Service | None) -> list[str]:
    if service is None and not profile.databases:
        message = "no database is known: start ./mesh up, or name a service and pass --dsn"
        raise Unavailable(Reason.DATABASE_UNAVAILABLE, message)
    return [service.value] if service else list(profile.databases)


def _kept(file: Path) -> dict[str, list[AuditHead]]:
    """The heads in ``file`` by service; BadParameter if it holds anything else."""
    heads: dict[str, list[AuditHead]] = {}
    try:
        for one in json.loads(file.read_bytes()):
            heads.setdefault(one["service"], []).append(AuditHead(int(one["seq"]), bytes.fromhex(one["hash"])))
    except (ValueError, KeyError, TypeError):
        raise typer.BadParameter(
            f"{file} is not what `sealwright audit head --json` prints", param_hint="--heads"
        ) from None
    return heads
