"""The relay part: moves committed events from the outbox to JetStream."""

from __future__ import annotations

from typing import Any

from sealwright_common.runtime.db.database import Database
from sealwright_common.runtime.events.broker import Broker


class Relay:
    """Publishes the outbox of ``service``; several replicas take turns."""

    def __init__(self, database: Database[Any], broker: Broker, *, service: str) -> None:
        self.name = "relay"
        self._database = database
        self._broker = broker
        self._service = service

    async def start(self) -> None:
        """Begins to publish once database and broker are there."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Ends after the batch in hand."""
        raise NotImplementedError
