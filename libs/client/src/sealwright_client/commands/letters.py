"""``sealwright letters``: events that could not be handled, and another try for them."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer
from sealwright_common.runtime.events import dead_letters

from sealwright_client.commands.audit import DsnOption
from sealwright_client.connection import Service, find_profile
from sealwright_client.operator import open_database
from sealwright_client.terminal import JsonFlag, run, show, show_one

app = typer.Typer(no_args_is_help=True, help="Dead letters: events put aside with their bytes and the reason.")
ServiceArgument = Annotated[Service, typer.Argument(help="Whose dead letters.")]


@app.command("list")
def list_letters(
    service: ServiceArgument,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, newest first.")] = 100,
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """The newest dead letters."""

    async def read() -> list[dict[str, Any]]:
        async with open_database(find_profile(), service.value, dsn) as database:
            letters = await dead_letters.listed(database, limit=limit)
        return [
            {
                "id": letter.id,
                "consumer": letter.consumer,
                "type": letter.event.type,
                "aggregate": letter.event.aggregate_id,
                "reason": letter.reason,
                "detail": letter.detail,
                "died_at": letter.died_at,
            }
            for letter in letters
        ]

    rows = run(read(), as_json=as_json)
    show(rows, ["id", "consumer", "type", "aggregate", "reason", "detail", "died_at"], as_json=as_json)


@app.command()
def requeue(
    service: ServiceArgument,
    ids: Annotated[list[UUID], typer.Argument(help="Ids of dead letters.")],
    dsn: DsnOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Have the consumers try these again."""

    async def work() -> dict[str, Any]:
        async with open_database(find_profile(), service.value, dsn) as database:
            return {"requeued": await dead_letters.requeue(database, ids)}

    show_one(run(work(), as_json=as_json), as_json=as_json)
