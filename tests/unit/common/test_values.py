"""Ids, tenants, intervals and calls."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealwright_common.domain.call import Call, system_call
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import new_id, new_ids, parse_id
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.tenants import tenant

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)


def test_ids_are_uuid_version_7_and_carry_their_millisecond() -> None:
    """RFC 9562 section 5.7: version nibble, variant bits, 48 bits of Unix milliseconds."""
    made = new_id(NOON)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == int(NOON.timestamp() * 1000)


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2200, 1, 1)), st.integers(1, 10**9))
def test_ids_sort_by_the_time_they_were_made(moment: datetime, later_ms: int) -> None:
    """A later millisecond makes a greater id, whatever the random bits."""
    first = moment.replace(tzinfo=UTC)
    assert new_id(first) < new_id(first + timedelta(milliseconds=later_ms))


def test_a_thousand_ids_of_one_millisecond_differ() -> None:
    """74 random bits keep ids of the same millisecond apart."""
    assert len({new_id(NOON) for _ in range(1000)}) == 1000


def test_ids_that_are_made_together_are_as_good() -> None:
    """The same layout, drawn at once."""
    made = new_ids(NOON, 1000)
    assert len(set(made)) == 1000
    assert {(id_.version, id_.variant, id_.int >> 80) for id_ in made} == {
        (7, "specified in RFC 4122", int(NOON.timestamp() * 1000))
    }
    assert not new_ids(NOON, 0)


@pytest.mark.parametrize(
    "text", ["", "x", "0192f0c17c1e7d4f8e2a3b1f6c9d5e70", "{0192f0c1-7c1e-7d4f-8e2a-3b1f6c9d5e70}"]
)
def test_an_id_is_read_only_in_its_hyphenated_form(text: str) -> None:
    """Other spellings of one UUID would be other idempotency keys."""
    with pytest.raises(InvalidArgument) as refused:
        parse_id(text, "key_id")
    assert refused.value.fields[0].path == "key_id"


@pytest.mark.parametrize("name", ["default", "a", "acme-2", "x" * 63])
def test_tenant_names(name: str) -> None:
    """DNS labels, so that a tenant can stand in a host name or a path."""
    assert tenant(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a.b", "x" * 64, "ä"])
def test_other_names_are_refused(name: str) -> None:
    """Nothing that would need escaping in a path, a subject or a DID."""
    with pytest.raises(InvalidArgument):
        tenant(name)


def test_an_interval_holds_its_start_and_not_its_end() -> None:
    """Half-open, so that windows side by side neither overlap nor leave a gap."""
    hour = Interval(NOON, NOON + timedelta(hours=1))
    assert hour.contains(hour.start)
    assert not hour.contains(hour.end)
    assert hour.widened(timedelta(minutes=5)).contains(hour.end)
    assert hour.length == timedelta(hours=1)


def test_an_interval_is_kept_in_utc_and_refuses_nonsense() -> None:
    """Any zone comes in, UTC is kept; no zone, or an end that is not after the start, is refused."""
    copenhagen = timezone(timedelta(hours=2))
    assert Interval(NOON.astimezone(copenhagen), NOON + timedelta(1)).start.tzinfo is UTC
    with pytest.raises(ValueError, match="zone"):
        Interval(NOON.replace(tzinfo=None), NOON)
    with pytest.raises(ValueError, match="ends after"):
        Interval(NOON, NOON)


def test_a_call_knows_how_long_its_caller_still_waits() -> None:
    """None without a deadline, never negative with one."""
    assert system_call("sweep").remaining() is None
    assert Call(caller="x", deadline=time.monotonic() - 5).remaining() == 0
    waiting = Call(caller="x", deadline=time.monotonic() + 5).remaining()
    assert waiting is not None
    assert 4 < waiting <= 5
