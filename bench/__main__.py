"""`python -m bench [NAME ...]` runs the named benches, by default all, writes results.json and prints each row.

Exits with 1 if a ratio is below its goal.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from bench.framework import HERE, RESULTS, Row, write

NOT_BENCHES = {"__init__", "__main__", "framework"}


def main(argv: list[str] | None = None) -> int:
    """Run the benches that are asked for."""
    names = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in NOT_BENCHES)
    parser = argparse.ArgumentParser(prog="mesh bench", description="Measure, and write bench/results.json.")
    which = f"which to run: {', '.join(names)}; default all"
    parser.add_argument("name", nargs="*", metavar="NAME", choices=[*names, []], help=which)
    chosen = parser.parse_args(argv).name or names
    missed = 0
    for name in chosen:
        rows: list[Row] = list(importlib.import_module(f"bench.{name}").bench())
        write(rows)
        for row in rows:
            reached = row.ratio >= row.goal
            missed += not reached
            print(
                f"{'ok ' if reached else 'LOW'} {row.name}: {row.ours:,.0f} {row.unit},"
                f" {row.ratio:.2f} of {row.against} ({row.figure:,.0f}); goal {row.goal:.2f}"
            )
    print(f"written to {RESULTS.relative_to(HERE.parent)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
