"""The steps of the demo as they happen: a line each for people, kept with their times for the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from sealwright_client.terminal import console


class Missing(Exception):
    """Something the demo promises did not come about; the message says what."""


@dataclass(frozen=True)
class Step:
    """One thing that was done."""

    name: str
    seconds: float
    outcome: str


@dataclass
class Progress:
    """Runs steps and tells them; `quiet` for programs, which read the end only."""

    quiet: bool = False
    steps: list[Step] = field(default_factory=list[Step])

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """One step; what the block appends to the list it gets is its outcome."""
        shown: Console | None = None if self.quiet else console
        if shown is not None:
            shown.print(f"  {name} …", end="", markup=False, highlight=False)
            sys.stdout.flush()
        started = time.monotonic()
        outcome: list[str] = []
        try:
            yield outcome
        except BaseException:
            if shown is not None:
                shown.print(" [red]failed[/]")
            raise
        seconds = time.monotonic() - started
        self.steps.append(Step(name, seconds, "; ".join(outcome)))
        if shown is not None:
            shown.print(f" {'; '.join(outcome) or 'done'} ({seconds:.1f} s)", markup=False, highlight=False)
