"""Drawing windows: every key on its line, the present where it is, nothing wider than the terminal."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime, timedelta

import pytest
from sealwright_client.timeline import STYLES, Bar, Span, legend, lines, svg
from sealwright_common.domain.keys import KeyState

NOW = datetime(2026, 1, 3, tzinfo=UTC)
DAY = timedelta(days=1)
BARS = [Bar(f"slot {n}", state, NOW + (n - 2) * DAY, NOW + n * DAY) for n, state in enumerate(STYLES)]


def test_every_state_has_a_colour() -> None:
    assert set(STYLES) == set(KeyState)
    assert all(state.value.lower().replace("_", "-") in legend().plain for state in KeyState)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_line_for_each_key_and_none_too_wide(width: int) -> None:
    drawn = [line.plain for line in lines(BARS, Span.around(BARS, NOW), NOW, width)]
    assert len(drawn) == len(BARS) + 2
    assert all(len(line) <= max(width, 30) + 12 for line in drawn)
    for n, line in enumerate(drawn[: len(BARS)]):
        assert line.startswith(f"slot {n}")
        assert "█" in line or "┃" in line
    present = {line.index("│") if "│" in line else line.index("┃") for line in drawn[: len(BARS)]}
    assert len(present) == 1, "now is one column"


def test_without_keys_there_is_an_axis() -> None:
    assert len(lines([], Span.around([], NOW), NOW, 80)) == 2
    assert "<svg" in svg("none", [], Span.around([], NOW), NOW)


def test_the_picture_is_well_formed_and_escapes_names() -> None:
    root = ElementTree.fromstring(svg("<DK1> & co", BARS, Span.around(BARS, NOW), NOW))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "<DK1> & co"
    assert {bar.label for bar in BARS} <= set(texts)
