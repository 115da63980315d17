"""Schedules: the window of every key of a time-aware issuer as a pure function of a few numbers.

With T = valid_from, d = duration, B = buffer and O = overlap, slot k of a cohort lasts

* in mode WINDOW from T + k·d to T + (k + 1 + O)·d: each starts one overlap before its predecessor ends, and O + 1 are
  active;
* in mode SPARE from T + k·d to T + (k + 1)·d: one is active, the others are spare.

B + O slots are kept unexpired; that number is the signing modulus. Nothing is computed from the previous key, so that
no error adds up and an outage of any length changes no window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, OutOfRange, Reason
from sealwright_common.domain.intervals import Interval

LEAD_FLOOR = timedelta(minutes=1)
"""The shortest time a key is public before its window opens."""

LEAD_DEFAULT = timedelta(hours=24)
"""The longest lead that is taken if none is named."""

MOST_SLOTS = 366
"""The largest buffer and the largest overlap."""

_YEARS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


class ScheduleMode(StrEnum):
    """How the windows of consecutive slots lie."""

    WINDOW = "WINDOW"
    """Windows overlap: overlap + 1 keys are active at once."""
    SPARE = "SPARE"
    """Windows follow one another: one key is active at once."""


@dataclass(frozen=True, slots=True)
class SlotWindow:
    """One slot and when its key is active."""

    slot: int
    window: Interval


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the keys of an issuer are valid. Build it with :meth:`checked` from what a caller sent."""

    valid_from: datetime
    """Start of slot 0, UTC."""
    duration: CalendarDuration
    """Spacing of the slots."""
    buffer: int = 1
    """Durations' worth of keys kept ready, 1 to 366."""
    overlap: int = 0
    """Further durations, 0 to 366."""
    mode: ScheduleMode = ScheduleMode.WINDOW
    expires_at: datetime | None = None
    """End of the issuer, exclusive: no slot starts at or after it and windows are cut there; None: never."""
    publish_lead: timedelta = LEAD_DEFAULT
    """How long before its start a key is public at the latest."""

    @classmethod
    def checked(
        cls,
        *,
        valid_from: datetime,
        duration: CalendarDuration,
        buffer: int,
        overlap: int,
        mode: ScheduleMode,
        expires_at: datetime | None,
        publish_lead: timedelta | None,
        path: str = "",
    ) -> Schedule:
        """A schedule whose every rule holds; InvalidArgument with all wrong fields, under ``path``, otherwise."""
        wrong: list[FieldProblem] = []

        def expect(holds: bool, name: str, expected: str) -> None:
            if not holds:
                wrong.append(FieldProblem(f"{path}.{name}" if path else name, expected))

        for name, moment in (("valid_from", valid_from), ("expires_at", expires_at)):
            expect(
                moment is None or (moment.tzinfo is not None and _YEARS[0] <= moment < _YEARS[1]),
                name,
                "a moment with a time zone, between the years 1970 and 9000",
            )
        expect(1 <= buffer <= MOST_SLOTS, "buffer", f"1 to {MOST_SLOTS}: without a buffer no key is ready in time")
        expect(0 <= overlap <= MOST_SLOTS, "overlap", f"0 to {MOST_SLOTS}")
        if not wrong:
            expect(expires_at is None or expires_at > valid_from, "expires_at", "a moment after valid_from")
            most = duration.least * (buffer + overlap)
            expect(
                publish_lead is None or LEAD_FLOOR <= publish_lead <= most,
                "publish_lead",
                f"at least one minute and at most buffer + overlap durations ({most})",
            )
        if wrong:
            raise InvalidArgument.of_all(wrong, reason=Reason.SCHEDULE_INVALID)
        return cls(
            valid_from.astimezone(UTC),
            duration,
            buffer,
            overlap,
            mode,
            None if expires_at is None else expires_at.astimezone(UTC),
            min(duration.least, LEAD_DEFAULT) if publish_lead is None else publish_lead,
        )

    @property
    def modulus(self) -> int:
        """Signing modulus B + O: how many keys are unexpired, and how many sign one blind request."""
        return self.buffer + self.overlap

    @property
    def active(self) -> int:
        """How many keys are active at once, once the issuer has run for so many durations."""
        return 1 + self.overlap if self.mode is ScheduleMode.WINDOW else 1

    def expired(self, moment: datetime) -> bool:
        """Whether the issuer's life is over at ``moment``."""
        return self.expires_at is not None and moment >= self.expires_at

    def start(self, slot: int) -> datetime:
        """When slot ``slot`` begins, whether or not the issuer lives that long."""
        return self.duration.plus(self.valid_from, slot)

    def window(self, slot: int) -> Interval | None:
        """When the key of ``slot`` is active; None if the issuer has expired by then or the calendar ends."""
        if slot < 0:
            return None
        try:
            start, end = self.start(slot), self.start(slot + self.active)
        except OutOfRange:
            return None
        if self.expires_at is not None:
            if start >= self.expires_at:
                return None
            end = min(end, self.expires_at)
        return Interval(start, end)

    def first_unexpired(self, moment: datetime) -> int:
        """The lowest slot whose window ends after ``moment``; it may not exist if the issuer has expired by then."""
        return max(0, self.duration.count(self.valid_from, moment) - self.active + 1)

    def active_at(self, moment: datetime) -> tuple[SlotWindow, ...]:
        """The slots whose window holds ``moment``, ascending."""
        last = self.duration.count(self.valid_from, moment)
        return tuple(
            SlotWindow(slot, window)
            for slot in range(max(0, last - self.active + 1), last + 1)
            if (window := self.window(slot)) is not None and window.contains(moment)
        )

    def signing_at(self, moment: datetime) -> tuple[SlotWindow, ...]:
        """The earliest B + O unexpired slots at ``moment``: those that sign a blind request."""
        if self.expired(moment):
            return ()
        first = self.first_unexpired(moment)
        found = (
            SlotWindow(slot, window) for slot in range(first, first + self.modulus) if (window := self.window(slot))
        )
        return tuple(found)

    def between(self, span: Interval, from_slot: int = 0) -> Iterator[SlotWindow]:
        """The slots, from ``from_slot`` on, whose window meets ``span``; ascending."""
        slot = max(from_slot, self.first_unexpired(span.start))
        while (window := self.window(slot)) is not None and window.start < span.end:
            yield SlotWindow(slot, window)
            slot += 1

    def due_time(self, slot: int) -> datetime:
        """When the key of ``slot`` has to exist at the latest, if no key before it is missing: when fewer than B + O
        would be unexpired without it, or ``publish_lead`` before it starts; the first B + O from the beginning."""
        early = self.start(slot) - self.publish_lead
        before = self.window(slot - self.modulus)
        if slot < self.modulus:
            return min(early, self.valid_from)
        return early if before is None else min(early, before.end)

    def wanted(self, usable_ends: Sequence[datetime], next_slot: int, now: datetime) -> tuple[SlotWindow, ...]:
        """The slots whose keys are to be made at ``now``.

        ``usable_ends`` are the ends of the windows of the keys that can still sign, ``next_slot`` is one more than the
        highest slot ever used. Slots that have lapsed are skipped; none is ever used twice.
        """
        if self.expired(now):
            return ()
        usable = sum(1 for end in usable_ends if end > now)
        slot = max(next_slot, self.first_unexpired(now))
        made: list[SlotWindow] = []
        while (window := self.window(slot)) is not None:
            if usable + len(made) >= self.modulus and window.start - self.publish_lead > now:
                break
            made.append(SlotWindow(slot, window))
            slot += 1
        return tuple(made)

    def next_due(self, usable_ends: Iterable[datetime], next_slot: int) -> datetime | None:
        """When :meth:`wanted` will next name a slot; None if it never will. A moment in the past means now."""
        window = self.window(next_slot)
        if window is None:
            return None
        due = window.start - self.publish_lead
        ends = sorted(usable_ends)
        if len(ends) < self.modulus:
            return min(due, self.valid_from)
        return min(due, ends[len(ends) - self.modulus])
