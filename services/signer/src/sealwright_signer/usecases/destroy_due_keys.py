"""Destroying the private keys whose wait is over."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.keys import KeyState

from sealwright_signer.ports import KeyBook, KeyEvent, KeyEventKind, Vault, Work

BATCH = 50


class DestroyDueKeys:
    """One round: records the end of due keys, then removes their private halves.

    The token's key is removed before the commit: a crash in between repeats the removal, which is harmless, while a key
    recorded as destroyed is surely gone. Rows are locked and skipped by other instances meanwhile.
    """

    def __init__(
        self, begin: Callable[[str], AbstractAsyncContextManager[Work]], vault: Vault, book: KeyBook, clock: Clock
    ) -> None:
        """``begin`` opens a transaction of background work of the given name."""
        self._begin = begin
        self._vault = vault
        self._book = book
        self._clock = clock

    async def __call__(self) -> bool:
        """True if there may be more."""
        async with self._begin("destroy-due-keys") as work:
            due = await work.keys.due_for_destruction(self._clock.now(), BATCH)
            gone = [
                replace(
                    stored,
                    signing_key="",
                    previous_state=None,
                    key=replace(stored.key, state=KeyState.DESTROYED, version=stored.key.version + 1),
                )
                for stored in due
            ]
            for stored in due:
                await self._vault.destroy(stored)
            if gone:
                await work.keys.update(gone)
                for stored in gone:
                    work.emit(KeyEvent(KeyEventKind.DESTROYED, stored.key))
                    work.audit("key.destroy", str(stored.key.id), tenant=stored.key.tenant)
        for stored in gone:
            self._book.forget(stored.key.tenant, [stored.key.id])
        return len(due) == BATCH
