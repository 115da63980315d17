"""How long to wait before the next try: doubling, capped, a little uneven so that many do not come back at once."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits ``first`` after the first try, twice as long after each further one, ``longest`` at most."""

    first: timedelta
    longest: timedelta

    def after(self, attempts: int) -> timedelta:
        """The wait after ``attempts`` tries before this one, spread by up to a tenth either way."""
        wait = min(self.first * 2 ** min(attempts, 20), self.longest)
        return wait * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, keeps no secret


@dataclass(frozen=True, slots=True)
class Patience:
    """The waits of the chain."""

    submit: Backoff = Backoff(timedelta(seconds=1), timedelta(minutes=1))
    """Between tries to prepare and send a transaction."""
    poll: Backoff = Backoff(timedelta(milliseconds=250), timedelta(seconds=30))
    """Between looks at a transaction's status."""
    deliver: Backoff = Backoff(timedelta(seconds=1), timedelta(minutes=10))
    """Between posts of a slice."""
    event: timedelta = timedelta(minutes=5)
    """How long an event may take to be handled before a sweeper takes its certificates up."""
    deliver_for: timedelta = timedelta(hours=24)
    """How long a slice is posted before it is UNDELIVERABLE."""
    lease: timedelta = timedelta(seconds=60)
    """How long a claim keeps others off; a slice claimed by a process that died is posted again after it."""
    stuck_after: timedelta = timedelta(hours=1)
    """How long a certificate may stay in a state that must lead on before it is STUCK."""
