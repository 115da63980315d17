"""What every use case's transaction can do, whatever its service stores in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from typing import Protocol, TypeVar

from sealwright_common.domain.call import Call
from sealwright_common.domain.tenants import DEFAULT_TENANT

V = TypeVar("V")
Work = TypeVar("Work", covariant=True)


class Transaction(Protocol):
    """What is stored, told, audited and answered in it commits together, or not at all."""

    @property
    def call(self) -> Call:
        """Whom the work is done for."""
        ...

    @property
    def now(self) -> datetime:
        """When it began; the time of its events and audit rows."""
        ...

    async def claim(self, calls: Sequence[Call]) -> Sequence[Exception | None]:
        """Makes this transaction the only one that works on these calls; for each None or why it must not."""
        ...

    def acting_for(self, call: Call) -> AbstractContextManager[None]:
        """What is told, audited and answered inside is done for ``call``."""
        ...

    def emit(self, *events: object) -> None:
        """Tells domain events if the transaction commits."""
        ...

    def audit(self, action: str, target: str, **detail: str | int | bool) -> None:
        """Leaves a row in the audit log if the transaction commits. ``detail`` holds no secrets."""
        ...

    def answer(self, value: V) -> V:
        """Remembers ``value`` as the answer of the call's request id, and returns it."""
        ...


class Transactions(Protocol[Work]):
    """Where transactions begin."""

    def begin(self, call: Call) -> AbstractAsyncContextManager[Work]:
        """One for a call: answers a repeated request id by raising the stored answer."""
        ...

    def begin_system(self, name: str, tenant: str = DEFAULT_TENANT) -> AbstractAsyncContextManager[Work]:
        """One for background work of that name, or for several calls that commit together."""
        ...

    def read(self, call: Call | None = None) -> AbstractAsyncContextManager[Work]:
        """One in which nothing can be changed."""
        ...
