"""What operators are told: metrics with the alarms they are for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from prometheus_client import Counter, Gauge
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.clock import SystemClock
from sealwright_common.runtime.db import Database

from sealwright_rotator.usecases.rotate import Round

log = structlog.get_logger(__name__)

runway = Gauge(
    "sealwright_rotator_runway_seconds", "Seconds until the first cohort of an active issuer would have no key."
)
short = Gauge(
    "sealwright_rotator_short_cohorts", "Cohorts of active issuers with fewer than buffer + overlap unexpired keys."
)
keyless = Gauge("sealwright_rotator_keyless_cohorts", "Cohorts of active issuers without an active key now.")
failing = Gauge("sealwright_rotator_failing_issuers", "Issuers whose last rotation failed and is tried again.")
lag = Gauge("sealwright_rotator_tick_lag_seconds", "How long the issuer that waited longest was due in the last round.")
overdue = Gauge("sealwright_rotator_overdue_seconds", "How long the issuer that waits longest is due now.")
skew = Gauge("sealwright_rotator_clock_skew_seconds", "Clock of this process minus that of the database.")
late = Counter("sealwright_rotator_late_keys", "Keys made after their window had begun.")
made = Counter("sealwright_rotator_keys_made", "Keys made.")
moved = Counter("sealwright_rotator_keys_moved", "Keys that went on in their life.")
failed = Counter("sealwright_rotator_failed_rotations", "Rotations that did not succeed.")

SKEW_ALARM = 5.0
"""Seconds of clock skew from which a warning is logged at every look."""

_LOOK = """
select clock_timestamp() as now,
       (select count(*) from time_aware_issuer where failures > 0) as failing,
       (select min(due_at) from time_aware_issuer where due_at is not null) as due_at,
       cohorts.*
from (select min(c.last_end) as last_end,
             count(*) filter (where c.unexpired < c.modulus) as short,
             count(*) filter (where not c.active) as keyless
      from (select i.buffer + i.overlap as modulus,
                   coalesce(max(k.end_at), i.created_at) as last_end,
                   count(k.id) filter (where k.end_at > $1) as unexpired,
                   coalesce(bool_or(k.start_at <= $1 and k.end_at > $1), i.valid_from > $1) as active
            from time_aware_issuer i cross join unnest(i.cohorts) as cohort (number)
            left join time_aware_keys k on k.time_aware_issuer_id = i.id and k.cohort = cohort.number
                                       and k.state in ('PUBLISHED', 'ACTIVE')
            where i.state = 'ACTIVE' and (i.expires_at is null or i.expires_at > $1)
            group by i.id, cohort.number) c) cohorts
"""


class Alarms:
    """Keeps the metrics; a gauge that needs the database is looked up every quarter of a minute.

    A part of the app: not ready while the clock differs from the database's by more than ``most``, since windows would
    then be decided by a wrong time.
    """

    name = "clock"

    def __init__(self, database: Database[Any], most: timedelta, clock: Clock | None = None) -> None:
        self._database = database
        self._most = most.total_seconds()
        self._clock = clock or SystemClock()
        self._skew = 0.0

    async def start(self) -> None:
        """Nothing: a worker looks."""

    async def stop(self) -> None:
        """Nothing."""

    def ready(self) -> str | None:
        """Why the clock is not to be trusted; None if it is."""
        if abs(self._skew) <= self._most:
            return None
        return f"the clock differs from the database's by {self._skew:.0f} s; mend it"

    def check(self) -> None:
        """Returns if the clock is to be trusted; Unavailable CLOCK_SKEWED else."""
        if (why := self.ready()) is not None:
            raise Unavailable(Reason.CLOCK_SKEWED, why)

    def seen(self, done: Round) -> None:
        """Counts what a round of the job did."""
        made.inc(done.made)
        moved.inc(done.moved)
        late.inc(done.late)
        failed.inc(done.failed)
        lag.set(done.lag.total_seconds())
        if done.late:
            log.warning("keys were made after their window had begun", count=done.late)

    async def look(self) -> None:
        """Looks the gauges up."""
        before = self._clock.now()
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_LOOK, before)
        if row is None:
            return
        middle = before + (self._clock.now() - before) / 2
        difference = self._skew = (middle - row["now"]).total_seconds()
        skew.set(difference)
        failing.set(row["failing"])
        short.set(row["short"])
        keyless.set(row["keyless"])
        runway.set(_seconds(row["last_end"], before) if row["last_end"] is not None else float("inf"))
        overdue.set(max(0.0, -_seconds(row["due_at"], before)) if row["due_at"] is not None else 0.0)
        if abs(difference) > SKEW_ALARM:
            log.warning("the clock differs from that of the database; mend one of them", seconds=round(difference, 3))
        if row["keyless"]:
            log.warning("cohorts without an active key", count=row["keyless"])


def _seconds(moment: datetime, now: datetime) -> float:
    return (moment.astimezone(UTC) - now).total_seconds()
