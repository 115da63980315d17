"""How many processes of each tenant are running: a door refuses more than can be worked off."""

from __future__ import annotations

from datetime import timedelta

from sealwright_common.domain.errors import Reason, Unavailable

from sealwright_certify.ports import Store


class Backlog:
    """Counts now and then, and answers from memory."""

    def __init__(self, store: Store, most: int) -> None:
        self._store = store
        self._most = most
        self._running: dict[str, int] = {}

    async def count(self) -> None:
        """Counts anew."""
        async with self._store.read() as work:
            self._running = await work.processes.open_counts()

    def demand_room(self, tenant: str) -> None:
        """Unavailable (OVERLOADED) while the tenant has its most running processes."""
        if self._running.get(tenant, 0) >= self._most:
            raise Unavailable(
                Reason.OVERLOADED,
                "too many requests are being worked on; repeat later",
                retry_after=timedelta(seconds=30),
            )
