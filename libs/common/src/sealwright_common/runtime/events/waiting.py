"""What one consumer instance remembers of events that come back: their order, and what was no attempt.

Kept in memory only: after a restart an event may get some attempts more, and an aggregate's later events may overtake
one that still waits at the broker; handlers compare versions.
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush
from uuid import UUID

from sealwright_common.runtime.events.event import Event
from sealwright_common.runtime.events.pulling import Delivery


class Waiting:
    """Events that wait for their next delivery: they failed, or stand behind one that did."""

    def __init__(self) -> None:
        self._away: set[UUID] = set()
        """Those that are at the broker, to come again."""
        self._queues: dict[tuple[str, str], list[tuple[int, UUID]]] = {}
        """Them by aggregate, as heaps over their place in the stream; what is no longer away is dropped when met."""
        self._untried: dict[UUID, int] = {}
        self._refusals: dict[UUID, tuple[int, int]] = {}
        self._done = 0

    @property
    def first(self) -> list[UUID]:
        """The first event of each aggregate that is away: the others of its aggregate wait for it."""
        heads = [self._head(aggregate) for aggregate in list(self._queues)]
        return [head[1] for head in heads if head is not None]

    def resolved(self, ids: Collection[UUID]) -> None:
        """These events are done, maybe by another instance: nothing waits for them any more."""
        self._away.difference_update(ids)

    def has_to_wait(self, delivery: Delivery) -> bool:
        """Whether an earlier event of its aggregate is away: each comes back after a time of its own."""
        head = self._head(delivery.event.aggregate)
        return head is not None and head[0] < delivery.position

    def failing(self, delivery: Delivery) -> None:
        """The event failed and comes back; later ones of its aggregate wait for it."""
        self._comes_back(delivery)

    def passed(self, delivery: Delivery) -> None:
        """The event is sent back untried, which is no attempt of it; later ones of its aggregate wait for it, too."""
        self._comes_back(delivery)
        self._untried[delivery.event.id] = self._untried.get(delivery.event.id, 0) + 1

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
        self._away.discard(event.id)

    def _comes_back(self, delivery: Delivery) -> None:
        event = delivery.event
        if event.id not in self._away:
            self._away.add(event.id)
            heappush(self._queues.setdefault(event.aggregate, []), (delivery.position, event.id))

    def _head(self, aggregate: tuple[str, str]) -> tuple[int, UUID] | None:
        queue = self._queues.get(aggregate)
        if queue is None:
            return None
        while queue and queue[0][1] not in self._away:
            heappop(queue)
        if not queue:
            del self._queues[aggregate]
            return None
        return queue[0]
