"""Rates per caller that hold over all instances: GCRA, with its state in PostgreSQL.

The generic cell rate algorithm keeps one moment per caller, the theoretical arrival time: each call moves it by 1/rate,
and a call is refused while it would be more than the burst ahead of now. Instances take permits in small leases, so
that a fast caller costs a statement per 10 ms and not per call.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from sealwright_common.domain.errors import Reason, ResourceExhausted

BURST = 1.0
"""Seconds' worth of calls that may come at once after a pause."""
LEASE = 0.01
"""Seconds' worth of permits an instance takes at a time; what it does not use within a second is lost."""
MAX_CALLERS = 10_000
"""Callers an instance remembers; the state that counts is in the database."""

_CLEAN_EVERY = 5000

# In the order of the keys, so that two instances that lease for the same callers cannot wait for each other.
_TAKE = """
    with taken as (
        insert into rate_limit (key, arrival)
        select key, clock_timestamp() + $2 from unnest($1::text[]) as wanted (key) order by key
        on conflict (key) do update set arrival = greatest(rate_limit.arrival, clock_timestamp()) + $2
            where rate_limit.arrival + $2 <= clock_timestamp() + $3
        returning key
    )
    select key, taken.key is not null as taken, arrival + $2 - $3 - clock_timestamp() as wait
    from unnest($1::text[]) as wanted (key) left join taken using (key) left join rate_limit using (key)
"""
_CLEAN = "delete from rate_limit where arrival < clock_timestamp() - interval '1 hour'"


class Connections(Protocol):
    """Where a connection comes from; the Database is one."""

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """A connection outside any transaction."""
        ...


@dataclass(slots=True)
class _Bucket:
    """What this instance may still give out to one caller."""

    size: int
    permits: int = 0
    expires: float = 0.0
    refused_until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RateLimiter:
    """Admits calls at the given rates (calls per second by rate class); classes without a rate are not limited."""

    def __init__(self, database: Connections, rates: Mapping[str, float]) -> None:
        for name, rate in rates.items():
            if not (math.isfinite(rate) and rate > 0):
                raise ValueError(f"limits.rates.{name} is {rate}; it must be a positive number of calls per second")
        self._database = database
        self._rates = dict(rates)
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._takes = 0
        self._wanted: dict[tuple[timedelta, timedelta], list[tuple[str, asyncio.Future[timedelta | None]]]] = {}
        self._taking: asyncio.Task[None] | None = None

    async def admit(self, rate_class: str, caller: str) -> None:
        """Return if ``caller`` may make one more call of this class now.

        Raises ResourceExhausted with the time to wait otherwise, Unavailable while the database is away.
        """
        rate = self._rates.get(rate_class)
        if rate is None:
            return
        key = _key(rate_class, caller)
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(size=max(1, math.floor(rate * LEASE)))
            if len(self._buckets) > MAX_CALLERS:
                self._buckets.popitem(last=False)
        if not self._use(bucket, rate_class):
            async with bucket.lock:
                # Another call may have taken a lease, or been refused one, while this one waited.
                if not self._use(bucket, rate_class):
                    await self._lease(key, bucket, rate)
                    self._use(bucket, rate_class)

    def demand(self, rate_class: str, caller: str) -> None:
        """Raise ResourceExhausted if this instance knows, without asking, that ``caller`` has to wait. Takes nothing.

        For what is cheaper than ``admit`` and may come first, also from somebody who only claims to be the caller.
        """
        bucket = self._buckets.get(_key(rate_class, caller))
        if bucket is not None:
            self._refuse_early(bucket, rate_class, asyncio.get_running_loop().time())

    def _refuse_early(self, bucket: _Bucket, rate_class: str, now: float) -> None:
        if now < bucket.refused_until:
            raise ResourceExhausted(
                Reason.RATE_LIMITED,
                f"more than {self._rates[rate_class]:g} calls of class {rate_class} per second; "
                "try again after the given delay",
                retry_after=timedelta(seconds=bucket.refused_until - now),
            )

    def _use(self, bucket: _Bucket, rate_class: str) -> bool:
        now = asyncio.get_running_loop().time()
        self._refuse_early(bucket, rate_class, now)
        if bucket.permits and now < bucket.expires:
            bucket.permits -= 1
            return True
        return False

    async def _lease(self, key: str, bucket: _Bucket, rate: float) -> None:
        step = timedelta(seconds=bucket.size / rate)
        burst = timedelta(seconds=max(BURST, bucket.size / rate))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[timedelta | None] = loop.create_future()
        self._wanted.setdefault((step, burst), []).append((key, answer))
        if self._taking is None:
            self._taking = loop.create_task(self._take(), name="rate limits")
        wait = await answer
        if wait is None:
            bucket.permits, bucket.expires = bucket.size, loop.time() + 1.0
        else:
            bucket.permits, bucket.refused_until = 0, loop.time() + max(0.001, wait.total_seconds())

    async def _take(self) -> None:
        """Takes the leases that are wanted, all of one rate by one statement; what comes meanwhile goes together next.

        Each gets None if it was taken, else the time to wait.
        """
        while self._wanted:
            (step, burst), leases = self._wanted.popitem()
            try:
                async with self._database.connection() as connection:
                    # Once each: a caller whose bucket was dropped meanwhile may be here twice.
                    rows = await connection.fetch(_TAKE, list({key for key, _ in leases}), step, burst)
                    self._takes += 1
                    if self._takes % _CLEAN_EVERY == 0:
                        await connection.execute(_CLEAN)
                # A row that another instance wrote this very moment is not seen yet.
                waits = {row["key"]: None if row["taken"] else row["wait"] or timedelta(0) for row in rows}
            except Exception as error:  # noqa: BLE001 - those who wait are told
                for _, answer in leases:
                    if not answer.done():
                        answer.set_exception(error)
                continue
            for key, answer in leases:
                if not answer.done():
                    answer.set_result(waits[key])
        self._taking = None


def _key(rate_class: str, caller: str) -> str:
    return f"{rate_class} {caller}"
