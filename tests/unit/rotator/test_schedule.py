"""Schedules: the worked examples of both modes, and what must hold for every schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.schedule import Schedule, ScheduleMode

DAY = CalendarDuration(days=1)
T = datetime(2026, 1, 1, tzinfo=UTC)


def day(n: float) -> datetime:
    """The start of January the n-th, 2026."""
    return T + timedelta(days=n - 1)


def schedule(mode: ScheduleMode = ScheduleMode.WINDOW, **over: Any) -> Schedule:
    values: dict[str, Any] = {
        "valid_from": T, "duration": DAY, "buffer": 3, "overlap": 1, "mode": mode,
        "expires_at": None, "publish_lead": None,
    }  # fmt: skip
    return Schedule.checked(**(values | over))


schedules = st.builds(
    schedule,
    st.sampled_from(ScheduleMode),
    buffer=st.integers(1, 6),
    overlap=st.integers(0, 6),
    duration=st.sampled_from(["PT1M", "PT1H", "P1D", "P1M", "P3M", "P1Y", "P1M1DT1H"]).map(CalendarDuration.parse),
    valid_from=st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)


def test_window_mode_overlaps() -> None:
    s = schedule()
    windows = [s.window(k) for k in range(4)]
    assert windows == [Interval(day(n), day(n + 2)) for n in (1, 2, 3, 4)]
    assert (s.modulus, s.active) == (4, 2)
    assert [w.slot for w in s.active_at(day(2))] == [0, 1]
    assert [w.slot for w in s.signing_at(day(3))] == [1, 2, 3, 4]


def test_spare_mode_is_contiguous() -> None:
    s = schedule(ScheduleMode.SPARE)
    assert [s.window(k) for k in range(4)] == [Interval(day(n), day(n + 1)) for n in (1, 2, 3, 4)]
    assert [w.slot for w in s.active_at(day(2))] == [1]
    assert [w.slot for w in s.signing_at(day(2))] == [1, 2, 3, 4]


def test_the_first_keys_are_b_plus_o_and_one_follows_each_boundary() -> None:
    s = schedule(ScheduleMode.SPARE)
    first = s.wanted([], 0, T)
    assert [w.slot for w in first] == [0, 1, 2, 3]
    ends = [w.window.end for w in first]
    assert s.next_due(ends, 4) == day(2)
    assert s.wanted(ends, 4, day(2) - timedelta(microseconds=1)) == ()
    assert [w.slot for w in s.wanted(ends, 4, day(2))] == [4]


def test_an_outage_skips_lapsed_slots_and_restores_an_active_key() -> None:
    s = schedule()
    made = s.wanted([s.window(k).end for k in range(4)], 4, day(40.5))  # type: ignore[union-attr]
    assert [w.slot for w in made] == [38, 39, 40, 41]
    assert sum(w.window.contains(day(40.5)) for w in made) == 2


def test_a_single_key_is_replaced_a_lead_before_it_ends() -> None:
    s = schedule(buffer=1, overlap=0, publish_lead=timedelta(hours=6))
    assert s.next_due([day(2)], 1) == day(1.75)
    assert [w.slot for w in s.wanted([day(2)], 1, day(1.75))] == [1]


def test_nothing_is_made_past_the_end_and_windows_are_cut_there() -> None:
    s = schedule(expires_at=day(3.5))
    assert s.window(2) == Interval(day(3), day(3.5))
    assert s.window(3) is None
    assert [w.slot for w in s.wanted([], 0, T)] == [0, 1, 2]
    assert s.wanted([], 3, day(3.5)) == ()
    assert s.next_due([], 3) is None
    assert s.signing_at(day(3.5)) == ()


@pytest.mark.parametrize(
    ("over", "path"),
    [
        ({"buffer": 0}, "buffer"), ({"buffer": 367}, "buffer"),
        ({"overlap": -1}, "overlap"), ({"overlap": 367}, "overlap"),
        ({"valid_from": datetime(2026, 1, 1)}, "valid_from"),
        ({"valid_from": datetime(1969, 1, 1, tzinfo=UTC)}, "valid_from"),
        ({"valid_from": datetime(9500, 1, 1, tzinfo=UTC)}, "valid_from"),
        ({"expires_at": T}, "expires_at"), ({"expires_at": datetime(2027, 1, 1)}, "expires_at"),
        ({"publish_lead": timedelta(seconds=59)}, "publish_lead"),
        ({"publish_lead": timedelta(days=4, seconds=1)}, "publish_lead"),
    ],
)  # fmt: skip
def test_refuses_what_leaves_no_lead_naming_the_field(over: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        schedule(**over)
    assert [field.path for field in refused.value.fields] == [path]


@given(schedules, st.integers(0, 300), st.floats(0, 0.999))
def test_every_moment_has_its_active_keys_and_its_signing_keys(s: Schedule, slot: int, part: float) -> None:
    start, end = s.start(slot), s.start(slot + 1)
    moment = start + (end - start) * part
    active = [w.slot for w in s.active_at(moment)]
    assert active == list(range(max(0, slot - s.active + 1), slot + 1))
    signing = [w.slot for w in s.signing_at(moment)]
    assert len(signing) == s.modulus
    assert signing[0] == active[0] == s.first_unexpired(moment)


@given(schedules, st.integers(0, 300))
def test_each_start_is_the_previous_end_minus_the_overlap(s: Schedule, slot: int) -> None:
    window = s.window(slot)
    assert window is not None
    assert window.end == s.start(slot + s.active)
    assert window.start < s.start(slot + 1) <= window.end


@given(schedules, st.integers(0, 40), st.floats(0, 0.999))
def test_rotating_at_any_moment_never_leaves_too_few_and_never_reuses_a_slot(
    s: Schedule, slot: int, part: float
) -> None:
    now = s.valid_from
    ends: list[datetime] = []
    last = -1
    for step in range(12):
        made = s.wanted(ends, last + 1, now)
        assert all(w.slot > last for w in made)
        if made:
            assert [w.slot for w in made] == list(range(made[0].slot, made[0].slot + len(made)))
            last = made[-1].slot
        ends += [w.window.end for w in made]
        assert sum(end > now for end in ends) >= s.modulus
        assert s.wanted(ends, last + 1, now) == ()
        due = s.next_due(ends, last + 1)
        assert due is not None
        assert due > now
        assert s.start(last + 1) - due >= s.publish_lead
        # On time, and then after an outage.
        now = due if step % 3 else s.start(last + slot) + (s.start(last + slot + 1) - s.start(last + slot)) * part
        now = max(now, due)


@given(schedules, st.integers(0, 60))
def test_due_time_is_when_the_job_would_make_the_slot(s: Schedule, slot: int) -> None:
    ends = [w.end for k in range(slot) if (w := s.window(k)) is not None]
    assert s.next_due(ends, slot) == s.due_time(slot)


def test_between_walks_a_span() -> None:
    s = schedule()
    assert [w.slot for w in s.between(Interval(day(5), day(7)))] == [3, 4, 5]
    assert [w.slot for w in s.between(Interval(day(5), day(7)), from_slot=5)] == [5]
