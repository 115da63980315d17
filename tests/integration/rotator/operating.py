"""A rotator in the test's own process, on a real database, with a clock that is moved by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sealwright_common.domain.call import Call
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import Unavailable
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuers import Issuer, IssuerKey
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose
from sealwright_common.domain.schedule import Schedule, ScheduleMode
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.db import Database
from sealwright_rotator.adapters.postgres import RotatorWork
from sealwright_rotator.ports import MadeKey, World
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from sealwright_rotator.usecases.queries import get_active_keys
from sealwright_rotator.usecases.rotate import Round, rotate

from tests.support.rotation import MemorySigner

START = datetime(2026, 3, 1, tzinfo=UTC)
CALL = Call(caller="spiffe://sealwright/operator", roles=frozenset({"operator"}))


class FailingSigner(MemorySigner):
    """Refuses, or is away for, the issuers it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: dict[str, Exception] = {}
        self.away: Unavailable | None = None

    async def make(self, keys: Any) -> list[MadeKey]:
        """Fails as told."""
        if (problem := self.fails.get(keys[0].issuer.issuer_type)) is not None:
            raise problem
        return await super().make(keys)

    async def sign(self, key: IssuerKey, message: bytes) -> bytes:
        """Fails while away."""
        if self.away is not None:
            raise self.away
        return await super().sign(key, message)


@dataclass
class Here:
    """One rotator in this process."""

    world: World
    clock: ManualClock
    signer: FailingSigner
    database: Database[RotatorWork]
    creating: CreateIssuer

    async def create(self, name: str, call: Call = CALL, **over: Any) -> list[IssuerKey]:
        """Creates an issuer; its keys."""
        schedule = Schedule.checked(**(
            {"valid_from": self.clock.now(), "duration": CalendarDuration(days=1), "buffer": 2, "overlap": 1,
             "mode": ScheduleMode.WINDOW, "expires_at": None, "publish_lead": timedelta(hours=6)}
            | over
        ))  # fmt: skip
        wanted = Issuer.checked(
            id=new_id(self.clock.now()),
            tenant="default",
            issuer_type=name,
            cohorts=(),
            max_tokens=None,
            schedule=schedule,
            algorithm=KeyAlgorithm.EDDSA,
            purpose=KeyPurpose.TRANSACTION,
            protection=None,
            verify_for=timedelta(days=2),
            destroy_delay=timedelta(days=7),
            allow_legacy_protocol=False,
            now=self.clock.now(),
        )
        return list((await self.creating(call, wanted)).keys)

    async def tick(self, **later: float) -> Round:
        """One round after some time."""
        await self.clock.advance(timedelta(**later))
        return await rotate(self.world)

    async def keys(self, name: str) -> dict[int, IssuerKey]:
        """Every key of an issuer by slot."""
        async with self.database.read() as work:
            issuer = await work.issuers.find("default", name)
            assert issuer is not None
            return {key.slot: key for key in await work.keys.of_issuer(issuer)}

    async def active(self, name: str) -> list[int]:
        """Active slots."""
        return [key.slot for key in (await get_active_keys(self.world, CALL, name, 1, None)).active]

    async def transactions(self) -> int:
        """How many have changed the key log."""
        async with self.database.read() as work:
            return len(await work.connection.fetch("select distinct xmin::text from key_log"))

    async def events(self) -> list[str]:
        """Types of all events, in order."""
        async with self.database.read() as work:
            rows = await work.connection.fetch("select type from outbox order by seq")
        return [row["type"].rsplit(".", 1)[1] for row in rows]
