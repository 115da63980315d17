"""A client of the event bus for tests: publishes events and queue requests, waits for messages on a subject."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from uuid import uuid4

import nats
import nats.js.errors
from google.protobuf.message import Message
from nats.aio.client import Client


class Bus:
    """A connection to the test's nats-server."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = Client()

    async def __aenter__(self) -> Self:
        self._client = await nats.connect(self._url)
        return self

    async def __aexit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._client.close()

    async def publish(
        self,
        subject: str,
        message: Message | bytes,
        *,
        aggregate_id: str = "test",
        version: int = 1,
        tenant: str = "default",
        event_id: str | None = None,
    ) -> str:
        """Publishes one event with the headers every event has; its id. The stream must exist, or come within 10 s."""
        event_id = event_id or str(uuid4())
        headers = {
            "ce-id": event_id,
            "ce-specversion": "1.0",
            "ce-source": "test",
            "ce-type": subject,
            "ce-subject": aggregate_id,
            "ce-sequence": str(version),
            "ce-time": datetime.now(UTC).isoformat(),
            "sealwright-tenant": tenant,
        }
        payload = message if isinstance(message, bytes) else message.SerializeToString()
        for _ in range(100):
            try:
                await self._client.jetstream().publish(subject, payload, headers=headers)
            except nats.js.errors.NoStreamResponseError:
                await asyncio.sleep(0.1)
            else:
                return event_id
        raise AssertionError(f"no stream takes {subject}")

    async def listen(self, subject: str) -> asyncio.Queue[bytes]:
        """Payloads of what is published on ``subject`` from now on."""
        queue: asyncio.Queue[bytes] = asyncio.Queue()

        async def put(message: object) -> None:
            await queue.put(message.data)  # type: ignore[attr-defined]

        await self._client.subscribe(subject, cb=put)
        await self._client.flush()
        return queue
