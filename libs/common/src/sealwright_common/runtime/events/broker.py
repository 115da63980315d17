"""The broker part: one NATS connection that waits for a late server and comes back by itself."""

from __future__ import annotations

from sealwright_common.runtime.config import NatsSettings


class Broker:
    """The connection to NATS with JetStream. Starts without the server; ``ready`` says why it is not there."""

    def __init__(self, settings: NatsSettings, *, name: str = "broker") -> None:
        self.name = name
        self._settings = settings

    async def start(self) -> None:
        """Begins to connect."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Closes the connection."""
        raise NotImplementedError

    def ready(self) -> str | None:
        """None while connected to a server that can do what is needed, else why not."""
        raise NotImplementedError
