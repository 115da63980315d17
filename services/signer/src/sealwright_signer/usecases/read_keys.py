"""Reading keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import NotFound, Reason
from sealwright_common.domain.keys import Key

from sealwright_signer.ports import KeyFilter, Store

DEFAULT_PAGE = 100


def key_not_found(key_id: UUID) -> NotFound:
    """The refusal for a key the tenant does not have."""
    return NotFound(Reason.KEY_NOT_FOUND, f"key {key_id} does not exist; list keys with ListKeys")


@dataclass(frozen=True, slots=True)
class ListKeysQuery:
    """Which page of which keys."""

    which: KeyFilter = field(default_factory=KeyFilter)
    before: UUID | None = None
    """The last key of the page before."""
    size: int = DEFAULT_PAGE


@dataclass(frozen=True, slots=True)
class KeyPage:
    """A page of keys, newest first."""

    keys: list[Key]
    next: UUID | None
    """The last key, if there are more."""


class ReadKeys:
    """Gets and lists keys of the caller's tenant, in the state that holds now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, call: Call, key_id: UUID) -> Key:
        """One key. NotFound KEY_NOT_FOUND."""
        async with self._store.read(call) as work:
            found = await work.keys.get(call.tenant, [key_id])
        if key_id not in found:
            raise key_not_found(key_id)
        return found[key_id].key

    async def list(self, call: Call, query: ListKeysQuery) -> KeyPage:
        """A page of keys."""
        async with self._store.read(call) as work:
            rows = await work.keys.page(call.tenant, query.which, work.now, query.before, query.size + 1)
        keys = [row.key for row in rows[: query.size]]
        return KeyPage(keys, keys[-1].id if len(rows) > query.size else None)
