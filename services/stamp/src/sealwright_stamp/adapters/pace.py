"""How fast a wallet takes slices, told by the posts that end.

What a single post takes would tell less: it grows with every moment in which this process is at something else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

LOOK_BACK_SECONDS = 2.0
"""Over how much of the time in which posts were under way the pace is told."""


@dataclass(slots=True)
class Pace:
    """The pace of one wallet. Moments are seconds of one clock; time in which the wallet had nothing does not count."""

    at_once: int
    """Posts that can be under way."""
    ended: float
    """Posts that ended, each the less the longer ago, and as many as would have ended with all under way."""
    counted: float = 0.0
    """The moment ``ended`` is of."""

    @classmethod
    def expected(cls, at_once: int, seconds: float) -> Pace:
        """Of a wallet that is expected to take ``seconds`` for a post."""
        return cls(at_once, LOOK_BACK_SECONDS * at_once / seconds)

    def begin(self, now: float) -> None:
        """The wallet had nothing until now."""
        self.counted = now

    def end(self, now: float, under_way: int) -> None:
        """One of the posts under way has ended."""
        self.ended = self._ended(now) + self.at_once / under_way
        self.counted = now

    def most(self, now: float, seconds: float) -> float:
        """Slices it takes within ``seconds``."""
        return self._ended(now) * seconds / LOOK_BACK_SECONDS

    def _ended(self, now: float) -> float:
        return self.ended * math.exp((self.counted - now) / LOOK_BACK_SECONDS)
