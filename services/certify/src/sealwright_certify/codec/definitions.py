"""Credential definitions."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from sealwright.certify.v1 import definition_service_pb2 as service
from sealwright.certify.v1 import resources_pb2 as pb
from sealwright_common.domain.credentials import (
    CredentialDefinition,
    CredentialFormat,
    DefinitionRef,
    Display,
    ReissuePolicy,
    StatusPurpose,
)
from sealwright_common.domain.definition_json import definition_from_json, parse_json_object
from sealwright_common.domain.json_values import MISSING, Missing
from sealwright_common.domain.mappings import Mapping
from sealwright_common.domain.rules import RuleDefinition, RuleOutcome

from sealwright_certify.codec.values import after, duration, json_text, json_value, page_size, page_token, timestamp

FORMATS = {
    pb.CREDENTIAL_FORMAT_VC11_SL2021_JWT: CredentialFormat.VC11_SL2021_JWT,
    pb.CREDENTIAL_FORMAT_VC20_BSSL_JWT: CredentialFormat.VC20_BSSL_JWT,
    pb.CREDENTIAL_FORMAT_DC_SD_JWT: CredentialFormat.DC_SD_JWT,
    pb.CREDENTIAL_FORMAT_MSO_MDOC: CredentialFormat.MSO_MDOC,
    pb.CREDENTIAL_FORMAT_LDP_VC: CredentialFormat.LDP_VC,
    pb.CREDENTIAL_FORMAT_JWT_VC_JSON: CredentialFormat.JWT_VC_JSON,
}
FORMAT_NUMBERS = {name: number for number, name in FORMATS.items()}
PURPOSES = {
    pb.STATUS_PURPOSE_REVOCATION: StatusPurpose.REVOCATION,
    pb.STATUS_PURPOSE_SUSPENSION: StatusPurpose.SUSPENSION,
}
PURPOSE_NUMBERS = {name: number for number, name in PURPOSES.items()}
_REISSUE = {
    pb.REISSUE_POLICY_UNSPECIFIED: ReissuePolicy.KEEP,
    pb.REISSUE_POLICY_KEEP: ReissuePolicy.KEEP,
    pb.REISSUE_POLICY_REVOKE_PREVIOUS: ReissuePolicy.REVOKE_PREVIOUS,
}
_REISSUE_NUMBERS = {
    ReissuePolicy.KEEP: pb.REISSUE_POLICY_KEEP,
    ReissuePolicy.REVOKE_PREVIOUS: pb.REISSUE_POLICY_REVOKE_PREVIOUS,
}


def stored_definition(request: service.StoreDefinitionRequest) -> CredentialDefinition:
    """The definition a StoreDefinition brings, in either form."""
    if request.WhichOneof("source") == "definition_json":
        return definition_from_json(request.definition_json)
    return definition(request.definition)


def definition(message: pb.CredentialDefinition) -> CredentialDefinition:
    """A definition from its message; InvalidArgument for JSON that is none."""
    return CredentialDefinition(
        id=message.id,
        credential_type=message.credential_type,
        format=FORMATS[message.format],
        attestations=tuple(message.attestations),
        schema=parse_json_object(message.schema_json, "schema_json") if message.schema_json else None,
        validity=_span(message.validity_duration) if message.HasField("validity_duration") else None,
        never_expires=message.never_expires,
        rules=tuple(
            RuleDefinition(
                rule.type, parse_json_object(rule.configuration_json, f"rules[{position}].configuration_json")
            )
            for position, rule in enumerate(message.rules)
        ),
        mappings=tuple(
            Mapping(
                input=mapping.input,
                output=mapping.output,
                required=mapping.required,
                default=json_value(mapping.default_json, f"mappings[{position}].default_json")
                if mapping.default_json
                else MISSING,
                type=mapping.type,
            )
            for position, mapping in enumerate(message.mappings)
        ),
        template=parse_json_object(message.template_json, "template_json") if message.template_json else None,
        display=tuple(
            Display(d.name, d.locale, d.description, d.logo_uri, d.logo_alt_text, d.background_color, d.text_color)
            for d in message.display
        ),
        approvals_required=message.approvals_required,
        approval_window=_span(message.approval_duration) if message.HasField("approval_duration") else None,
        on_reissue=_REISSUE[message.on_reissue],
        additional_contexts=tuple(message.additional_contexts),
        status_purposes=tuple(PURPOSES[purpose] for purpose in message.status_purposes) or (StatusPurpose.REVOCATION,),
        format_options=parse_json_object(message.format_options_json, "format_options_json")
        if message.format_options_json
        else None,
    )


def _span(message: Duration) -> timedelta:
    return message.ToTimedelta()


def definition_message(value: CredentialDefinition) -> pb.CredentialDefinition:
    """A definition as its message."""
    return pb.CredentialDefinition(
        id=value.id,
        version=value.version,
        credential_type=value.credential_type,
        format=FORMAT_NUMBERS[value.format],
        schema_json="" if value.schema is None else json_text(value.schema),
        validity_duration=duration(value.validity),
        never_expires=value.never_expires,
        attestations=value.attestations,
        rules=[
            pb.CredentialRule(type=rule.type, configuration_json=json_text(rule.configuration)) for rule in value.rules
        ],
        mappings=[
            pb.ClaimMapping(
                input=mapping.input,
                output=mapping.output,
                required=mapping.required,
                default_json="" if isinstance(mapping.default, Missing) else json_text(mapping.default),
                type=mapping.type,
            )
            for mapping in value.mappings
        ],
        template_json="" if value.template is None else json_text(value.template),
        display=[
            pb.Display(
                name=d.name,
                locale=d.locale,
                description=d.description,
                logo_uri=d.logo_uri,
                logo_alt_text=d.logo_alt_text,
                background_color=d.background_color,
                text_color=d.text_color,
            )
            for d in value.display
        ],
        approvals_required=value.approvals_required,
        approval_duration=duration(value.approval_window),
        on_reissue=_REISSUE_NUMBERS[value.on_reissue],
        additional_contexts=value.additional_contexts,
        status_purposes=[PURPOSE_NUMBERS[purpose] for purpose in value.status_purposes],
        format_options_json="" if value.format_options is None else json_text(value.format_options),
        create_time=timestamp(value.create_time),
    )


def ref_message(ref: DefinitionRef) -> pb.DefinitionVersion:
    """One version's name."""
    return pb.DefinitionVersion(id=ref.id, version=ref.version)


def store_response(value: CredentialDefinition) -> service.StoreDefinitionResponse:
    return service.StoreDefinitionResponse(definition=definition_message(value))


def get_response(value: CredentialDefinition) -> service.GetDefinitionResponse:
    return service.GetDefinitionResponse(definition=definition_message(value))


def page_of(request: service.ListDefinitionsRequest) -> tuple[str, int]:
    """Where the page begins and how many rows it has."""
    return after(request.page_token), page_size(request.page_size)


def list_response(values: list[CredentialDefinition], limit: int) -> service.ListDefinitionsResponse:
    return service.ListDefinitionsResponse(
        definitions=[definition_message(value) for value in values],
        next_page_token=page_token(values[-1].id) if len(values) == limit else "",
    )


def delete_response(_: None) -> service.DeleteDefinitionResponse:
    return service.DeleteDefinitionResponse()


def outcome_message(definition_id: str, outcome: RuleOutcome) -> pb.RuleOutcome:
    """A rule's outcome with its parts."""
    return pb.RuleOutcome(
        definition_id=definition_id,
        type=outcome.type,
        passed=outcome.passed,
        explanation=outcome.explanation,
        parts=[outcome_message(definition_id, part) for part in outcome.parts],
    )
