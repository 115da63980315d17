"""Calendar durations: what is accepted, how it is written, and counting from the anchor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import InvalidArgument, OutOfRange, Reason

durations = st.builds(
    CalendarDuration, months=st.integers(0, 40), days=st.integers(0, 60), seconds=st.integers(60, 200_000)
)
anchors = st.datetimes(datetime(1971, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "months", "days", "seconds"),
    [
        ("PT1M", 0, 0, 60),
        ("PT60S", 0, 0, 60),
        ("PT90S", 0, 0, 90),
        ("PT1H30M", 0, 0, 5400),
        ("P1D", 0, 1, 0),
        ("P2W", 0, 14, 0),
        ("P1M", 1, 0, 0),
        ("P1Y2M3W4DT5H6M7S", 14, 25, 18367),
        ("P10Y", 120, 0, 0),
    ],
)
def test_parses_iso_8601(text: str, months: int, days: int, seconds: int) -> None:
    assert CalendarDuration.parse(text) == CalendarDuration(months, days, seconds)


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "1D", "p1d", "-P1D", "P-1D", "+P1D", "P0D", "PT0S", "P0Y1D", "PT59S", "P1.5D", "PT0.5H",
     "P1,5D", "P11Y", "P1D ", " P1D", "P1D\n", "P1H", "PT1D", "P1D1M", "P1DT1H1H", "P１D", "P" + "9" * 70 + "D",
     "P" + "9" * 40 + "Y", "P0000-00-01", "P3651W"],
)  # fmt: skip
def test_refuses_everything_else_naming_the_field(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        CalendarDuration.parse(text, "schedule.duration")
    assert refused.value.reason is Reason.SCHEDULE_INVALID
    assert [field.path for field in refused.value.fields] == ["schedule.duration"]


@given(durations)
def test_writes_what_it_reads(duration: CalendarDuration) -> None:
    assert CalendarDuration.parse(str(duration)) == duration


def test_months_are_clamped_from_the_anchor_and_never_drift() -> None:
    month, anchor = CalendarDuration(months=1), datetime(2024, 1, 31, 12, tzinfo=UTC)
    days = [month.plus(anchor, k).strftime("%m-%d") for k in range(5)]
    assert days == ["01-31", "02-29", "03-31", "04-30", "05-31"]
    year = CalendarDuration(months=12)
    assert [year.plus(datetime(2024, 2, 29, tzinfo=UTC), k).day for k in range(5)] == [29, 28, 28, 28, 29]


def test_leaving_the_calendar_is_out_of_range() -> None:
    with pytest.raises(OutOfRange):
        CalendarDuration(months=120).plus(datetime(2020, 1, 1, tzinfo=UTC), 1000)


@given(durations, anchors, st.integers(-50, 500))
def test_count_is_the_inverse_of_plus(duration: CalendarDuration, anchor: datetime, k: int) -> None:
    moment = duration.plus(anchor, k)
    assert duration.count(anchor, moment) == k
    assert duration.count(anchor, moment - timedelta(microseconds=1)) == k - 1


@given(durations, anchors, st.integers(0, 500))
def test_repetitions_lie_between_the_bounds(duration: CalendarDuration, anchor: datetime, k: int) -> None:
    step = duration.plus(anchor, k + 1) - duration.plus(anchor, k)
    slack = timedelta(days=3) if duration.months else timedelta()
    assert duration.least - slack <= step <= duration.most + slack
