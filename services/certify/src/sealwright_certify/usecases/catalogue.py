"""What may be asked for, as doors ask for it with every request: definitions with the attestations that they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.credentials import CredentialDefinition

from sealwright_certify.ports import AttestationDefinition, Store
from sealwright_certify.usecases.evaluate import definitions_for, sources_for
from sealwright_certify.usecases.remembered import Remembered

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
        self._kept: Remembered[tuple[str, tuple[str, ...]], Offered] = Remembered(clock, MOST_KEPT)

    async def of(self, tenant: str, ids: tuple[str, ...]) -> Offered:
        """The definitions in use, at most a second old.

        Raises NotFound naming those that do not exist, FailedPrecondition if one needs an attestation that is gone.
        """
        return await self._kept.get((tenant, ids), lambda: self._read(tenant, ids))

    def forget(self) -> None:
        """Reads anew at the next question: a definition was stored or deleted."""
        self._kept.forget()

    async def _read(self, tenant: str, ids: tuple[str, ...]) -> Offered:
        async with self._store.read() as work:
            definitions = await definitions_for(work, tenant, ids)
            return Offered(definitions, await sources_for(work, tenant, definitions))
