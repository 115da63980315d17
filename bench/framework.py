"""How a figure is measured: on a quiet machine, again and again, the median, beside what it is compared with.

A bench is a module in this folder with a function `bench() -> Iterable[Row]`. Absolute figures depend on the machine
and on what else runs on it; the ratio of two figures of one run is what is promised.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
REPEATS = int(os.environ.get("BENCH_REPEATS", "5"))
QUIET_SECONDS = float(os.environ.get("BENCH_QUIET_SECONDS", "240"))
BUSY = 0.08
"""Share of the processors that others may use while we measure."""


@dataclass(frozen=True)
class Row:
    """One result."""

    name: str
    """What was measured."""
    ours: float
    """Our figure, in `unit`."""
    against: str
    """What it is compared with."""
    figure: float
    """The figure of that, in the same run and unit."""
    goal: float
    """The ratio that is promised."""
    unit: str
    """Unit of both figures."""

    @property
    def ratio(self) -> float:
        """Ours by theirs."""
        return self.ours / self.figure

    def document(self) -> dict[str, Any]:
        """The row as it stands in results.json."""
        return {
            "name": self.name,
            "ours": round(self.ours, 1),
            "compared_with": {"what": self.against, "figure": round(self.figure, 1)},
            "ratio": round(self.ratio, 3),
            "goal": self.goal,
            "unit": self.unit,
        }


def quiet(limit: float = QUIET_SECONDS) -> bool:
    """Wait until nothing else uses the machine; False, and a warning, if that does not come within `limit` seconds."""
    started = time.monotonic()
    while _busy(0.25) > BUSY:
        if time.monotonic() - started > limit:
            print("bench: not quiet, another job is using the machine; figures are too low", file=sys.stderr)
            return False
        time.sleep(1)
    return True


def alternate(measures: Mapping[str, Callable[[], float]], repeats: int = REPEATS) -> dict[str, float]:
    """The median of each measure; they take turns, so that a slow minute hits all of them."""
    figures: dict[str, list[float]] = {name: [] for name in measures}
    limit = QUIET_SECONDS
    for _ in range(repeats):
        for name, measure in measures.items():
            if not quiet(limit):
                # One full wait is enough: what keeps the machine busy will not go away between two measures.
                limit = 2.0
            figures[name].append(measure())
    for name, values in figures.items():
        middle = statistics.median(values)
        print(f"bench: {name}: {middle:,.0f} (spread {(max(values) - min(values)) / middle:.0%})", file=sys.stderr)
    return {name: statistics.median(values) for name, values in figures.items()}


def child(module: str, *arguments: str, **popen: Any) -> subprocess.Popen[str]:
    """A process that runs `python -m bench.MODULE`; its output is piped."""
    return subprocess.Popen(
        [sys.executable, "-m", f"bench.{module}", *arguments],
        cwd=HERE.parent,
        stdout=subprocess.PIPE,
        text=True,
        **popen,
    )


def write(rows: Iterable[Row]) -> None:
    """Put the rows into results.json in place of older ones of the same name."""
    kept: dict[str, Any] = {row["name"]: row for row in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    kept.update({row.name: row.document() for row in rows})
    RESULTS.write_text(json.dumps(list(kept.values()), indent=2) + "\n")


def _busy(seconds: float) -> float:
    """Share of the processors in use over the next `seconds`."""
    before = _ticks()
    time.sleep(seconds)
    spent = [after - earlier for earlier, after in zip(before, _ticks(), strict=True)]
    return 1 - (spent[3] + spent[4]) / max(1, sum(spent))


def _ticks() -> list[int]:
    with open("/proc/stat", encoding="ascii") as stat:
        return [int(field) for field in stat.readline().split()[1:9]]
