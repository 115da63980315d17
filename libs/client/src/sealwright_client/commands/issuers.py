"""``sealwright issuers``: time-aware issuers, their keys and the timeline of their windows."""

from __future__ import annotations

import math
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.common.v1 import interval_pb2, keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.tenants import DEFAULT_TENANT

from sealwright_client import timeline as drawing
from sealwright_client.client import Sealwright
from sealwright_client.terminal import JsonFlag, TenantOption, console, run, show, show_one

app = typer.Typer(no_args_is_help=True, help="Time-aware issuers: which key is valid when.")
NameArgument = Annotated[str, typer.Argument(help="Name of the issuer.")]
CohortOption = Annotated[int, typer.Option(min=1, max=32767, help="Cohort of the issuer.")]
_KEY_COLUMNS = ["slot", "cohort", "state", "start", "end", "algorithm", "protection", "key_id"]


def _name(enum: Any, number: int, prefix: str) -> str:
    return enum.Name(number).removeprefix(prefix)


def _time(stamp: Timestamp) -> str:
    return stamp.ToDatetime(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))
    return stamp


def issuer_row(issuer: resources_pb2.Issuer) -> dict[str, Any]:
    """An issuer for people and programs."""
    schedule = issuer.schedule
    mode = _name(resources_pb2.ScheduleMode, schedule.mode, "SCHEDULE_MODE_")
    return {
        "name": issuer.issuer_type,
        "state": _name(resources_pb2.IssuerState, issuer.state, "ISSUER_STATE_"),
        "purpose": _name(keys_pb2.KeyPurpose, issuer.purpose, "KEY_PURPOSE_"),
        "algorithm": _name(keys_pb2.KeyAlgorithm, issuer.algorithm, "KEY_ALGORITHM_"),
        "protection": _name(keys_pb2.Protection, issuer.protection, "PROTECTION_"),
        "schedule": f"{schedule.duration} {schedule.buffer}+{schedule.overlap} {mode}",
        "mode": mode,
        "valid_from": _time(schedule.valid_from_time),
        "duration": schedule.duration,
        "buffer": schedule.buffer,
        "overlap": schedule.overlap,
        "expires": _time(schedule.expire_time) if schedule.HasField("expire_time") else None,
        "cohorts": ", ".join(map(str, issuer.cohorts)),
        "max_tokens": issuer.max_tokens,
        "version": issuer.version,
        "id": issuer.id,
    }


def key_row(key: resources_pb2.IssuerKey) -> dict[str, Any]:
    """A key for people and programs."""
    return {
        "issuer": key.issuer_type,
        "cohort": key.cohort,
        "slot": key.slot,
        "state": _name(keys_pb2.KeyState, key.state, "KEY_STATE_"),
        "start": _time(key.window.start_time),
        "end": _time(key.window.end_time),
        "algorithm": _name(keys_pb2.KeyAlgorithm, key.algorithm, "KEY_ALGORITHM_"),
        "protection": _name(keys_pb2.Protection, key.protection, "PROTECTION_"),
        "key_id": key.key_id or None,
    }


async def _every_key(mesh: Sealwright, name: str) -> list[resources_pb2.IssuerKey]:
    await mesh.rotator.GetIssuer(pb.GetIssuerRequest(issuer_type=name))
    keys: list[resources_pb2.IssuerKey] = []
    request = pb.ListKeysRequest(issuer_type=name, page_size=1000)
    while True:
        page = await mesh.rotator.ListKeys(request)
        keys += page.keys
        if not page.next_page_token:
            return keys
        request.page_token = page.next_page_token


@app.command("list")
def list_issuers(tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Every issuer of the tenant."""

    async def read() -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        request = pb.ListIssuersRequest(page_size=1000)
        async with Sealwright.open(tenant=tenant) as mesh:
            while True:
                page = await mesh.rotator.ListIssuers(request)
                rows += [issuer_row(issuer) for issuer in page.issuers]
                if not page.next_page_token:
                    return rows
                request.page_token = page.next_page_token

    show(run(read(), as_json=as_json), ["name", "state", "algorithm", "schedule"], as_json=as_json)


@app.command()
def get(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """One issuer."""

    async def read() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return issuer_row((await mesh.rotator.GetIssuer(pb.GetIssuerRequest(issuer_type=name))).issuer)

    show_one(run(read(), as_json=as_json), as_json=as_json)


@app.command()
def create(
    name: NameArgument,
    duration: Annotated[str, typer.Option(help='Spacing of the keys, ISO 8601, e.g. "P1D".')],
    buffer: Annotated[int, typer.Option(help="Durations' worth of keys kept ready.")] = 1,
    overlap: Annotated[int, typer.Option(help="Further durations; see the mode.")] = 0,
    mode: Annotated[str, typer.Option(help="WINDOW or SPARE.")] = "WINDOW",
    valid_from: Annotated[datetime | None, typer.Option(help="Start of the first key, UTC; default now.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="End of the issuer, UTC; default never.")] = None,
    purpose: Annotated[str, typer.Option(help="ASSERTION, TRANSACTION, TOKEN or BLIND_SIGNATURE.")] = "BLIND_SIGNATURE",
    algorithm: Annotated[str | None, typer.Option(help="EDDSA, ES256, RSABSSA_DETERMINISTIC, ...")] = None,
    cohort: Annotated[list[int] | None, typer.Option(help="Cohort; may be given several times.")] = None,
    max_tokens: Annotated[int, typer.Option(help="Most blinded tokens for each key in one request.")] = 40,
    protection: Annotated[str | None, typer.Option(help="HSM or WRAPPED; default by the algorithm.")] = None,
    publish_lead: Annotated[
        str | None, typer.Option(help="How long before its window a key is public, ISO 8601 without months.")
    ] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Create an issuer and its first keys."""
    lead = None if publish_lead is None else _lead(publish_lead)
    schedule = resources_pb2.Schedule(
        duration=duration,
        buffer=buffer,
        overlap=overlap,
        mode=_choice(resources_pb2.ScheduleMode, mode, "SCHEDULE_MODE_"),
        valid_from_time=None if valid_from is None else _stamp(valid_from),
        expire_time=None if expires is None else _stamp(expires),
        publish_lead_duration=lead,
    )
    request = pb.CreateIssuerRequest(
        request_id=str(uuid.uuid4()),
        issuer_type=name,
        schedule=schedule,
        cohorts=cohort or [],
        max_tokens=max_tokens,
        purpose=_choice(keys_pb2.KeyPurpose, purpose, "KEY_PURPOSE_"),
        algorithm=_choice(keys_pb2.KeyAlgorithm, algorithm, "KEY_ALGORITHM_") if algorithm else None,
        protection=_choice(keys_pb2.Protection, protection, "PROTECTION_") if protection else None,
    )

    async def work() -> list[dict[str, Any]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return [key_row(key) for key in (await mesh.rotator.CreateIssuer(request, timeout=300)).keys]

    show(run(work(), as_json=as_json), _KEY_COLUMNS, as_json=as_json, title=f"issuer {name}")


def _lead(text: str) -> Duration:
    try:
        lead = CalendarDuration.parse(text)
    except InvalidArgument as problem:
        raise typer.BadParameter(problem.message) from None
    if lead.months:
        raise typer.BadParameter(f"{text}: a lead has no months or years, whose length differs")
    message = Duration()
    message.FromTimedelta(lead.least)
    return message


def _choice(enum: Any, text: str, prefix: str) -> Any:
    name = prefix + text.upper().replace("-", "_")
    names: list[str] = list(enum.keys())
    if name not in names:
        known = ", ".join(value.removeprefix(prefix) for value in names if not value.endswith("UNSPECIFIED"))
        raise typer.BadParameter(f"{text}: choose one of {known}")
    return enum.Value(name)


def _change(name: str, tenant: str, as_json: bool, call: Callable[[Sealwright, str], Awaitable[Any]]) -> None:
    async def work() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return issuer_row((await call(mesh, str(uuid.uuid4()))).issuer)

    show_one(run(work(), as_json=as_json), as_json=as_json)


@app.command()
def pause(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Make no more keys; those there are go on."""
    _change(
        name,
        tenant,
        as_json,
        lambda mesh, id: mesh.rotator.PauseIssuer(pb.PauseIssuerRequest(issuer_type=name, request_id=id)),
    )


@app.command()
def resume(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Make keys again, what was missed at once."""
    _change(
        name,
        tenant,
        as_json,
        lambda mesh, id: mesh.rotator.ResumeIssuer(pb.ResumeIssuerRequest(issuer_type=name, request_id=id)),
    )


@app.command()
def retire(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """End signing for good; what was signed verifies until the windows end."""
    _change(
        name,
        tenant,
        as_json,
        lambda mesh, id: mesh.rotator.RetireIssuer(pb.RetireIssuerRequest(issuer_type=name, request_id=id)),
    )


@app.command()
def expire(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """End the issuer now, its windows with it."""
    _change(
        name,
        tenant,
        as_json,
        lambda mesh, id: mesh.rotator.ExpireIssuer(pb.ExpireIssuerRequest(issuer_type=name, request_id=id)),
    )


@app.command()
def rotate(
    name: NameArgument,
    slot: Annotated[int, typer.Argument(min=1, help="The slot that is to become active: the next one.")],
    cohort: CohortOption = 1,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Make the next slot active now."""

    async def work() -> dict[str, Any]:
        request = pb.RotateNowRequest(issuer_type=name, cohort=cohort, slot=slot, request_id=str(uuid.uuid4()))
        async with Sealwright.open(tenant=tenant) as mesh:
            answer = await mesh.rotator.RotateNow(request)
            return {"rotated": answer.rotated} | key_row(answer.key)

    show_one(run(work(), as_json=as_json), as_json=as_json)


@app.command()
def compromise(
    name: NameArgument,
    slot: Annotated[int, typer.Argument(min=0, help="The slot whose key is to be trusted no more.")],
    comment: Annotated[str, typer.Option(help="Why; kept in the audit log.")] = "",
    cohort: CohortOption = 1,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Take a key out of use at once; the next slot takes over."""

    async def work() -> list[dict[str, Any]]:
        request = pb.MarkCompromisedRequest(
            issuer_type=name, cohort=cohort, slot=slot, comment=comment, request_id=str(uuid.uuid4())
        )
        async with Sealwright.open(tenant=tenant) as mesh:
            answer = await mesh.rotator.MarkCompromised(request)
        return [key_row(answer.key), *([key_row(answer.successor)] if answer.HasField("successor") else [])]

    show(run(work(), as_json=as_json), _KEY_COLUMNS, as_json=as_json)


@app.command()
def keys(name: NameArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Every key of an issuer."""

    async def read() -> list[dict[str, Any]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return [key_row(key) for key in await _every_key(mesh, name)]

    show(run(read(), as_json=as_json), _KEY_COLUMNS, as_json=as_json)


@app.command()
def preview(
    duration: Annotated[str, typer.Option(help='Spacing of the keys, ISO 8601, e.g. "P1M".')],
    buffer: Annotated[int, typer.Option(help="Durations' worth of keys kept ready.")] = 1,
    overlap: Annotated[int, typer.Option(help="Further durations; see the mode.")] = 0,
    mode: Annotated[str, typer.Option(help="WINDOW or SPARE.")] = "WINDOW",
    valid_from: Annotated[datetime | None, typer.Option(help="Start of the first key, UTC; default now.")] = None,
    slots: Annotated[int, typer.Option(min=1, max=1000, help="How many slots.")] = 10,
    as_json: JsonFlag = False,
) -> None:
    """The windows of a schedule, without making a key."""
    start = (valid_from or datetime.now(UTC)).replace(tzinfo=UTC)
    schedule = resources_pb2.Schedule(
        duration=duration,
        buffer=buffer,
        overlap=overlap,
        mode=_choice(resources_pb2.ScheduleMode, mode, "SCHEDULE_MODE_"),
        valid_from_time=_stamp(start),
    )

    async def read() -> list[dict[str, Any]]:
        end = CalendarDuration.parse(duration).plus(start, slots)
        span = interval_pb2.Interval(start_time=_stamp(start), end_time=_stamp(end))
        async with Sealwright.open() as mesh:
            answer = await mesh.rotator.PreviewSchedule(
                pb.PreviewScheduleRequest(schedule=schedule, span=span, page_size=slots)
            )
        return [
            {
                "slot": slot.slot,
                "start": _time(slot.window.start_time),
                "end": _time(slot.window.end_time),
                "made_by": _time(slot.due_time),
            }
            for slot in answer.slots
        ]

    show(run(read(), as_json=as_json), ["slot", "start", "end", "made_by"], as_json=as_json)


@app.command()
def watch(
    from_position: Annotated[int | None, typer.Option(min=0, help="First position; default: only what is new.")] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Changes of keys as they happen, until Ctrl-C."""

    async def follow() -> None:
        async with Sealwright.open(tenant=tenant) as mesh:
            position = from_position
            if position is None:
                position = (await mesh.rotator.ListKeys(pb.ListKeysRequest(page_size=1))).position
            stream = mesh.rotator.WatchKeys(pb.WatchKeysRequest(from_position=position), timeout=math.inf)
            async for stretch in stream:
                for change in stretch.changes:
                    kind = _name(resources_pb2.KeyLogEntryType, change.type, "KEY_LOG_ENTRY_TYPE_")
                    row = key_row(change.key) if change.HasField("key") else issuer_row(change.issuer)
                    if as_json:
                        console.print_json(data={"position": change.position, "type": kind} | row, indent=None)
                    else:
                        who = row.get("issuer") or row["name"]
                        slot = f" cohort {row['cohort']} slot {row['slot']}" if "slot" in row else ""
                        console.print(f"{change.position:>8}  {kind:<26} {who}{slot}", markup=False)

    run(follow(), as_json=as_json)


@app.command()
def timeline(
    name: NameArgument,
    svg: Annotated[Path | None, typer.Option(help="Write a picture to this file instead.")] = None,
    cohort: CohortOption = 1,
    past: Annotated[int, typer.Option(min=0, help="Durations back from now; older keys are left out.")] = 3,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Draw the windows of an issuer's keys."""

    async def read() -> tuple[resources_pb2.Issuer, list[resources_pb2.IssuerKey]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            issuer = (await mesh.rotator.GetIssuer(pb.GetIssuerRequest(issuer_type=name))).issuer
            return issuer, await _every_key(mesh, name)

    issuer, found = run(read(), as_json=as_json)
    now = datetime.now(UTC)
    oldest = now - (past * CalendarDuration.parse(issuer.schedule.duration).most or timedelta(0))
    shown = [key for key in found if key.cohort == cohort and key.window.end_time.ToDatetime(UTC) >= oldest]
    if as_json:
        show([key_row(key) for key in shown], _KEY_COLUMNS, as_json=True)
        return
    bars = [
        drawing.Bar(
            f"slot {key.slot}",
            _name(keys_pb2.KeyState, key.state, "KEY_STATE_"),
            key.window.start_time.ToDatetime(UTC),
            key.window.end_time.ToDatetime(UTC),
        )
        for key in shown
    ]
    schedule = issuer.schedule
    mode = _name(resources_pb2.ScheduleMode, schedule.mode, "SCHEDULE_MODE_")
    title = f"{name}: {schedule.duration}, buffer {schedule.buffer}, overlap {schedule.overlap}, {mode}"
    span = drawing.Span.around(bars, now)
    if svg is not None:
        svg.write_text(drawing.svg(title, bars, span, now))
        console.print(f"wrote {svg}", markup=False)
        return
    console.print(title, style="bold", markup=False)
    for line in drawing.lines(bars, span, now, console.width):
        console.print(line, no_wrap=True, overflow="crop")
    console.print(drawing.legend())
