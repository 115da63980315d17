"""Three rotators, random deaths, a clock that jumps: exactly the scheduled keys, never a gap, never a slot twice."""

from __future__ import annotations

import asyncio
import os
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sealwright_common.domain.call import system_call
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, KeyState
from sealwright_common.domain.schedule import Schedule, ScheduleMode
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_rotator.adapters.postgres import RotatorWork
from sealwright_rotator.codec.resources import encode_event
from sealwright_rotator.main import MIGRATIONS
from sealwright_rotator.ports import Signer, World
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from sealwright_rotator.usecases.lifecycle import LIVE
from sealwright_rotator.usecases.rotate import rotate

from tests.support.rotation import Fate, Killed, MemorySigner, MortalSigner, MortalStore

ROTATIONS = int(os.environ.get("SEALWRIGHT_ROTATIONS", "10000"))
START = datetime(2026, 1, 30, 23, tzinfo=UTC)
LEASE = timedelta(seconds=30)
MOST_STEP = timedelta(minutes=45)
"""The clock's longest step without an outage: less than the shortest duration, so that rounds meet every window."""

Databases3 = list[Database[RotatorWork]]


@pytest_asyncio.fixture
async def databases(database_dsn: str) -> AsyncIterator[tuple[ManualClock, Databases3]]:
    """Three replicas' pools on one database, and the clock they share.

    It is the rotators that die here and never the database, so no commit has to wait for the disk.
    """
    clock = ManualClock(START)
    dsn = f"{database_dsn}{'&' if '?' in database_dsn else '?'}synchronous_commit=off"
    made = [
        Database(
            DatabaseSettings(dsn=SecretStr(dsn), pool_size=2),
            work=RotatorWork,
            encode_event=encode_event,
            migrations=MIGRATIONS,
            clock=clock,
            name=f"replica {n}",
        )
        for n in range(3)
    ]
    for database in made:
        await database.start()
        await database.wait_available()
    yield clock, made
    for database in made:
        await database.stop()


def issuers(rng: random.Random, count: int) -> list[Issuer]:
    """Issuers of both modes with hours, days and months between their keys."""
    found: list[Issuer] = []
    for n in range(count):
        schedule = Schedule.checked(
            valid_from=START - timedelta(minutes=rng.randrange(200)),
            duration=CalendarDuration.parse(rng.choice(["PT1H", "PT1H", "PT2H", "PT90M", "P1D", "P1M"])),
            buffer=rng.randint(1, 3),
            overlap=rng.randint(0, 2),
            mode=rng.choice(list(ScheduleMode)),
            expires_at=None,
            publish_lead=timedelta(minutes=rng.choice([10, 30, 60])),
        )
        found.append(
            Issuer.checked(
                id=new_id(START),
                tenant="default",
                issuer_type=f"issuer-{n}",
                cohorts=rng.choice([(1,), (1, 2)]),
                max_tokens=None,
                schedule=schedule,
                algorithm=KeyAlgorithm.EDDSA,
                purpose=KeyPurpose.TRANSACTION,
                protection=None,
                verify_for=timedelta(hours=3),
                destroy_delay=None,
                allow_legacy_protocol=False,
                now=START,
            )
        )
    return found


async def until_idle(world: World) -> int:
    """Rounds until nothing is due; keys made."""
    made = 0
    while (done := await rotate(world, 60)).claimed:
        made += done.made
    return made


async def until_death(world: World) -> None:
    """Rounds until nothing is due or the process dies."""
    try:
        await until_idle(world)
    except Killed:
        return


class History:
    """What was seen of every key, to compare with what is seen next."""

    def __init__(self) -> None:
        self.keys: dict[UUID, IssuerKey] = {}
        self.outages: list[tuple[datetime, datetime]] = []
        self.last: dict[tuple[UUID, int], int] = {}
        self.keys_seen_at = datetime.min.replace(tzinfo=UTC)

    def check(self, keys: list[IssuerKey], now: datetime, signer: MemorySigner) -> None:
        """Every invariant, at a moment when everything due was done."""
        cohorts: dict[tuple[UUID, int], list[IssuerKey]] = defaultdict(list)
        for key in keys:
            cohorts[key.issuer.id, key.cohort].append(key)
            schedule, before = key.issuer.schedule, self.keys.get(key.id)
            if before is not None:
                assert key.window == before.window, "a published window never changes"
                assert key.version >= before.version
            else:
                assert key.window == schedule.window(key.slot), "a window is the pure function of its slot"
                assert key.window.end > self.keys_seen_at, "a lapsed slot was made"
            assert key.key_id == signer.slots[key.issuer.id, key.cohort, key.slot]
            self.keys[key.id] = key
        for of_cohort in cohorts.values():
            schedule = of_cohort[0].issuer.schedule
            active = [k.slot for k in of_cohort if k.state is KeyState.ACTIVE]
            assert active == [w.slot for w in schedule.active_at(now)], "exactly the scheduled keys are active"
            assert all(k.state is not KeyState.PENDING for k in of_cohort)
            usable = [k for k in of_cohort if k.usable(now) and k.window.end > now]
            assert len(usable) >= schedule.modulus
            slots = [k.slot for k in of_cohort]
            assert slots == sorted(set(slots)), "no slot twice"
            cohort = (of_cohort[0].issuer.id, of_cohort[0].cohort)
            last = self.last.get(cohort, -1)
            self._gaps(last, [key for key in of_cohort if key.slot > last], schedule)
            self.last[cohort] = slots[-1]
        self.keys_seen_at = now

    def _gaps(self, last: int, keys: list[IssuerKey], schedule: Schedule) -> None:
        """A slot is missing only if it lapsed whole in an outage; else keys are public a lead before they start."""
        for key in keys:
            missing, last = range(last + 1, key.slot), key.slot
            for slot in missing:
                window = schedule.window(slot)
                assert window is not None
                assert window.end <= key.created_at, f"slot {slot} was skipped while it could have signed"
            if key.published_at is not None and key.slot >= schedule.modulus:
                due = max(schedule.due_time(key.slot), key.issuer.created_at)
                slack = key.published_at - due
                out = any(a <= due <= b for a, b in self.outages)
                late = f"slot {key.slot} came {slack} late without an outage"
                assert out or slack <= MOST_STEP + timedelta(minutes=1), late


@pytest.mark.promise(11)
@pytest.mark.timeout(600)
async def test_schedule_holds(databases: tuple[ManualClock, Databases3]) -> None:
    clock, replicas = databases
    seed = int(os.environ.get("SEALWRIGHT_SEED", "11"))
    rng = random.Random(seed)
    signer, history = MemorySigner(), History()
    fates = [Fate(random.Random(seed + n), 0.1) for n in range(3)]
    worlds = [
        World(MortalStore(database, fate), cast(Signer, MortalSigner(signer, fate)), clock, LEASE)
        for database, fate in zip(replicas, fates, strict=True)
    ]
    immortal = World(replicas[0], signer, clock, LEASE)
    for issuer in issuers(rng, 200):
        await CreateIssuer(immortal)(system_call("test"), issuer)
    first = len(signer.held)

    while len(signer.held) - first < ROTATIONS:
        if rng.random() < 0.03:
            began = clock.now()
            await clock.advance(timedelta(hours=rng.randint(2, 80)))
            history.outages.append((began, clock.now() + LEASE * 3))
        else:
            await clock.advance(rng.uniform(0.02, 1) * MOST_STEP)
        await asyncio.gather(*(until_death(world) for world in worlds))
        # What the dead had claimed is due again when their leases end.
        await clock.advance(LEASE + timedelta(seconds=1))
        await until_idle(immortal)
        async with replicas[0].read() as work:
            keys = await work.keys.page(None, "", LIVE, None, 1_000_000)
            assert all(key.issuer.state is IssuerState.ACTIVE for key in keys)
        history.check(keys, clock.now(), signer)

    assert sum(fate.kills for fate in fates) > 50
    assert signer.repeats > 0, "no death ever fell between making a key and storing it"
    print(
        f"{len(signer.held) - first} rotations, {sum(f.kills for f in fates)} deaths, {len(history.outages)} outages, "
        f"{signer.repeats} repeated calls, until {clock.now():%Y-%m-%d}"
    )
