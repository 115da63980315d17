"""The relay part: moves committed events from the outbox to JetStream.

Order: ``seq`` rises in commit order per aggregate (it is taken while the aggregate's rows are locked), a snapshot that
shows an aggregate's second event shows its first, and rows are published by rising ``seq``. One relay at a time works
on an outbox, chosen per round by an advisory lock, so that replicas cannot interleave an aggregate's events; there is
no "id greater than the last one seen", which would skip transactions that commit late.

A relay that dies between publishing and marking publishes again; the broker's duplicate window takes most of that and
the consumers' inbox the rest.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from sealwright_common.domain.errors import Unavailable
from sealwright_common.runtime.db.connection import Connection
from sealwright_common.runtime.db.database import Database
from sealwright_common.runtime.events import dead_letters, metrics
from sealwright_common.runtime.events.broker import Broker, BrokerRefused, BrokerUnsuitable, NoStream
from sealwright_common.runtime.events.publishing import COLUMNS, MAX_BATCH, Outgoing, Unpublishable, publish
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.worker import Worker

log = structlog.get_logger(__name__)

POLL = timedelta(milliseconds=200)
"""How often the outbox is looked at for events of other processes; commits of this process wake the relay at once.

No LISTEN/NOTIFY: a notifying commit takes a lock on the whole server, which would queue all writers.
"""
LOCK = 0x5EA1_0003
"""Advisory lock of whoever publishes from this outbox."""
FAULT_POINTS = ("relay.taken", "relay.published", "relay.marked", "relay.committed")

_PUBLISHED = """select exists(select from outbox
    where not exists (select from outbox_pending pending where pending.seq = outbox.seq))"""
_ANYTHING = "select exists(select from outbox_pending)"
_TAKE = f"""select {COLUMNS} from outbox
    where seq = any(array(select seq from outbox_pending order by seq limit $1)) order by seq"""  # noqa: S608 - constants
_MARK = "delete from outbox_pending where seq = any($1::bigint[])"
_SET_ASIDE_AS = "relay"
_BUSY = timedelta(milliseconds=20)


class Relay:
    """Publishes the outbox of ``service`` to its stream. Every replica runs one; they take turns.

    A commit wakes it at once, or ``gather`` later: where nobody waits for the events, those of several commits then go
    out together, which costs the database and the broker once instead of each time.
    """

    def __init__(
        self,
        database: Database[Any],
        broker: Broker,
        *,
        service: str,
        batch: int = MAX_BATCH,
        gather: timedelta = timedelta(0),
    ) -> None:
        if not 1 <= batch <= MAX_BATCH:
            raise ValueError(f"batch must be 1 to {MAX_BATCH}")
        self.name = "relay"
        self._database = database
        self._broker = broker
        self._service = service
        self._batch = batch
        self._stream_checked = False
        self._problem: str | None = "not started"
        self._worker = Worker("relay", self._round, POLL)
        self._gather = gather.total_seconds()
        self._timer: asyncio.TimerHandle | None = None
        self._told = False
        """Whether this process committed events since the last round."""
        database.on_events_committed(self._committed)
        broker.on_connected(self._worker.wake)

    async def start(self) -> None:
        """Begins; database and broker may come later."""
        self._problem = "the stream was not checked yet"
        await self._worker.start()

    async def drain(self) -> None:
        """Finishes the batch in hand."""
        await self._worker.drain()

    async def stop(self) -> None:
        """Ends; what is not published stays in the outbox."""
        await self._worker.stop()

    def ready(self) -> str | None:
        """None once the stream is there and while the last attempt did not fail, else why not."""
        return self._problem

    def _committed(self) -> None:
        self._told = True
        if not self._gather:
            self._worker.wake()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._gather, self._gathered)

    def _gathered(self) -> None:
        self._timer = None
        self._worker.wake()

    async def _round(self) -> bool | timedelta | None:
        if not self._broker.connected:
            # Not an error: its return wakes us, and what is committed meanwhile stays in the outbox.
            self._problem = self._broker.ready() or "the broker is not connected"
            return None
        if self._database.ready() is not None:
            self._problem = "the database is not ready"
            return None
        try:
            if not self._stream_checked:
                await self._check_stream()
            more = await self._publish_some()
        except NoStream:
            self._stream_checked = False
            self._problem = "the stream is gone"
            return True
        except (Unavailable, BrokerRefused, BrokerUnsuitable) as error:
            self._problem = str(error)
            raise
        self._problem = None
        return more

    async def _check_stream(self) -> None:
        made = await self._broker.ensure_stream(self._service, own=True)
        if made:
            async with self._database.connection() as connection:
                lost = await connection.fetchval(_PUBLISHED)
            if lost:
                log.error("the stream was missing though events were published; replay them", service=self._service)
        self._stream_checked = True

    async def _publish_some(self) -> bool | timedelta | None:
        """One batch; True if there may be more, the pause if another replica is at it, None if there was nothing."""
        told, self._told = self._told, False
        async with self._database.connection() as connection:
            # A round that nobody asked for mostly finds nothing: one statement says so.
            if not told and not await connection.fetchval(_ANYTHING):
                metrics.UNPUBLISHED_AGE.set(0)
                return None
            async with connection.transaction():
                if not await connection.fetchval("select pg_try_advisory_xact_lock($1)", LOCK):
                    return _BUSY
                rows = await connection.fetch(_TAKE, self._batch)
                if not rows:
                    metrics.UNPUBLISHED_AGE.set(0)
                    return None
                events = [Outgoing.of(row) for row in rows]
                metrics.UNPUBLISHED_AGE.set(_age(events[0]))
                fault_point("relay.taken")
                await self._publish(connection, events)
                await connection.execute(_MARK, [outgoing.seq for outgoing in events])
                fault_point("relay.marked")
        fault_point("relay.committed")
        metrics.PUBLISHED.inc(len(events))
        metrics.PUBLISH_DELAY.observe(_age(events[0]))
        # What this process committed meanwhile has woken the next round.
        return len(rows) == self._batch or None

    async def _publish(self, connection: Connection, events: list[Outgoing]) -> None:
        """Publishes ``events``; one that cannot pass becomes a dead letter of the relay, and the rest goes on."""
        try:
            duplicates = await publish(self._broker, self._service, events)
        except Unpublishable as error:
            log.error("event put aside", type=error.event.type, id=str(error.event.id), problem=str(error))
            await dead_letters.put_outgoing(connection, _SET_ASIDE_AS, error.event, str(error))
            rest = [outgoing for outgoing in events if outgoing is not error.event]
            if rest:
                await self._publish(connection, rest)
            return
        fault_point("relay.published")
        if duplicates:
            log.info("published again", service=self._service, known=duplicates, events=len(events))


def _age(outgoing: Outgoing) -> float:
    return max(0.0, (datetime.now(UTC) - outgoing.recorded_at).total_seconds())
