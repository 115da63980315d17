"""Sources that need nobody else: fixed claims, and claims the caller vouches for."""

from __future__ import annotations

from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.adapters.sources.configuration import common_problems
from sealwright_certify.ports import AttestationContext, AttestationDefinition, AttestationSource


class StaticFactory:
    """``static``: ``{"claims": {...}}``, the same for every holder."""

    type = "static"

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        found = common_problems(definition.configuration, ["claims"])
        if not isinstance(definition.configuration.get("claims"), dict):
            found.append("claims: an object")
        return found

    def create(self, definition: AttestationDefinition) -> AttestationSource:
        return _Static(definition)


class _Static:
    def __init__(self, definition: AttestationDefinition) -> None:
        self._claims = definition.configuration["claims"]

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        return self._claims if isinstance(self._claims, dict) else None


class PushedFactory:
    """``pushed``: claims that the gRPC caller, or an offer, brings along for this attestation's id."""

    type = "pushed"

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        return common_problems(definition.configuration, [])

    def create(self, definition: AttestationDefinition) -> AttestationSource:
        return _Pushed(definition.id)


class _Pushed:
    def __init__(self, id_: str) -> None:
        self._id = id_

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        return context.pushed.get(self._id)
