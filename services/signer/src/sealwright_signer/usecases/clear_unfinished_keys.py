"""Removing key pairs that a crash left in the token before they were recorded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from sealwright_common.domain.clock import Clock

from sealwright_signer.ports import Vault, Work

PATIENCE = timedelta(minutes=10)
"""How long pairs may take to be recorded. Later is not wrong: recording them is then refused."""
BATCH = 1000


class ClearUnfinishedKeys:
    """One round: removes what the token has of pairs that were begun long ago and never recorded."""

    def __init__(self, begin: Callable[[str], AbstractAsyncContextManager[Work]], vault: Vault, clock: Clock) -> None:
        """``begin`` opens a transaction of background work of the given name."""
        self._begin = begin
        self._vault = vault
        self._clock = clock

    async def __call__(self) -> bool:
        """True if there may be more.

        The rows go with the commit, after the pairs: a crash in between repeats the removal, which is harmless.
        """
        async with self._begin("clear-unfinished-keys") as work:
            ids = await work.keys.take_unfinished(self._clock.now() - PATIENCE, BATCH)
            await self._vault.discard(ids)
        return len(ids) == BATCH
