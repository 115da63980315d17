"""``sealwright audit``: whether a service's audit log is what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.audit import AuditHead

from sealwright_client import audit_heads
from sealwright_client.audit_heads import Published
from sealwright_client.client import Sealwright
from sealwright_client.connection import Profile, Service, find_profile
from sealwright_client.operator import open_database
from sealwright_client.terminal import JsonFlag, errors, run, show

app = typer.Typer(no_args_is_help=True, help="The hash-chained audit log of each service.")

DsnOption = Annotated[str | None, typer.Option("--dsn", help="PostgreSQL DSN; by default the running mesh's.")]


ServiceArgument = Annotated[Service | None, typer.Argument(help="One service; all of the running mesh without it.")]
HeadsOption = Annotated[
    Path | None,
    typer.Option(
        "--heads",
        help="Heads kept from an earlier `audit head --json` or `audit heads --json`; by default the rotator's.",
        exists=True,
        dir_okay=False,
    ),
]


@app.command()
def verify(
    service: ServiceArgument = None, heads: HeadsOption = None, dsn: DsnOption = None, as_json: JsonFlag = False
) -> None:
    """Recompute the chain and name the first row that was changed, removed or added; exit code 1 if there is one.

    A chain that was cut off or written anew as a whole shows only against heads that were kept elsewhere: those that
    the rotator signed, or what you kept in a file.
    """
    kept = None if heads is None else _kept(heads)

    async def verdicts() -> list[dict[str, Any]]:
        profile = find_profile()
        published = await _published(profile) if kept is None else kept
        rows: list[dict[str, Any]] = []
        for name in _names(profile, service):
            of_service = published.get(name, Published())
            async with open_database(profile, name, dsn) as database:
                verdict = await database.verify_audit(tuple(of_service.heads.values()))
            rows.append(
                {
                    "service": name,
                    "rows": verdict.rows,
                    "heads": len(of_service.heads),
                    "first_bad": verdict.first_bad,
                    "verdict": verdict.problem or of_service.problem or "whole",
                }
            )
        return rows

    rows = run(verdicts(), as_json=as_json)
    show(rows, ["service", "rows", "heads", "first_bad", "verdict"], as_json=as_json, title="audit logs")
    if any(row["verdict"] != "whole" for row in rows):
        raise SystemExit(1)


@app.command("heads")
def list_heads(
    service: Annotated[Service | None, typer.Argument(help="Only of one service.")] = None, as_json: JsonFlag = False
) -> None:
    """The heads that the services told, signed by the rotator; the JSON is what `audit verify --heads` takes."""

    async def read() -> list[dict[str, Any]]:
        async with Sealwright.open() as mesh:
            heads = await audit_heads.list_heads(mesh, service.value if service else "")
        return [
            {
                "service": head.service,
                "seq": head.seq,
                "time": head.time.ToJsonString(),
                "hash": head.hash.hex(),
                "jws": head.jws,
            }
            for head in heads
        ]

    rows = run(read(), as_json=as_json)
    show(rows, ["service", "seq", "time", "hash"], as_json=as_json, title="published heads of the audit logs")


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


async def _published(profile: Profile) -> dict[str, Published]:
    """The heads that the rotator signed. Without a rotator the chains are checked all the same, and that is said."""
    try:
        async with Sealwright.open(profile) as mesh:
            return await audit_heads.fetch(mesh)
    except Unavailable as away:
        message = f"checked without published heads ({away.message}); pass those you kept with --heads"
        errors.print(f"[yellow]note[/]: {message}")
        return {}


def _kept(file: Path) -> dict[str, Published]:
    """The heads in ``file`` by service; BadParameter if it holds anything else."""
    heads: dict[str, Published] = {}
    try:
        for one in json.loads(file.read_bytes()):
            head = AuditHead(int(one["seq"]), bytes.fromhex(one["hash"]))
            heads.setdefault(one["service"], Published()).add(head)
    except (ValueError, KeyError, TypeError):
        raise typer.BadParameter(
            f"{file} is not what `sealwright audit heads --json` prints", param_hint="--heads"
        ) from None
    return heads
