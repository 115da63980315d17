"""The broker part: one NATS connection that waits for a late server, comes back by itself, and makes streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import nats.errors
import structlog

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.config import STREAM_MAX_AGE, NatsSettings
from sealwright_common.runtime.events.client import BulkClient
from sealwright_common.runtime.events.event import Subscription, stream_name, stream_subjects

log = structlog.get_logger(__name__)

DUPLICATE_WINDOW = timedelta(minutes=2)
"""How long the broker recognises an event id; a help for the relay, never the authority on "once"."""
MAX_ACK_PENDING = 20_000
"""Events of one consumer that may be out at once, those waiting for their next attempt included."""

_STREAM_NOT_FOUND = 10059
_RETRY_AFTER = timedelta(seconds=1)
_TIMEOUT = 5.0


class BrokerRefused(Exception):
    """The broker answered with an error: ``code`` is its JetStream error code, the text says what it refused."""

    def __init__(self, what: str, code: int, description: str) -> None:
        super().__init__(f"the broker refused {what}: {description} ({code})")
        self.code = code


class BrokerUnsuitable(Exception):
    """The server lacks something we need; the message says which version has it."""


class Broker:
    """The connection to NATS with JetStream. Starts without the server; ``ready`` says why it is not there."""

    def __init__(self, settings: NatsSettings, *, name: str = "broker") -> None:
        self.name = name
        self._url = settings.url
        self._replicas = settings.replicas
        self._client: BulkClient | None = None
        """None until connecting has begun; a client that never connected cannot be closed."""
        self._connected = asyncio.Event()
        self._on_connected: list[Callable[[], None]] = []
        self._why_not: str | None = "not started"
        self._unsuitable: str | None = None
        self._connecting: asyncio.Task[None] | None = None

    # -- the part -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begins to connect, and goes on until it succeeds."""
        self._why_not = "connecting to the broker"
        self._connecting = asyncio.create_task(self._stay_connected(), name=self.name)

    async def stop(self) -> None:
        """Closes the connection after sending what is queued."""
        self._why_not = "stopped"
        self._connected.clear()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait({self._connecting})
        if self._client is not None and not self._client.is_closed:
            await self._client.close()

    def ready(self) -> str | None:
        """None while connected to a server that can do what is needed, else why not."""
        return self._unsuitable or self._why_not

    # -- for relay, consumers and replay ------------------------------------------------------------------------------

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._client is not None and self._connected.is_set() and self._client.is_connected

    async def wait_connected(self) -> None:
        """Returns once connected."""
        await self._connected.wait()

    def on_connected(self, wake: Callable[[], None]) -> None:
        """Calls ``wake`` at each connect and reconnect."""
        self._on_connected.append(wake)

    @property
    def client(self) -> BulkClient:
        """The connected client. Raises Unavailable while there is none."""
        if self._client is None or not self.connected:
            raise unavailable()
        return self._client

    async def request(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """The JSON answer of a JetStream request. Raises Unavailable without one in time, NoStream if nobody listens
        on ``subject``."""
        try:
            message = await self.client.request(subject, body, timeout=_TIMEOUT, headers=headers)
        except nats.errors.NoRespondersError as error:
            raise NoStream(subject) from error
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise unavailable() from error
        return json.loads(message.data)

    async def api(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer of ``$JS.API.<action>``. Raises BrokerRefused with its error, Unavailable without an answer."""
        try:
            answer = await self.request(f"$JS.API.{action}", json.dumps(body).encode())
        except NoStream as error:
            raise Unavailable(
                Reason.BROKER_UNAVAILABLE, "JetStream is off or still starting; enable it", retry_after=_RETRY_AFTER
            ) from error
        if "error" in answer:
            raise BrokerRefused(action, answer["error"].get("err_code", 0), answer["error"].get("description", ""))
        return answer

    async def ensure_stream(self, service: str, *, own: bool) -> bool:
        """Makes the stream of ``service`` if it is missing, and, if it is our ``own``, brings its settings up to date.

        Returns True if it was made now. Raises BrokerUnsuitable if the server cannot do atomic batches.
        """
        name = stream_name(service)
        wanted: dict[str, Any] = {
            "name": name,
            "subjects": stream_subjects(service),
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "num_replicas": self._replicas,
            "max_age": _nanoseconds(STREAM_MAX_AGE),
            "duplicate_window": _nanoseconds(DUPLICATE_WINDOW),
            "allow_atomic": True,
            "allow_direct": True,
        }
        made = False
        try:
            config = (await self.api(f"STREAM.INFO.{name}", {}))["config"]
        except BrokerRefused as error:
            if error.code != _STREAM_NOT_FOUND:
                raise
            config = (await self.api(f"STREAM.CREATE.{name}", wanted))["config"]
            made = True
        if own and any(config.get(key) != value for key, value in wanted.items()):
            config = (await self.api(f"STREAM.UPDATE.{name}", {**config, **wanted}))["config"]
        if own and not config.get("allow_atomic"):
            # Servers before 2.12 take the setting and ignore it.
            self._unsuitable = (
                f"nats-server {self.client.connected_server_version} cannot publish atomic batches; use 2.12 or newer"
            )
            raise BrokerUnsuitable(self._unsuitable)
        self._unsuitable = None
        if made:
            log.info("stream made", stream=name)
        return made

    async def ensure_consumer(self, subscription: Subscription) -> None:
        """Makes the durable consumer of ``subscription``, or brings its settings up to date."""
        stream = stream_name(subscription.stream)
        config = {
            "durable_name": subscription.durable,
            "deliver_policy": "all",
            "ack_policy": "explicit",
            "ack_wait": _nanoseconds(subscription.ack_wait),
            # The consumer counts attempts itself: the broker would drop an event without a word after the last one.
            "max_deliver": -1,
            "filter_subjects": list(subscription.types),
            "replay_policy": "instant",
            "max_ack_pending": MAX_ACK_PENDING,
        }
        await self.api(
            f"CONSUMER.CREATE.{stream}.{subscription.durable}", {"stream_name": stream, "config": config, "action": ""}
        )

    # -- the connection -----------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        """Connects, and again with a new client when the library gives one up for good (e.g. refused credentials)."""
        while True:
            closed = asyncio.Event()

            async def on_closed(closed: asyncio.Event = closed) -> None:
                self._connected.clear()
                closed.set()

            client = self._client = BulkClient()
            try:
                await client.connect(
                    self._url.get_secret_value(),
                    name="sealwright",
                    error_cb=self._on_error,
                    disconnected_cb=self._on_disconnect,
                    reconnected_cb=self._on_connect,
                    closed_cb=on_closed,
                    connect_timeout=2,
                    reconnect_time_wait=0.25,  # type: ignore[arg-type] - seconds, also fractions
                    max_reconnect_attempts=-1,
                    ping_interval=5,
                    max_outstanding_pings=2,
                )
                await self._on_connect()
                await closed.wait()
            except (nats.errors.Error, OSError, ValueError) as error:
                await self._on_error(error)
            await asyncio.sleep(_RETRY_AFTER.total_seconds())

    async def _on_connect(self) -> None:
        self._why_not = None
        self._connected.set()
        log.info(
            "broker connected", part=self.name, version=str(self._client and self._client.connected_server_version)
        )
        for wake in self._on_connected:
            wake()

    async def _on_disconnect(self) -> None:
        self._connected.clear()
        if self._why_not is None:
            self._why_not = "the broker connection was lost; reconnecting"
            log.warning("broker connection lost; reconnecting", part=self.name)

    async def _on_error(self, error: Exception) -> None:
        """Called for each failed attempt; only a new reason is worth a line."""
        if self._connected.is_set():
            log.warning("broker error", part=self.name, error=str(error) or type(error).__name__)
            return
        why = f"broker unreachable: {str(error) or type(error).__name__}"
        if why != self._why_not and self._why_not != "stopped":
            self._why_not = why
            log.warning("broker unreachable; still trying", part=self.name, error=why)


class NoStream(Exception):
    """No stream takes messages on this subject: it was never made, or the broker lost it."""


def unavailable() -> Unavailable:
    """The problem of an absent broker."""
    return Unavailable(Reason.BROKER_UNAVAILABLE, "the event broker is not reachable; repeat", retry_after=_RETRY_AFTER)


def _nanoseconds(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1) * 1000
