"""Imports through the gRPC door and the command: progress, refusals, resuming, never doubling."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.errors import AlreadyExists, InvalidArgument

from tests.support.stamp import AREA, REGISTRY, Stage, StampClient, sql, stamp_command

DAY = Path(__file__).parents[3] / "examples" / "readings-2025-06-21.csv"


@pytest_asyncio.fixture
async def recipient(stage: Stage, client: StampClient) -> str:
    return await client.recipient(stage.wallet.create_endpoint())


def plan(recipient: str, name: str, layout: pb.MeasurementFormat = pb.MEASUREMENT_FORMAT_CSV) -> pb.ImportPlan:
    return pb.ImportPlan(
        import_id=name,
        format=layout,
        recipient_id=recipient,
        registry=REGISTRY,
        grid_area=AREA,
    )


async def send(
    client: StampClient, plan: pb.ImportPlan, chunks: Sequence[bytes]
) -> list[pb.ImportMeasurementsResponse]:
    async def messages() -> AsyncIterator[pb.ImportMeasurementsRequest]:
        yield pb.ImportMeasurementsRequest(plan=plan)
        for chunk in chunks:
            yield pb.ImportMeasurementsRequest(chunk=chunk)

    return [answer async for answer in client.stub.ImportMeasurements(messages(), timeout=math.inf)]


def readings(meter: str, count: int, first: int = 0) -> bytes:
    rows = ["meter_id,type,start,end,quantity_wh"]
    for number in range(first, first + count):
        day, hour = divmod(number, 24)
        end_day, end_hour = divmod(number + 1, 24)
        start = f"2025-{1 + day // 28:02}-{1 + day % 28:02}T{hour:02}:00:00Z"
        end = f"2025-{1 + end_day // 28:02}-{1 + end_day % 28:02}T{end_hour:02}:00:00Z"
        if (1 + day % 28) == 28 and hour == 23:
            continue
        rows.append(f"{meter},production,{start},{end},{number % 7 * 100}")
    return ("\n".join(rows) + "\n").encode()


async def test_a_day_by_the_command(client: StampClient, recipient: str, tmp_path: Path) -> None:
    async def command(*words: str) -> object:
        return await stamp_command(client, tmp_path, *words)

    first = await command("import", str(DAY), "--recipient", recipient)
    assert isinstance(first, dict)
    assert {name: first[name] for name in ("rows", "accepted", "repeated", "zero", "refused")} == {
        "rows": 24,
        "accepted": 15,
        "repeated": 0,
        "zero": 9,
        "refused": 0,
    }
    again = await command("import", str(DAY), "--recipient", recipient)
    assert again == first
    listed = await client.stub.ListCertificates(pb.ListCertificatesRequest(recipient_id=recipient))
    names = [one.certificate_id for one in listed.certificates]
    assert len(names) == 15
    await client.delivered(*names)
    shown = await command("status", names[0])
    assert isinstance(shown, dict)
    assert (shown["state"], shown["delivery"], len(shown["history"])) == ("issued", "delivered", 5)
    withdrawn = await command("withdraw", names[0])
    assert isinstance(withdrawn, dict)
    assert withdrawn["state"] == "withdrawn"
    counts = await command("status")
    assert isinstance(counts, list)
    assert {row["state"]: row["certificates"] for row in counts}["withdrawn"] == 1
    assert await command("stuck") == []


async def test_an_interrupted_import_goes_on_where_it_was(client: StampClient, recipient: str) -> None:
    data = readings("meter-resumed", 1400)
    wanted = plan(recipient, "resumed")
    started = asyncio.Event()

    async def endless() -> AsyncIterator[pb.ImportMeasurementsRequest]:
        yield pb.ImportMeasurementsRequest(plan=wanted)
        yield pb.ImportMeasurementsRequest(chunk=data[:60_000])
        await asyncio.Event().wait()

    async def cut_off() -> None:
        async for answer in client.stub.ImportMeasurements(endless(), timeout=math.inf):
            if answer.row_count >= 500:
                started.set()

    task = asyncio.create_task(cut_off())
    await asyncio.wait_for(started.wait(), 60)
    task.cancel()
    await asyncio.wait({task})
    (begin,) = [answer for answer in await send(client, wanted, []) if not answer.done][:1]
    assert 0 < begin.resume_offset < len(data)
    answers = await send(client, wanted, [data[begin.resume_offset :]])
    last = answers[-1]
    rows = data.count(b"\n") - 1
    assert (last.done, last.row_count, last.repeated_count, last.refused_count) == (True, rows, 0, 0)
    assert last.accepted_count + last.zero_count == rows
    # The same file under another name: every row is known.
    other = await send(client, plan(recipient, "resumed-other"), [data])
    assert (other[-1].accepted_count, other[-1].repeated_count) == (0, last.accepted_count)
    (row,) = await sql(client.stamp.dsn, "select count(*) from certificate where metering_point_id = 'meter-resumed'")
    assert row["count"] == last.accepted_count


async def test_bad_rows_are_told_with_their_lines(client: StampClient, recipient: str) -> None:
    def line(hour: int, **other: object) -> dict[str, object]:
        start, end = f"2025-06-01T0{hour}:00:00Z", f"2025-06-01T0{hour + 1}:00:00Z"
        return {"meter_id": "m", "type": "production", "start": start, "end": end, "quantity_wh": 5} | other

    lines = [
        line(0),
        line(1, type="wind"),
        line(2, start="2025-06-01T02:00:00"),
        line(3, end="2025-06-01T05:00:00Z"),
        line(5, quantity_wh=-5),
        {"meter_id": "m"},
    ]
    data = "\n".join(map(json.dumps, lines)).encode()
    last = (await send(client, plan(recipient, "bad-rows", pb.MEASUREMENT_FORMAT_JSON_LINES), [data]))[-1]
    assert (last.row_count, last.accepted_count, last.refused_count) == (6, 1, 5)
    told = {row.line: row.refusal.field for row in last.refused_rows}
    assert told == {2: "type", 3: "start", 4: "end_time", 5: "quantity_wh", 6: "line"}


async def test_what_is_no_import_is_refused(client: StampClient, recipient: str) -> None:
    wanted = plan(recipient, "refused")
    with pytest.raises(InvalidArgument):
        await send(client, wanted, [b"a,b\n"])
    with pytest.raises(InvalidArgument):
        await send(client, wanted, [b"x" * 70_000])
    wanted.grid_area = "DK2"
    with pytest.raises(AlreadyExists):
        await send(client, wanted, [])
