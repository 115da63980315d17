"""The background work of the rotator: the rotation job, the heads of the logs, and its own signing key."""

from __future__ import annotations

from collections.abc import Callable

from sealwright_rotator.ports import World
from sealwright_rotator.usecases.audit_heads import sign_audit_heads
from sealwright_rotator.usecases.authority import ensure_authority
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from sealwright_rotator.usecases.key_log import sign_head
from sealwright_rotator.usecases.rotate import Round, rotate


class Job:
    """Rounds of the rotation job; ``check`` refuses while the clock is wrong, ``seen`` is told what each round did."""

    def __init__(self, world: World, batch: int, check: Callable[[], None], seen: Callable[[Round], None]) -> None:
        self._world = world
        self._batch = batch
        self._check = check
        self._seen = seen

    async def run(self) -> bool:
        """One round; True if there is more to do at once."""
        self._check()
        done = await rotate(self._world, self._batch)
        self._seen(done)
        return done.claimed == self._batch


class Heads:
    """Signs the heads of the key log and of audit logs with a key of the rotator's own issuer, made first."""

    def __init__(self, world: World, create: CreateIssuer) -> None:
        self._world = world
        self._create = create
        self._ensured = False

    async def run(self) -> bool:
        """One look at the logs; True if there is more to do at once."""
        if not self._ensured:
            await ensure_authority(self._world, self._create)
            self._ensured = True
        await sign_head(self._world)
        return await sign_audit_heads(self._world)
