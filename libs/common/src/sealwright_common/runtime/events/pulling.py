"""Taking messages from a durable consumer: at once while there are some, by a lingering request while not."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from types import TracebackType
from typing import Self
from uuid import NAMESPACE_URL, uuid5

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription

from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.events.broker import Broker, unavailable
from sealwright_common.runtime.events.client import plain_command
from sealwright_common.runtime.events.event import Event, MalformedEvent, Subscription, parse_event, stream_name

log = structlog.get_logger(__name__)

MAX_BYTES = 32 * 1024 * 1024
"""Payload asked for at once."""

_ACK, _NAK, _TERM, _IN_PROGRESS = b"", b"-NAK", b"+TERM", b"+WPI"
_GRACE = 2.0
_RECONNECT = 5.0


class ConsumerGone(Exception):
    """The durable consumer or its stream is not at the broker any more; make it again."""


class Delivery:
    """One message in hand, to be settled exactly once."""

    __slots__ = ("deliveries", "event", "pending", "position", "problem", "reply", "settled", "subject")

    def __init__(self, message: Msg) -> None:
        self.reply = message.reply
        self.subject = message.subject
        self.settled = False
        # $JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>
        tokens = message.reply.split(".")
        base = 2 if len(tokens) == 9 else 4
        self.deliveries = int(tokens[base + 2])
        self.position = int(tokens[base + 3])
        self.pending = int(tokens[base + 6])
        self.problem: MalformedEvent | None = None
        try:
            self.event = parse_event(message.subject, message.data, message.headers, self.deliveries)
        except MalformedEvent as error:
            self.problem = error
            self.event = _unreadable(message, tokens[base], self.position, self.deliveries)


class Puller:
    """Pulls for one subscription over one inbox; use it in ``async with``."""

    def __init__(self, broker: Broker, subscription: Subscription) -> None:
        self._broker = broker
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{stream_name(subscription.stream)}.{subscription.durable}"
        self._inbox = ""
        self._messages: list[Msg] = []
        self._status: str | None = None
        self._arrived = asyncio.Event()
        self._request = 0
        self._wanted = 0
        self._nats: NatsSubscription | None = None

    async def __aenter__(self) -> Self:
        client = self._broker.client
        self._inbox = client.new_inbox()
        self._nats = await client.subscribe(
            f"{self._inbox}.*", cb=self._receive, pending_msgs_limit=0, pending_bytes_limit=0
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._nats is None:
            return
        try:
            if self._broker.connected:
                # Drains: a message the broker had sent to a request still open comes in, and is given back below.
                await self._nats.drain()
            else:
                await self._nats.unsubscribe()
        except nats.errors.Error as error:
            log.debug("pull inbox not closed in order", error=type(error).__name__)
        await self.nak([Delivery(message) for message in self._messages], 0)

    async def take(self, most: int, patience: float) -> list[Delivery]:
        """Up to ``most`` messages, in the stream's order: those that are there, else the first to come within
        ``patience`` seconds and those right behind it.

        Raises ConsumerGone if the consumer must be made again, Unavailable if the broker does not answer.
        """
        if not self._messages:
            await self._pull(most, None)
        if not self._messages:
            await self._pull(1, patience)
            if self._messages and most > 1:
                await self._pull(most - 1, None)
        taken, self._messages = self._messages[:most], self._messages[most:]
        # What comes again comes in the order of its delays.
        return sorted((Delivery(message) for message in taken), key=lambda delivery: delivery.position)

    async def settle(self, deliveries: list[Delivery], answer: bytes) -> None:
        """Sends one kind of answer for several messages; those settled before are left alone."""
        open_ones = [delivery for delivery in deliveries if not delivery.settled]
        for delivery in open_ones:
            delivery.settled = True
        if open_ones:
            await self._send([plain_command(delivery.reply, answer) for delivery in open_ones])

    async def ack(self, deliveries: list[Delivery]) -> None:
        """Done, never deliver again. If the broker is away it will, and the inbox skips it."""
        await self.settle(deliveries, _ACK)

    async def nak(self, deliveries: list[Delivery], delay: float) -> None:
        """Deliver again, after ``delay`` seconds."""
        await self.settle(deliveries, _NAK + b" " + json.dumps({"delay": int(delay * 1e9)}).encode() if delay else _NAK)

    async def term(self, deliveries: list[Delivery]) -> None:
        """Never deliver again, though not done."""
        await self.settle(deliveries, _TERM)

    async def extend(self, deliveries: list[Delivery]) -> None:
        """Still at it: the time until redelivery starts anew."""
        working = [delivery for delivery in deliveries if not delivery.settled]
        if working:
            await self._send([plain_command(delivery.reply, _IN_PROGRESS) for delivery in working])

    async def _send(self, commands: list[bytes]) -> None:
        """Sends once connected; after a while it gives up, since the broker will deliver again by then."""
        try:
            async with asyncio.timeout(_RECONNECT):
                await self._broker.wait_connected()
            await self._broker.client.send(commands)
        except (TimeoutError, Unavailable):
            log.warning("broker not told in time; it will deliver again", messages=len(commands))

    def interrupt(self) -> None:
        """Ends the wait of the open request: its answer cannot come any more, or is not wanted."""
        self._status = "interrupted"
        self._arrived.set()

    async def _pull(self, most: int, patience: float | None) -> None:
        """One request to the broker; returns when it is served or answered by a status."""
        self._request += 1
        self._status = None
        body: dict[str, int | bool] = {"batch": most, "max_bytes": MAX_BYTES}
        if patience is None:
            body["no_wait"] = True
        else:
            body["expires"] = int(patience * 1e9)
        self._wanted = len(self._messages) + most
        self._arrived.clear()
        await self._broker.client.publish(self._next, json.dumps(body).encode(), reply=f"{self._inbox}.{self._request}")
        try:
            async with asyncio.timeout((patience or 0.0) + _GRACE):
                await self._arrived.wait()
        except TimeoutError:
            if self._messages:
                return
            raise unavailable() from None
        if self._status is not None and self._status.startswith(
            ("503", "409 Consumer Deleted", "409 Consumer is push")
        ):
            raise ConsumerGone(self._status)

    async def _receive(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status")
        if status is not None and not message.data and message.subject.startswith(self._inbox):
            # Statuses of earlier requests are old news; messages of theirs are as good as any.
            if message.subject == f"{self._inbox}.{self._request}":
                self._status = f"{status} {(message.headers or {}).get('Description', '')}"
                self._arrived.set()
            return
        self._messages.append(message)
        if len(self._messages) >= self._wanted:
            self._arrived.set()


def _unreadable(message: Msg, stream: str, position: int, deliveries: int) -> Event:
    """What can be said of a message that is not an event: enough to put it aside under a stable id."""
    return Event(
        id=uuid5(NAMESPACE_URL, f"nats:{stream}:{position}"),
        type=message.subject,
        aggregate_id="",
        aggregate_version=0,
        tenant="",
        time=datetime.now(UTC),
        payload=message.data,
        headers=message.headers or {},
        deliveries=deliveries,
    )
