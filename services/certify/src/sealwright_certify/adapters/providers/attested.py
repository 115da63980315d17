"""``postgresql`` and any other attestation type as data provider: the same sources, asked about a wallet's user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.ports import AttestationContext, AttestationDefinition, AttestationSourceFactory
from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest


class AttestedClaims:
    """A data provider over a factory of attestation sources; the settings are the attestation's configuration."""

    def __init__(self, factory: AttestationSourceFactory) -> None:
        self._factory = factory

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """What the factory says of the configuration."""
        return await self._factory.problems("", self._definition("dataset", settings))

    async def fetch(self, request: ClaimsRequest) -> Mapping[str, Any] | None:
        """The source's claims about the subject; None without a subject."""
        if request.subject is None:
            return None
        source = self._factory.create(self._definition(request.dataset, request.settings))
        context = AttestationContext(request.tenant, request.subject, remaining=request.remaining)
        return await source.evaluate(context)

    def _definition(self, id_: str, settings: Mapping[str, Any]) -> AttestationDefinition:
        return AttestationDefinition(id_, self._factory.type, cast(JsonObject, dict(settings)))
