"""Rotation without a signer process: a signer in memory that refuses what the real one refuses, and worlds that die."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sealwright_common.domain.call import Call
from sealwright_common.domain.issuers import IssuerKey
from sealwright_common.domain.keys import SCHEDULED_STATES, KeyState
from sealwright_rotator.ports import MadeKey, Store, Work

Slot = tuple[UUID, int, int]


@dataclass
class Held:
    """A key as this signer has it."""

    key_id: UUID
    slot: Slot
    state: KeyState
    start: datetime
    end: datetime


class MemorySigner:
    """The rotator's port with the signer's rules: a key per slot, a batch made once, states forward, windows earlier.

    An AssertionError is a mistake of the rotator.
    """

    def __init__(self) -> None:
        self.batches: dict[UUID, list[MadeKey]] = {}
        self.held: dict[UUID, Held] = {}
        self.slots: dict[Slot, UUID] = {}
        self.repeats = 0

    async def make(self, keys: Sequence[IssuerKey]) -> list[MadeKey]:
        """Makes keys, once per batch."""
        assert len({key.batch for key in keys}) == 1
        batch = keys[0].batch
        if batch in self.batches:
            self.repeats += 1
            held = [self.held[made.key_id].slot for made in self.batches[batch]]
            assert held == [slot_of(key) for key in keys], "a batch was repeated with other slots"
            return self.batches[batch]
        made: list[MadeKey] = []
        for key in keys:
            assert slot_of(key) not in self.slots, f"slot {slot_of(key)} was made twice"
            key_id = uuid4()
            self.slots[slot_of(key)] = key_id
            self.held[key_id] = Held(key_id, slot_of(key), KeyState.PUBLISHED, key.window.start, key.window.end)
            made.append(MadeKey(key_id, key_id.bytes * 2))
        self.batches[batch] = made
        return made

    async def advance(self, keys: Sequence[IssuerKey]) -> None:
        """Moves keys along."""
        for key in keys:
            assert key.key_id is not None
            held = self.held[key.key_id]
            assert held.state in SCHEDULED_STATES, f"{held} no longer follows a schedule"
            held.start, held.end = min(held.start, key.window.start), min(held.end, key.window.end)
            if SCHEDULED_STATES.index(key.state) > SCHEDULED_STATES.index(held.state):
                held.state = key.state

    async def destroy(self, key: IssuerKey) -> datetime:
        """Schedules a destruction."""
        assert key.key_id is not None
        assert key.destroy_at is not None
        self.held[key.key_id].state = KeyState.DESTROY_SCHEDULED
        return key.destroy_at

    async def condemn(self, key: IssuerKey, note: str) -> None:
        """Marks a key compromised."""
        assert key.key_id is not None
        self.held[key.key_id].state = KeyState.COMPROMISED

    async def sign(self, key: IssuerKey, message: bytes) -> bytes:
        """Not a signature."""
        return bytes(64)


def slot_of(key: IssuerKey) -> Slot:
    """The slot of a key."""
    return key.issuer.id, key.cohort, key.slot


class Killed(Exception):
    """The process died here."""


@dataclass
class Fate:
    """Decides when a process dies."""

    random: random.Random
    chance: float
    kills: int = 0
    armed: bool = field(default=True)

    def step(self) -> None:
        """Perhaps the last thing that happens."""
        if self.armed and self.random.random() < self.chance:
            self.kills += 1
            raise Killed


class MortalStore:
    """A store whose process may die before, inside and right after any transaction."""

    def __init__(self, store: Store, fate: Fate) -> None:
        self._store = store
        self._fate = fate

    def begin(self, call: Call) -> Any:
        """As the store's."""
        return self._mortal(self._store.begin(call))

    def begin_system(self, name: str, tenant: str = "default") -> Any:
        """As the store's."""
        return self._mortal(self._store.begin_system(name, tenant))

    def read(self, call: Call | None = None) -> Any:
        """As the store's."""
        return self._store.read(call)

    @asynccontextmanager
    async def _mortal(self, transaction: Any) -> AsyncIterator[Work]:
        self._fate.step()
        async with transaction as work:
            yield work
            self._fate.step()
        self._fate.step()


class MortalSigner:
    """A signer whose caller may die before and right after any call."""

    def __init__(self, signer: MemorySigner, fate: Fate) -> None:
        self._signer = signer
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._signer, name)

        async def call(*args: Any) -> Any:
            self._fate.step()
            answer = await inner(*args)
            self._fate.step()
            return answer

        return call
