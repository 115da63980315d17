"""What a wallet can take is told by the posts that end, whatever held this process up meanwhile."""

from __future__ import annotations

import pytest
from sealwright_stamp.adapters.pace import Pace

AT_ONCE, SECONDS = 32, 5.0


def after(pace: Pace, posts: int, every: float, under_way: int = AT_ONCE, now: float = 0.0) -> float:
    """The moment after so many posts, one each ``every`` seconds."""
    for _ in range(posts):
        now += every
        pace.end(now, under_way)
    return now


def test_a_new_wallet_is_taken_for_as_fast_as_expected() -> None:
    pace = Pace.expected(AT_ONCE, 0.1)
    pace.begin(1000.0)
    assert pace.most(1000.0, SECONDS) == pytest.approx(AT_ONCE * SECONDS / 0.1)


def test_a_stall_of_this_process_says_little_of_the_wallet() -> None:
    pace = Pace.expected(AT_ONCE, 0.1)
    now = after(pace, 20_000, 0.0005)
    assert pace.most(now, SECONDS) == pytest.approx(SECONDS / 0.0005, rel=0.01)
    assert pace.most(now + 0.3, SECONDS) > 0.85 * SECONDS / 0.0005
    now = after(pace, AT_ONCE, 0.0, now=now + 0.3)
    assert pace.most(now, SECONDS) > 0.85 * SECONDS / 0.0005


def test_a_wallet_that_becomes_slow_is_found_out() -> None:
    pace = Pace.expected(AT_ONCE, 0.1)
    now = after(pace, 4000, 0.0005)
    now = after(pace, 20 * 16, 1 / 16, now=now)
    assert pace.most(now, SECONDS) == pytest.approx(SECONDS * 16, rel=0.2)


def test_a_wallet_with_one_post_at_a_time_could_take_more() -> None:
    pace = Pace.expected(AT_ONCE, 0.1)
    now = after(pace, 2000, 0.02, under_way=1)
    assert pace.most(now, SECONDS) == pytest.approx(AT_ONCE * SECONDS / 0.02, rel=0.02)


def test_idle_time_does_not_count() -> None:
    pace = Pace.expected(AT_ONCE, 0.1)
    now = after(pace, 4000, 0.001)
    before = pace.most(now, SECONDS)
    pace.begin(now + 3600)
    assert pace.most(now + 3600, SECONDS) == pytest.approx(before)
    assert pace.most(now + 3600 + 20, SECONDS) < 1, "posts that do not end say that it takes none"
