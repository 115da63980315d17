"""Messages of DCP 1.0, read by hand.

Compact and expanded JSON are both accepted, because real holders send the expanded form without ``@context``. No
generic JSON-LD runs over these messages: it would resolve ``holderPid`` against a base and change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sealwright_common.domain.credentials import CredentialDefinition, IssuedCredential
from sealwright_common.domain.definition_json import parse_json_object
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState
from sealwright_common.domain.json_values import Json, JsonObject

from sealwright_certify.ports import Offer, Tenant

CONTEXT = "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"
NAMESPACE = "https://w3id.org/dspace-dcp/v1.0/"

SchemaUri = Callable[[Tenant, CredentialDefinition], str]
"""Where the JSON Schema of the subjects of a tenant's definition is served."""

Scopes = Mapping[str, Sequence[str]]
"""What holders are asked to show, by the id of the attestation that asks. Other attestations ask nothing of holders,
and are nobody's business but the tenant's."""

ISSUANCE = "issuance"
"""``offerReason`` in the metadata, which is no offer, but where the standard wants every property of a credential."""

_STATUS = {
    IssuanceState.SUBMITTED: "RECEIVED",
    IssuanceState.APPROVED: "RECEIVED",
    IssuanceState.DELIVERED: "ISSUED",
    IssuanceState.ERRORED: "REJECTED",
}


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """What a CredentialRequestMessage asks for."""

    holder_pid: str
    credential_ids: tuple[str, ...]


def credential_request(body: bytes, most: int) -> CredentialRequest:
    """A CredentialRequestMessage in compact or expanded form; InvalidArgument naming the wrong member."""
    message = _message(body)
    if _type(message) != "CredentialRequestMessage":
        raise InvalidArgument.of("type", "CredentialRequestMessage")
    expanded = "type" not in message
    if not expanded:
        contexts = message.get("@context")
        if not isinstance(contexts, list) or CONTEXT not in contexts or not all(isinstance(c, str) for c in contexts):
            raise InvalidArgument.of("@context", f"a list of texts with {CONTEXT}")
    holder_pid = _value(_member(message, "holderPid"))
    if not isinstance(holder_pid, str) or not 1 <= len(holder_pid) <= 256 or not holder_pid.isprintable():
        raise InvalidArgument.of("holderPid", "a text of 1 to 256 printable characters")
    return CredentialRequest(holder_pid, _credential_ids(_member(message, "credentials"), most))


def _message(body: bytes) -> JsonObject:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidArgument.of("body", "UTF-8 JSON") from None
    if text.lstrip().startswith("["):  # the expanded form may be a list of one
        text = text.strip()[1:-1]
    return parse_json_object(text, "body")


def _credential_ids(value: Json, most: int) -> tuple[str, ...]:
    listed = value
    # The list itself may be wrapped; an entry of one that is alone must not be taken for its wrapping.
    while (inside := _held(listed)) is not None:
        listed = inside
    entries = listed if isinstance(listed, list) else [listed]
    ids: list[str] = []
    for position, entry in enumerate(entries):
        inner = _value(entry)
        if isinstance(entry, dict) and isinstance(inner, str):
            id_ = inner  # {"@id": "..."}: an object that says no more than which one it is
        else:
            id_ = inner.get("id", inner.get("@id")) if isinstance(inner, dict) else None
        if not isinstance(id_, str) or not id_ or not id_.isprintable():
            raise InvalidArgument.of(f"credentials[{position}].id", "the id of a supported credential")
        ids.append(id_)
    if not 1 <= len(ids) <= most:
        raise InvalidArgument.of("credentials", f"1 to {most} credentials")
    if len(set(ids)) != len(ids):
        raise InvalidArgument.of("credentials", "each credential once")
    return tuple(ids)


def _type(message: JsonObject) -> str:
    value = message.get("type", message.get("@type"))
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value.removeprefix(NAMESPACE) if isinstance(value, str) else ""


def _member(message: JsonObject, name: str) -> Json:
    for key in (name, NAMESPACE + name):
        if key in message:
            return message[key]
    raise InvalidArgument.of(name, "a value; it is required")


def _value(value: Json) -> Json:
    """What an expanded value holds: the inside of ``[x]``, ``{"@value": x}``, ``{"@id": x}`` or ``{"@list": x}``."""
    while True:
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) and _wrapped(value[0]):
            value = value[0]
        if isinstance(value, dict) and (name := _wrapped(value)):
            value = value[name]
            continue
        return value


def _held(value: Json) -> Json:
    """The inside of ``[{"@value": x}]``, ``[{"@list": x}]`` or either without its list; None if it is none of these."""
    alone = value[0] if isinstance(value, list) and len(value) == 1 else value
    return alone.get("@value", alone.get("@list")) if isinstance(alone, dict) else None


def _wrapped(value: JsonObject) -> str:
    for name in ("@value", "@list"):
        if name in value:
            return name
    return "@id" if value.keys() == {"@id"} else ""


def presentations(body: bytes) -> list[str]:
    """The presentations of a PresentationResponseMessage, compact or expanded, that are texts; none if it is none."""
    try:
        message = _message(body)
        listed = _value(_member(message, "presentation"))
    except InvalidArgument:
        return []
    entries = listed if isinstance(listed, list) else [listed]
    return [text for entry in entries if isinstance(text := _value(entry), str)]


# ---- what certify says


def status_message(process: IssuanceProcess) -> JsonObject:
    """The CredentialStatus of a process; of one that delivers again under the issuerPid of the first."""
    return {
        "@context": [CONTEXT],
        "type": "CredentialStatus",
        "issuerPid": str(process.parent_id or process.id),
        "holderPid": process.holder_pid,
        "status": _STATUS[process.state],
    }


def metadata_message(
    tenant: Tenant, definitions: Sequence[CredentialDefinition], schema_uri: SchemaUri, scopes: Scopes
) -> JsonObject:
    """The IssuerMetadata over all definitions that DCP can deliver."""
    return {
        "@context": [CONTEXT],
        "type": "IssuerMetadata",
        "issuer": tenant.did,
        "credentialsSupported": [
            credential_object(definition, schema_uri(tenant, definition), ISSUANCE, scopes)
            for definition in definitions
        ],
    }


def credential_object(definition: CredentialDefinition, schema: str, reason: str, scopes: Scopes) -> JsonObject:
    """A CredentialObject with every optional property, stable from call to call; an offer may be without a reason."""
    made: JsonObject = {
        "id": definition.id,
        "type": "CredentialObject",
        "credentialType": definition.credential_type,
        "bindingMethods": ["did:web"],
        "credentialSchema": schema,
        "profile": definition.format.value,
        "issuancePolicy": {
            "id": f"{definition.id}-{definition.version}",
            "input_descriptors": [
                {"id": scope, "constraints": {"fields": [_field(scope)]}}
                for scope in dict.fromkeys(scope for id_ in definition.attestations for scope in scopes.get(id_, ()))
            ],
        },
    }
    if reason:
        made["offerReason"] = reason
    return made


def _field(scope: str) -> JsonObject:
    """What a credential has that a scope asks for: a type, an id, or anything at all."""
    alias, _, rest = scope.partition(":")
    wanted = rest.partition(":")[0]
    match alias.rpartition(".")[2]:
        case "type":
            return {"path": ["$.type", "$.vc.type"], "filter": {"type": "array", "contains": {"const": wanted}}}
        case "id":
            return {"path": ["$.id", "$.vc.id"], "filter": {"const": wanted}}
        case _:
            return {"path": ["$.credentialSubject", "$.vc.credentialSubject"]}


def credential_message(process: IssuanceProcess, credentials: Sequence[IssuedCredential]) -> JsonObject:
    """The CredentialMessage that hands credentials over; its issuerPid stays the same over redelivery."""
    return {
        "@context": [CONTEXT],
        "type": "CredentialMessage",
        "issuerPid": str(process.parent_id or process.id),
        "holderPid": process.holder_pid,
        "status": "ISSUED",
        "credentials": [
            {
                "credentialType": credential.credential_type,
                "payload": credential.payload,
                "format": credential.format.value,
            }
            for credential in credentials
        ],
    }


def rejection_message(process: IssuanceProcess) -> JsonObject:
    """The CredentialMessage that says there will be none; only what the approver meant for the holder."""
    return {
        "@context": [CONTEXT],
        "type": "CredentialMessage",
        "issuerPid": str(process.id),
        "holderPid": process.holder_pid,
        "status": "REJECTED",
        "rejectionReason": process.rejection_reason or "the request was not granted",
    }


def offer_message(
    tenant: Tenant, offer: Offer, definitions: Sequence[CredentialDefinition], schema_uri: SchemaUri, scopes: Scopes
) -> JsonObject:
    """The CredentialOfferMessage of an offer."""
    return {
        "@context": [CONTEXT],
        "type": "CredentialOfferMessage",
        "issuer": tenant.did,
        "credentials": [
            credential_object(definition, schema_uri(tenant, definition), offer.reason, scopes)
            for definition in definitions
        ],
    }


def presentation_query(scopes: Sequence[str]) -> JsonObject:
    """The PresentationQueryMessage for some scopes."""
    return {"@context": [CONTEXT], "type": "PresentationQueryMessage", "scope": [*scopes]}
