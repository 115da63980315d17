"""``remote``: claims from a plugin service. ``{"plugin": NAME, "configuration": {...}}``; the settings name it."""

from __future__ import annotations

from collections.abc import Mapping

from grpc import aio
from sealwright_common.domain.errors import InvalidArgument, Problem, Reason, Unavailable
from sealwright_common.domain.json_values import JsonObject, as_object

from sealwright_certify.adapters.sources.configuration import common_problems, text
from sealwright_certify.codec import peers
from sealwright_certify.ports import AttestationContext, AttestationDefinition, AttestationSource


class RemoteFactory:
    """Makes sources that ask a plugin."""

    type = "remote"

    def __init__(self, channels: Mapping[str, aio.Channel]) -> None:
        self._stubs = {name: peers.source_stub(channel) for name, channel in channels.items()}

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        """What is wrong, the plugin's own opinion included; Unavailable if it cannot be asked."""
        configuration = definition.configuration
        found = common_problems(configuration, ["plugin", "configuration"])
        plugin = text(configuration, "plugin")
        if plugin not in self._stubs:
            found.append(f"plugin: one of {', '.join(sorted(self._stubs)) or '(none is configured)'}")
        if as_object(configuration.get("configuration", {})) is None:
            found.append("configuration: an object")
        if found:
            return found
        request = peers.validate_source_request(tenant, _inner(configuration))
        return list((await self._stubs[plugin].ValidateSource(request)).problems)

    def create(self, definition: AttestationDefinition) -> AttestationSource:
        return _Remote(self._stubs[text(definition.configuration, "plugin")], definition)


class _Remote:
    def __init__(self, stub: peers.SourceStub, definition: AttestationDefinition) -> None:
        self._stub = stub
        self._definition = definition

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        """What the plugin says; anything but an answer is Unavailable, because it says nothing about the holder."""
        request = peers.evaluate_source_request(
            context.tenant, self._definition.id, _inner(self._definition.configuration), context.holder_did
        )
        try:
            response = await self._stub.EvaluateSource(request, timeout=max(0.1, context.remaining))
            return peers.source_claims(response)
        except Unavailable:
            raise
        except (Problem, InvalidArgument) as problem:
            raise Unavailable(
                Reason.PROVIDER_FAILED, f"attestation {self._definition.id}: its plugin failed; see its log"
            ) from problem


def _inner(configuration: JsonObject) -> JsonObject:
    return as_object(configuration.get("configuration", {})) or {}
