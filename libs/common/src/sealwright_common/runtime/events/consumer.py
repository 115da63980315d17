"""The consumer part: takes batches of events, has them handled once each, puts poison aside."""

from __future__ import annotations

from typing import Any

from sealwright_common.runtime.db.database import Database
from sealwright_common.runtime.events.broker import Broker
from sealwright_common.runtime.events.event import Subscription


class Consumer:
    """Feeds one subscription."""

    def __init__(self, database: Database[Any], broker: Broker, subscription: Subscription) -> None:
        self.name = f"consumer {subscription.durable}"
        self._database = database
        self._broker = broker
        self._subscription = subscription

    async def start(self) -> None:
        """Begins to take events once database and broker are there."""
        raise NotImplementedError

    async def drain(self) -> None:
        """Takes no more and finishes what it has."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Gives back what is not finished."""
        raise NotImplementedError
