"""What has served its time goes: used nonces, expired tokens, the claims of offers that are over."""

from __future__ import annotations

from dataclasses import dataclass

from sealwright_certify.usecases.oid4vci.ports import Oid4vciStore

BATCH = 5000
"""Rows of a kind that one run deletes."""


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Cleans in the background."""

    store: Oid4vciStore

    async def run(self) -> bool:
        """One batch of each kind; True if there may be more."""
        async with self.store.begin_system("oid4vci forget") as work:
            return await work.once.forget(work.now, BATCH) >= BATCH
