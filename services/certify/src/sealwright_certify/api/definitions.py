"""DefinitionService."""

from __future__ import annotations

from sealwright.certify.v1 import definition_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.runtime.grpc import answer, validate

from sealwright_certify.codec import definitions as codec
from sealwright_certify.codec.trials import trial_response
from sealwright_certify.codec.values import claims_by_attestation
from sealwright_certify.usecases.definitions import EXAMPLE_HOLDER, Definitions


class DefinitionServicer:
    """Credential definitions."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    async def StoreDefinition(self, request: pb.StoreDefinitionRequest, call: Call) -> pb.StoreDefinitionResponse:
        definition = codec.stored_definition(request)
        # A definition in JSON comes past the rules of the message: they hold for it, too.
        validate(codec.definition_message(definition))
        return await answer(call, self._definitions.store, definition, codec.store_response)

    async def GetDefinition(self, request: pb.GetDefinitionRequest, call: Call) -> pb.GetDefinitionResponse:
        return codec.get_response(await self._definitions.get(call, request.id, request.version))

    async def ListDefinitions(self, request: pb.ListDefinitionsRequest, call: Call) -> pb.ListDefinitionsResponse:
        after, limit = codec.page_of(request)
        return codec.list_response(await self._definitions.page(call, after, limit), limit)

    async def DeleteDefinition(self, request: pb.DeleteDefinitionRequest, call: Call) -> pb.DeleteDefinitionResponse:
        return await answer(call, self._definitions.delete, request.id, codec.delete_response)

    async def TryDefinition(self, request: pb.TryDefinitionRequest, call: Call) -> pb.TryDefinitionResponse:
        if request.WhichOneof("subject") == "id":
            definition = await self._definitions.get(call, request.id, 0)
        else:
            definition = codec.definition(request.definition)
        claims: JsonObject = {**claims_by_attestation(request.claims_json, "claims_json")}
        trial = await self._definitions.try_out(call, definition, claims, request.holder_did or EXAMPLE_HOLDER)
        return trial_response(definition.id, trial)
