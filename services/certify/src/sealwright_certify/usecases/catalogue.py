"""What may be asked for, as doors ask for it with every request: definitions with the attestations that they need."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import CredentialDefinition

from sealwright_certify.ports import AttestationDefinition, Store
from sealwright_certify.usecases.evaluate import definitions_for, sources_for

FRESH = 1.0
"""Seconds an answer is kept in memory. What this instance changes, and what it hears of, shortens it to nothing."""

MOST_KEPT = 1000
"""Answers that are kept."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Definitions in the order they were asked for, and the attestation definitions that they need, by id."""

    definitions: Sequence[CredentialDefinition]
    sources: Mapping[str, AttestationDefinition]


class Catalogue:
    """Answers from memory what was asked a moment ago; what was not found is never remembered."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[tuple[str, tuple[str, ...]], tuple[float, Offered]] = {}
        self._locks: dict[tuple[str, tuple[str, ...]], asyncio.Lock] = {}
        self._forgotten = 0
        """Counts what was forgotten: what was being read meanwhile may be older, and is not kept."""

    async def of(self, tenant: str, ids: tuple[str, ...]) -> Offered:
        """The definitions in use, at most a second old.

        Raises NotFound naming those that do not exist, FailedPrecondition if one needs an attestation that is gone.
        """
        offered = self._remembered(tenant, ids)
        if offered is None:
            # Those who ask for the same at the same moment wait for the first of them.
            try:
                async with self._locks.setdefault((tenant, ids), asyncio.Lock()):
                    offered = self._remembered(tenant, ids) or await self._read(tenant, ids)
            finally:
                self._locks.pop((tenant, ids), None)
        return offered

    def _remembered(self, tenant: str, ids: tuple[str, ...]) -> Offered | None:
        kept = self._kept.get((tenant, ids))
        return kept[1] if kept is not None and self._clock.monotonic() - kept[0] <= FRESH else None

    async def _read(self, tenant: str, ids: tuple[str, ...]) -> Offered:
        now, forgotten = self._clock.monotonic(), self._forgotten
        async with self._store.read() as work:
            definitions = await definitions_for(work, tenant, ids)
            offered = Offered(definitions, await sources_for(work, tenant, definitions))
        if forgotten == self._forgotten:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[tenant, ids] = now, offered
        return offered

    def forget(self) -> None:
        """Reads anew at the next question: a definition was stored or deleted."""
        self._forgotten += 1
        self._kept.clear()
