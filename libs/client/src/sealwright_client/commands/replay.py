"""``sealwright replay``: events published again from a service's outbox, after the broker lost its stream."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sealwright_common.runtime.events.replay import replay as replay_outbox

from sealwright_client.commands.audit import DsnOption
from sealwright_client.connection import Service, find_profile
from sealwright_client.operator import open_broker, open_database
from sealwright_client.terminal import JsonFlag, run, show_one

app = typer.Typer()


@app.command()
def replay(
    service: Annotated[Service, typer.Argument(help="Whose outbox.")],
    since: Annotated[datetime, typer.Option(help="Moment in UTC, e.g. 2026-06-21T12:00:00.")],
    event_type: Annotated[list[str] | None, typer.Option("--type", help="Full event name; may be repeated.")] = None,
    dsn: DsnOption = None,
    nats: Annotated[str | None, typer.Option("--nats", help="Broker URL; by default the running mesh's.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Publish a service's events again; consumers skip what they have done, so too much is harmless."""

    async def work() -> dict[str, Any]:
        profile = find_profile()
        async with open_database(profile, service.value, dsn) as database, open_broker(profile, nats) as broker:
            done = await replay_outbox(database, broker, service.value, since.replace(tzinfo=UTC), event_type)
        return {"service": service.value, **asdict(done)}

    show_one(run(work(), as_json=as_json), as_json=as_json)
