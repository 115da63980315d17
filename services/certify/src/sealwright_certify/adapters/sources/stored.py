"""Sources in certify's own tables: the attestation table, and the attributes of stored holders."""

from __future__ import annotations

from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.adapters.sources.configuration import common_problems
from sealwright_certify.ports import AttestationContext, AttestationDefinition, AttestationSource, Store


class HolderFactory:
    """``holder``: the attributes that were stored for the holder."""

    type = "holder"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        return common_problems(definition.configuration, [])

    def create(self, definition: AttestationDefinition) -> AttestationSource:
        return _HolderAttributes(self._store)


class _HolderAttributes:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        async with self._store.read() as work:
            holder = await work.holders.get(context.tenant, context.holder_did)
        return None if holder is None else holder.attributes


class OwnTable:
    """The attestation table as a source: only rows of the asking tenant, by DID."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        async with self._store.read() as work:
            row = await work.attestations.get(context.tenant, context.holder_did)
        return None if row is None else row.attributes
