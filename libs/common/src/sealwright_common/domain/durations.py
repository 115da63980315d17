"""Calendar durations: ISO 8601, exact, and equal to PostgreSQL's own interval arithmetic in UTC.

A duration is months, days and seconds, kept apart because a month has no fixed length. The k-th repetition is always
counted from the anchor: k times the months, clamped to the month's end, then k times the rest. Counting from the
previous repetition instead would let the clamping add up (31 January, 28 February, 28 March).
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

from sealwright_common.domain.errors import InvalidArgument, OutOfRange, Reason
from sealwright_common.domain.intervals import utc

_ISO = re.compile(
    r"P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_EXPECTED = (
    'an ISO 8601 duration of whole, positive components such as "PT1H", "P1D" or "P1M", one minute to ten years long'
)
SHORTEST = timedelta(minutes=1)
"""The shortest duration: rotation happens by the second, and a window must outlast a tick."""

LONGEST = timedelta(days=3660)
"""The longest duration: ten years."""


@dataclass(frozen=True, slots=True)
class CalendarDuration:
    """A positive duration of months, days and seconds."""

    months: int = 0
    days: int = 0
    seconds: int = 0

    def __post_init__(self) -> None:
        if min(self.months, self.days, self.seconds) < 0 or self.least < SHORTEST or self.most > LONGEST:
            raise InvalidArgument.of("duration", _EXPECTED, reason=Reason.SCHEDULE_INVALID)

    @classmethod
    def parse(cls, text: str, path: str = "duration") -> CalendarDuration:
        """The duration that ``text`` writes in ISO 8601; InvalidArgument naming the field ``path`` otherwise.

        Refused: signs, fractions, components of zero, less than a minute, more than ten years.
        """
        match = _ISO.fullmatch(text) if text.isascii() and len(text) <= 64 else None
        if match is None:
            raise InvalidArgument.of(path, _EXPECTED, reason=Reason.SCHEDULE_INVALID)
        part = {name: int(digits) for name, digits in match.groupdict().items() if digits is not None}
        if 0 in part.values():
            raise InvalidArgument.of(path, _EXPECTED, reason=Reason.SCHEDULE_INVALID)
        try:
            return cls(
                months=12 * part.get("years", 0) + part.get("months", 0),
                days=7 * part.get("weeks", 0) + part.get("days", 0),
                seconds=3600 * part.get("hours", 0) + 60 * part.get("minutes", 0) + part.get("seconds", 0),
            )
        except (InvalidArgument, OverflowError):
            raise InvalidArgument.of(path, _EXPECTED, reason=Reason.SCHEDULE_INVALID) from None

    def __str__(self) -> str:
        """ISO 8601, in its shortest form: whole years, days, hours and minutes where they come out even."""
        years, months = divmod(self.months, 12)
        hours, rest = divmod(self.seconds, 3600)
        minutes, seconds = divmod(rest, 60)
        date = "".join(f"{n}{unit}" for n, unit in ((years, "Y"), (months, "M"), (self.days, "D")) if n)
        time = "".join(f"{n}{unit}" for n, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if n)
        return f"P{date}{'T' + time if time else ''}"

    @property
    def least(self) -> timedelta:
        """The shortest time it can take, counting 28 days a month."""
        return timedelta(days=28 * self.months + self.days, seconds=self.seconds)

    @property
    def most(self) -> timedelta:
        """The longest time it can take, counting 31 days a month and 366 a year."""
        years, months = divmod(self.months, 12)
        return timedelta(days=366 * years + 31 * months + self.days, seconds=self.seconds)

    def plus(self, anchor: datetime, k: int = 1) -> datetime:
        """``anchor`` plus ``k`` times this duration (k may be negative), in UTC, as PostgreSQL's
        ``anchor + k * interval`` has it. OutOfRange if the year leaves 1 to 9999."""
        moment = utc(anchor)
        try:
            if self.months:
                year, month = divmod(moment.year * 12 + moment.month - 1 + k * self.months, 12)
                day = min(moment.day, monthrange(year, month + 1)[1])
                moment = moment.replace(year=year, month=month + 1, day=day)
            return moment + timedelta(days=k * self.days, seconds=k * self.seconds)
        except (OverflowError, ValueError):
            raise OutOfRange(
                Reason.SCHEDULE_INVALID, f"{anchor.isoformat()} plus {k} times {self} is no date; use years 1 to 9999"
            ) from None

    def count(self, anchor: datetime, moment: datetime) -> int:
        """The largest k with ``plus(anchor, k) <= moment``; negative before the anchor."""
        distance = utc(moment) - utc(anchor)
        # The month a count begins in may be cut short by clamping, hence one more on either side.
        bounds = (distance // self.least, distance // self.most)
        low, high = min(bounds) - 1, max(bounds) + 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._at_most(anchor, middle, moment):
                low = middle
            else:
                high = middle - 1
        return low

    def _at_most(self, anchor: datetime, k: int, moment: datetime) -> bool:
        try:
            return self.plus(anchor, k) <= moment
        except OutOfRange:
            return k < 0
