"""Calendar durations are PostgreSQL's own interval arithmetic, to the microsecond."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import asyncpg
from sealwright_common.domain.durations import CalendarDuration

_SAY = """
select to_char((anchor + k * text::interval) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US') as said
from unnest($1::timestamptz[], $2::text[], $3::integer[]) with ordinality as t (anchor, text, k, n) order by n
"""
CASES = 20_000
EDGES = [(1, 31), (2, 28), (2, 29), (3, 31), (4, 30), (12, 31), (8, 31), (10, 31)]


def _anchor(rng: random.Random) -> datetime:
    year = rng.randint(1970, 2400)
    if rng.random() < 0.5:
        month, day = rng.choice(EDGES)
        if (month, day) == (2, 29):
            year -= year % 4
            if year % 100 == 0 and year % 400:
                year += 4
        start = datetime(year, month, day, tzinfo=UTC)
    else:
        start = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=rng.randrange(365))
    return start + timedelta(microseconds=rng.randrange(86_400_000_000))


def _duration(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        return f"P{rng.randint(1, 36)}M"
    if kind < 0.5:
        return f"P{rng.randint(1, 9)}Y"
    if kind < 0.6:
        return f"P{rng.randint(1, 60)}W"
    if kind < 0.8:
        date = f"P{rng.randint(1, 11)}M{rng.randint(1, 40)}D"
        return f"{date}T{rng.randint(1, 30)}H{rng.randint(1, 90)}M{rng.randint(1, 90)}S"
    return rng.choice([f"P{rng.randint(1, 400)}D", f"PT{rng.randint(1, 800)}H", f"PT{rng.randint(1, 9000)}M"])


async def test_equal_to_postgresql(database_dsn: str) -> None:
    rng = random.Random(20260101)
    cases = [(_anchor(rng), _duration(rng), rng.choice([0, 1, 2, 3, rng.randint(0, 600)])) for _ in range(CASES)]
    connection = await asyncpg.connect(database_dsn, server_settings={"timezone": "UTC"})
    try:
        rows = await connection.fetch(_SAY, *(list(column) for column in zip(*cases, strict=True)))
    finally:
        await connection.close()
    for (anchor, text, k), row in zip(cases, rows, strict=True):
        ours = CalendarDuration.parse(text).plus(anchor, k)
        assert ours.isoformat(timespec="microseconds") == row["said"] + "+00:00", (anchor, text, k)


async def test_what_we_write_postgresql_reads_alike(database_dsn: str) -> None:
    rng = random.Random(7)
    texts = [_duration(rng) for _ in range(2000)]
    connection = await asyncpg.connect(database_dsn)
    try:
        different = await connection.fetch(
            "select a, b from unnest($1::text[], $2::text[]) as t (a, b) where a::interval <> b::interval",
            texts,
            [str(CalendarDuration.parse(text)) for text in texts],
        )
    finally:
        await connection.close()
    assert not different
