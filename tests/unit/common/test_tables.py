"""How the command line shows rows: as a table where it fits, as paragraphs where it would be folded."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console
from sealwright_client import terminal

KEY = {
    "issuer": "grid-area-dk1",
    "state": "DESTROY_SCHEDULED",
    "start": "2026-01-01T00:00:00Z",
    "end": None,
    "key_id": "0194b0a0-0000-7000-8000-000000000000",
}


def shown(monkeypatch: pytest.MonkeyPatch, width: int) -> list[str]:
    out = StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=out, width=width))
    terminal.show([KEY, KEY], list(KEY), as_json=False, title="keys")
    return out.getvalue().splitlines()


def test_a_table_where_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = shown(monkeypatch, 120)
    assert len([line for line in lines if all(str(value) in line for value in KEY.values() if value)]) == 2


@pytest.mark.parametrize("width", [80, 60, 30])
def test_paragraphs_where_it_does_not(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = shown(monkeypatch, width)
    assert lines[0] == "keys"
    assert lines.count("issuer grid-area-dk1") == 2
    assert max(map(len, lines)) <= max(width, 2 + len("key id ") + 36)
    text = " ".join(lines)
    for told in (
        "state DESTROY_SCHEDULED",
        "start 2026-01-01T00:00:00Z",
        "key id 0194b0a0-0000-7000-8000-000000000000",
    ):
        assert text.count(told) == 2, "a value was folded"
    assert "end" not in text
