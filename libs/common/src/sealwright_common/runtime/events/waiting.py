"""What one consumer instance remembers of events that failed and come back: their order, and what was no attempt.

Kept in memory only: after a restart an event may get some attempts more, and an aggregate's later events may overtake
one that still waits at the broker; handlers compare versions.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sealwright_common.runtime.events.event import Event


class Waiting:
    """Events that wait for their next delivery."""

    def __init__(self) -> None:
        self._failed: dict[tuple[str, str], UUID] = {}
        self._untried: dict[UUID, int] = {}
        self._refusals: dict[UUID, tuple[int, int]] = {}
        self._done = 0

    @property
    def failed(self) -> list[UUID]:
        """Failed events that others of their aggregate wait for."""
        return list(self._failed.values())

    def resolved(self, ids: Collection[UUID]) -> None:
        """These events are done, maybe by another instance: nothing waits for them any more."""
        self._failed = {aggregate: id for aggregate, id in self._failed.items() if id not in ids}

    def has_to_wait(self, event: Event) -> bool:
        """Whether an earlier event of its aggregate failed and has not come back yet."""
        return self._failed.get(event.aggregate, event.id) != event.id

    def failing(self, event: Event) -> None:
        """``event`` failed and comes back; later ones of its aggregate wait for it."""
        self._failed[event.aggregate] = event.id

    def passed(self, event: Event) -> None:
        """``event`` is sent back untried, which is no attempt of it."""
        self._untried[event.id] = self._untried.get(event.id, 0) + 1

    def refused(self, event: Event) -> int:
        """What ``event`` needs is away; how often that counted by now.

        It counts only if something else was done since the last time. Otherwise it may be away for all, and an outage
        on a quiet stream must not make dead letters.
        """
        count, done = self._refusals.get(event.id, (0, self._done))
        count += done != self._done
        self._refusals[event.id] = (count, self._done)
        return count

    def attempts(self, event: Event) -> int:
        """How often ``event`` was delivered and tried."""
        return event.deliveries - self._untried.get(event.id, 0)

    def known(self, event: Event) -> bool:
        """Whether this instance has tried ``event`` before, or sent it back."""
        return event.id in self._refusals or event.id in self._untried

    def settled(self, event: Event) -> None:
        """``event`` is done or put aside and will not come back."""
        self._done += 1
        self._untried.pop(event.id, None)
        self._refusals.pop(event.id, None)
        if self._failed.get(event.aggregate) == event.id:
            del self._failed[event.aggregate]
