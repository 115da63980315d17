"""Tenants, attestations and holders."""

from __future__ import annotations

from uuid import UUID

from sealwright.certify.v1 import attestation_service_pb2 as attestations
from sealwright.certify.v1 import holder_service_pb2 as holders
from sealwright.certify.v1 import resources_pb2 as pb
from sealwright.certify.v1 import tenant_service_pb2 as tenants
from sealwright_common.domain.definition_json import parse_json_object
from sealwright_common.domain.json_values import JsonObject

from sealwright_certify.codec.values import json_text, page_token, timestamp
from sealwright_certify.ports import Attestation, AttestationDefinition, DcpPolicy, Holder, Tenant
from sealwright_certify.usecases.holders import OfferCredentials
from sealwright_certify.usecases.tenants import StoreTenant

# ---- tenants


def store_tenant_command(request: tenants.StoreTenantRequest) -> StoreTenant:
    policy = request.dcp
    return StoreTenant(
        did=request.did,
        key_issuer=request.key_issuer,
        display_name=request.display_name,
        dcp=DcpPolicy(
            allow_any_relationship=policy.allow_any_relationship,
            allow_unknown_holders=policy.allow_unknown_holders if policy.HasField("allow_unknown_holders") else True,
            refuse_with_401=policy.refuse_with_401,
            conflict_after_terminal=policy.conflict_after_terminal,
            offer_on_rotation=policy.offer_on_rotation,
        ),
    )


def tenant_message(tenant: Tenant) -> pb.Tenant:
    return pb.Tenant(
        name=tenant.name,
        did=tenant.did,
        key_issuer=tenant.key_issuer,
        display_name=tenant.display_name,
        dcp=pb.DcpPolicy(
            allow_any_relationship=tenant.dcp.allow_any_relationship,
            allow_unknown_holders=tenant.dcp.allow_unknown_holders,
            refuse_with_401=tenant.dcp.refuse_with_401,
            conflict_after_terminal=tenant.dcp.conflict_after_terminal,
            offer_on_rotation=tenant.dcp.offer_on_rotation,
        ),
        create_time=timestamp(tenant.create_time),
    )


def store_tenant_response(tenant: Tenant) -> tenants.StoreTenantResponse:
    return tenants.StoreTenantResponse(tenant=tenant_message(tenant))


def get_tenant_response(tenant: Tenant) -> tenants.GetTenantResponse:
    return tenants.GetTenantResponse(tenant=tenant_message(tenant))


def document_response(document: JsonObject) -> tenants.GetDidDocumentResponse:
    return tenants.GetDidDocumentResponse(document_json=json_text(document))


# ---- attestations


def attestation_definition(message: pb.AttestationDefinition) -> AttestationDefinition:
    return AttestationDefinition(
        message.id, message.type, parse_json_object(message.configuration_json, "definition.configuration_json")
    )


def attestation_definition_message(value: AttestationDefinition) -> pb.AttestationDefinition:
    return pb.AttestationDefinition(
        id=value.id,
        type=value.type,
        configuration_json=json_text(value.configuration),
        update_time=timestamp(value.update_time),
    )


def store_attestation_definition_response(
    value: AttestationDefinition,
) -> attestations.StoreAttestationDefinitionResponse:
    return attestations.StoreAttestationDefinitionResponse(definition=attestation_definition_message(value))


def attestation_definitions_response(
    values: list[AttestationDefinition], limit: int
) -> attestations.ListAttestationDefinitionsResponse:
    return attestations.ListAttestationDefinitionsResponse(
        definitions=[attestation_definition_message(value) for value in values],
        next_page_token=page_token(values[-1].id) if len(values) == limit else "",
    )


def delete_attestation_definition_response(_: None) -> attestations.DeleteAttestationDefinitionResponse:
    return attestations.DeleteAttestationDefinitionResponse()


def attestation(message: pb.Attestation, path: str) -> Attestation:
    return Attestation(message.did, parse_json_object(message.attributes_json, f"{path}.attributes_json"))


def attestation_message(value: Attestation) -> pb.Attestation:
    return pb.Attestation(
        did=value.did,
        attributes_json=json_text(value.attributes),
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
    )


def insert_response(count: int) -> attestations.InsertAttestationsResponse:
    return attestations.InsertAttestationsResponse(inserted=count)


def update_response(value: Attestation) -> attestations.UpdateAttestationResponse:
    return attestations.UpdateAttestationResponse(attestation=attestation_message(value))


def delete_response(_: None) -> attestations.DeleteAttestationResponse:
    return attestations.DeleteAttestationResponse()


def get_response(value: Attestation) -> attestations.GetAttestationResponse:
    return attestations.GetAttestationResponse(attestation=attestation_message(value))


def attestations_response(values: list[Attestation], limit: int) -> attestations.ListAttestationsResponse:
    return attestations.ListAttestationsResponse(
        attestations=[attestation_message(value) for value in values],
        next_page_token=page_token(values[-1].did) if len(values) == limit else "",
    )


# ---- holders


def holder(message: pb.Holder) -> Holder:
    text = message.attributes_json
    attributes = parse_json_object(text, "holder.attributes_json") if text else {}
    return Holder(message.did, message.display_name, attributes)


def holder_message(value: Holder) -> pb.Holder:
    return pb.Holder(
        did=value.did,
        display_name=value.display_name,
        attributes_json=json_text(value.attributes),
        create_time=timestamp(value.create_time),
    )


def store_holder_response(value: Holder) -> holders.StoreHolderResponse:
    return holders.StoreHolderResponse(holder=holder_message(value))


def get_holder_response(value: Holder) -> holders.GetHolderResponse:
    return holders.GetHolderResponse(holder=holder_message(value))


def holders_response(values: list[Holder], limit: int) -> holders.ListHoldersResponse:
    return holders.ListHoldersResponse(
        holders=[holder_message(value) for value in values],
        next_page_token=page_token(values[-1].did) if len(values) == limit else "",
    )


def delete_holder_response(_: None) -> holders.DeleteHolderResponse:
    return holders.DeleteHolderResponse()


def offer_command(request: holders.OfferCredentialsRequest) -> OfferCredentials:
    return OfferCredentials(request.holder_did, tuple(request.definition_ids), request.offer_reason)


def offer_response(offer_id: UUID) -> holders.OfferCredentialsResponse:
    return holders.OfferCredentialsResponse(offer_id=str(offer_id))
