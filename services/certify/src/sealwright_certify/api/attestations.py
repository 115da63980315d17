"""AttestationService."""

from __future__ import annotations

from sealwright.certify.v1 import attestation_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.runtime.grpc import answer

from sealwright_certify.codec import sources as codec
from sealwright_certify.codec.values import after, page_size
from sealwright_certify.usecases.attestations import Attestations


class AttestationServicer:
    """Attestation definitions and the attestation table."""

    def __init__(self, attestations: Attestations) -> None:
        self._attestations = attestations

    async def StoreAttestationDefinition(
        self, request: pb.StoreAttestationDefinitionRequest, call: Call
    ) -> pb.StoreAttestationDefinitionResponse:
        definition = codec.attestation_definition(request.definition)
        return await answer(
            call, self._attestations.store_definition, definition, codec.store_attestation_definition_response
        )

    async def ListAttestationDefinitions(
        self, request: pb.ListAttestationDefinitionsRequest, call: Call
    ) -> pb.ListAttestationDefinitionsResponse:
        limit = page_size(request.page_size)
        found = await self._attestations.definition_page(call, after(request.page_token), limit)
        return codec.attestation_definitions_response(found, limit)

    async def DeleteAttestationDefinition(
        self, request: pb.DeleteAttestationDefinitionRequest, call: Call
    ) -> pb.DeleteAttestationDefinitionResponse:
        return await answer(
            call, self._attestations.delete_definition, request.id, codec.delete_attestation_definition_response
        )

    async def ListAttestationTypes(
        self, request: pb.ListAttestationTypesRequest, call: Call
    ) -> pb.ListAttestationTypesResponse:
        return pb.ListAttestationTypesResponse(types=self._attestations.types)

    async def InsertAttestations(
        self, request: pb.InsertAttestationsRequest, call: Call
    ) -> pb.InsertAttestationsResponse:
        rows = [codec.attestation(row, f"attestations[{n}]") for n, row in enumerate(request.attestations)]
        return await answer(call, self._attestations.insert, rows, codec.insert_response)

    async def UpdateAttestation(self, request: pb.UpdateAttestationRequest, call: Call) -> pb.UpdateAttestationResponse:
        row = codec.attestation(request.attestation, "attestation")
        return await answer(call, self._attestations.update, row, codec.update_response)

    async def DeleteAttestation(self, request: pb.DeleteAttestationRequest, call: Call) -> pb.DeleteAttestationResponse:
        return await answer(call, self._attestations.delete, request.did, codec.delete_response)

    async def GetAttestation(self, request: pb.GetAttestationRequest, call: Call) -> pb.GetAttestationResponse:
        return codec.get_response(await self._attestations.get(call, request.did))

    async def ListAttestations(self, request: pb.ListAttestationsRequest, call: Call) -> pb.ListAttestationsResponse:
        limit = page_size(request.page_size)
        found = await self._attestations.page(call, after(request.page_token), limit)
        return codec.attestations_response(found, limit)
