"""docs/dcp.md lists every requirement of the architecture document with tests that carry its number and exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| R(\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
LISTED = {
    int(number): re.findall(r"`([\w/.]+)::(\w+)`", tests)
    for number, _, tests in ROW.findall((ROOT / "docs/dcp.md").read_text())
}


def test_all_thirty_two_are_listed() -> None:
    """R1 to R32, none missing, none twice."""
    assert list(LISTED) == list(range(1, 33))


@pytest.mark.parametrize("number", range(1, 33))
def test_each_is_proven_by_tests_that_carry_its_number(number: int) -> None:
    """At least one test by name, each where the page says."""
    assert LISTED[number]
    for path, name in LISTED[number]:
        assert f"_r{number}_" in name
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), (path, name)
