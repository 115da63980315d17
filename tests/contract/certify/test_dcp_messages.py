"""The messages of DCP 1.0 that certify sends fit the shapes holders check, and it reads what holders send."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest
from sealwright_certify.adapters.schemas import JsonSchemas
from sealwright_certify.codec import dcp
from sealwright_certify.codec.credential_schema import credential_schema
from sealwright_certify.ports import Offer, Tenant
from sealwright_common.domain.credentials import CredentialDefinition, CredentialFormat
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.issuance import IssuanceError, IssuanceState
from sealwright_common.domain.json_values import Json, JsonObject

from tests.contract.certify.test_contract import CREDENTIAL, ERRORED, ID, NOW, PROCESS, TENANT

CONTEXT = "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"
SPACE = "https://w3id.org/dspace-dcp/v1.0/"
TEXT = {"type": "string", "minLength": 1}


def shape(type_: str, required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """A message of DCP: its context as a list of texts, its type as one text, and nothing unknown."""
    head = {
        "@context": {"type": "array", "items": {"type": "string"}, "contains": {"const": CONTEXT}},
        "type": {"const": type_},
    }
    return {
        "type": "object",
        "properties": {**head, **required, **(optional or {})},
        "required": [*head, *required],
        "additionalProperties": False,
    }


CREDENTIAL_OBJECT = {
    "type": "object",
    "properties": {
        "id": TEXT,
        "type": {"const": "CredentialObject"},
        "credentialType": TEXT,
        "bindingMethods": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "credentialSchema": TEXT,
        "profile": {"enum": ["vc11-sl2021/jwt", "vc20-bssl/jwt"]},
        "issuancePolicy": {"type": "object", "required": ["id", "input_descriptors"]},
        "offerReason": TEXT,
    },
    "required": ["id", "type", "credentialType", "bindingMethods", "credentialSchema", "profile", "issuancePolicy"],
    "additionalProperties": False,
}
SUPPORTED = {**CREDENTIAL_OBJECT, "required": [*CREDENTIAL_OBJECT["required"], "offerReason"]}
"""In the metadata every property has to be there, even the reason of an offer."""
CONTAINER = {
    "type": "object",
    "properties": {"credentialType": TEXT, "payload": TEXT, "format": {"enum": ["vc11-sl2021/jwt", "vc20-bssl/jwt"]}},
    "required": ["credentialType", "payload", "format"],
    "additionalProperties": False,
}
PIDS = {"issuerPid": TEXT, "holderPid": TEXT}
SHAPES = {
    "CredentialStatus": shape("CredentialStatus", {**PIDS, "status": {"enum": ["RECEIVED", "ISSUED", "REJECTED"]}}),
    "issued": shape(
        "CredentialMessage",
        {**PIDS, "status": {"const": "ISSUED"}, "credentials": {"type": "array", "items": CONTAINER, "minItems": 1}},
    ),
    "rejected": shape("CredentialMessage", {**PIDS, "status": {"const": "REJECTED"}}, {"rejectionReason": TEXT}),
    "IssuerMetadata": shape(
        "IssuerMetadata",
        {"issuer": TEXT, "credentialsSupported": {"type": "array", "items": SUPPORTED}},
    ),
    "CredentialOfferMessage": shape(
        "CredentialOfferMessage",
        {"issuer": TEXT, "credentials": {"type": "array", "items": CREDENTIAL_OBJECT, "minItems": 1}},
    ),
    "PresentationQueryMessage": shape(
        "PresentationQueryMessage", {"scope": {"type": "array", "items": {"type": "string"}, "minItems": 1}}
    ),
}
DEFINITION = CredentialDefinition(
    id="MembershipCredential",
    version=3,
    credential_type="MembershipCredential",
    format=CredentialFormat.VC11_SL2021_JWT,
    attestations=("onboarding",),
    schema={"type": "object"},
)
BARE = replace(DEFINITION, id="Bare", schema=None)


def schema_uri(tenant: Tenant, definition: CredentialDefinition) -> str:
    """As certify serves schemas."""
    return f"https://issuer.example/schemas/{tenant.name}/{definition.id}/3"


OFFER = Offer(ID, "default", "did:web:holder.example", ("MembershipCredential",), "reissue", 0, NOW)
SAID = {
    "CredentialStatus": dcp.status_message(PROCESS),
    "issued": dcp.credential_message(PROCESS, [CREDENTIAL]),
    "rejected": dcp.rejection_message(replace(ERRORED, error=IssuanceError.REJECTED)),
    "IssuerMetadata": dcp.metadata_message(TENANT, [DEFINITION, BARE], schema_uri, {}),
    "CredentialOfferMessage": dcp.offer_message(TENANT, OFFER, [DEFINITION, BARE], schema_uri, {}),
    "PresentationQueryMessage": dcp.presentation_query(["org.eclipse.dspace.dcp.vc.type:MembershipCredential:read"]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_certify_says_fits(name: str) -> None:
    """Context, type, and every member that is required or that strict holders ask for."""
    assert not JsonSchemas().problems(SHAPES[name])
    assert not JsonSchemas().violations(SHAPES[name], SAID[name])


def test_the_policy_is_what_a_holder_has_to_show() -> None:
    """Scopes of presentations, each once; attestations that ask nothing of holders are not named to the world."""
    scope = "org.eclipse.dspace.dcp.vc.type:MembershipCredential:read"
    shown = replace(DEFINITION, attestations=("onboarding", "shown", "again"))
    scopes = {"shown": (scope,), "again": (scope, "org.eclipse.dspace.dcp.vc.id:urn:uuid:1"), "foreign": ("x",)}
    message: Any = dcp.metadata_message(TENANT, [shown, DEFINITION], schema_uri, scopes)
    assert not JsonSchemas().violations(SHAPES["IssuerMetadata"], message)
    asked, nothing = (entry["issuancePolicy"]["input_descriptors"] for entry in message["credentialsSupported"])
    assert nothing == []
    assert [descriptor["id"] for descriptor in asked] == list(scopes["again"])
    kind = asked[0]["constraints"]["fields"][0]["filter"]
    assert not JsonSchemas().violations(kind, ["VerifiableCredential", "MembershipCredential"])
    assert JsonSchemas().violations(kind, ["VerifiableCredential"])
    assert "onboarding" not in json.dumps(message)


def test_the_subjects_schema_is_named() -> None:
    """In the metadata and in offers, of a definition without one, too: there every subject is good."""
    for name, member in (("IssuerMetadata", "credentialsSupported"), ("CredentialOfferMessage", "credentials")):
        listed: Any = SAID[name][member]
        assert [entry["credentialSchema"] for entry in listed] == [
            schema_uri(TENANT, each) for each in (DEFINITION, BARE)
        ]


SUBJECT = {
    "type": "object",
    "properties": {"n": {"$ref": "#/$defs/n"}},
    "required": ["n"],
    "$defs": {"n": {"minimum": 1}},
}
DRAFT_7 = {"$schema": "http://json-schema.org/draft-07/schema#"}
OLDER = {
    "definitions": {"s": {"properties": {"n": {"$ref": "#/definitions/n"}}, "required": ["n"]}, "n": {"minimum": 1}}
}


@pytest.mark.parametrize(
    "subject",
    [
        SUBJECT,
        {**SUBJECT, "$schema": "https://json-schema.org/draft/2019-09/schema"},
        {**SUBJECT, "$id": "https://elsewhere.example/subject"},
        {**DRAFT_7, **OLDER, "type": "object", "allOf": [{"$ref": "#/definitions/s"}]},
        {**DRAFT_7, **OLDER, "$ref": "#/definitions/s"},
        {**OLDER, "$schema": "http://json-schema.org/draft-04/schema#", "$ref": "#/definitions/s"},
        {**OLDER, "$ref": "#/definitions/s"},
    ],
)
def test_a_credentials_schema_wraps_its_subjects(subject: JsonObject) -> None:
    """Whatever the dialect, and though its references begin with ``#``."""
    made = credential_schema(subject, "https://issuer.example/schemas/default/Membership/3")
    schemas = JsonSchemas()
    assert schemas.problems(made) == []
    assert (
        schemas.violations(made, {"type": ["VerifiableCredential"], "credentialSubject": {"id": "did:x", "n": 1}}) == []
    )
    for subject_shown in ({"n": 0}, {}, "n", None):
        wrong: JsonObject = {} if subject_shown is None else {"credentialSubject": cast(Json, subject_shown)}
        assert schemas.violations(made, wrong), wrong


def test_a_refusal_tells_the_holder_no_more_than_it_may_know() -> None:
    """Without a reason of the approver's own there is none but the plain one; the detail is for operators."""
    process = replace(ERRORED, error_detail="the signer said something internal")
    assert dcp.rejection_message(process)["rejectionReason"] == "the request was not granted"
    told = dcp.rejection_message(replace(process, rejection_reason="not this year"))
    assert told["rejectionReason"] == "not this year"
    assert "internal" not in json.dumps(told)


@pytest.mark.parametrize(
    ("state", "status"),
    [("SUBMITTED", "RECEIVED"), ("APPROVED", "RECEIVED"), ("DELIVERED", "ISSUED"), ("ERRORED", "REJECTED")],
)
def test_states_are_three_statuses(state: str, status: str) -> None:
    """The seed's four states as DCP's three."""
    assert dcp.status_message(replace(PROCESS, state=IssuanceState(state)))["status"] == status


def test_a_redelivery_speaks_of_the_same_issuance() -> None:
    """issuerPid is the first process's, in the delivery and in the status of its child."""
    parent = UUID("01900000-0000-7000-8000-000000000001")
    child = replace(PROCESS, parent_id=parent)
    assert dcp.credential_message(child, [CREDENTIAL])["issuerPid"] == str(parent)
    assert dcp.status_message(child)["issuerPid"] == str(parent)


PLAIN: dict[str, Any] = {
    "@context": [CONTEXT],
    "type": "CredentialRequestMessage",
    "holderPid": "pid-1",
    "credentials": [{"id": "a"}, {"id": "b"}],
}


@pytest.mark.parametrize(
    "message",
    [
        PLAIN,
        {**PLAIN, "@context": [CONTEXT, "https://www.w3.org/ns/did/v1"]},
        {**PLAIN, "credentials": [{"id": "a", "type": "CredentialObject"}, {"@id": "b"}]},
        {
            "@type": f"{SPACE}CredentialRequestMessage",
            f"{SPACE}credentials": [{"@type": "@json", "@value": [{"id": "a"}, {"id": "b"}]}],
            f"{SPACE}holderPid": {"@id": "pid-1"},
        },
        {
            "@type": [f"{SPACE}CredentialRequestMessage"],
            f"{SPACE}credentials": {"@type": "@json", "@value": [{"id": "a"}, {"id": "b"}]},
            f"{SPACE}holderPid": [{"@id": "pid-1"}],
        },
        {
            "@type": f"{SPACE}CredentialRequestMessage",
            f"{SPACE}credentials": [{"@list": [{"@id": "a"}, {"@id": "b"}]}],
            f"{SPACE}holderPid": [{"@value": "pid-1"}],
        },
        [
            {
                "@type": [f"{SPACE}CredentialRequestMessage"],
                f"{SPACE}credentials": [{"@id": "a"}, {"@id": "b"}],
                f"{SPACE}holderPid": [{"@value": "pid-1"}],
            }
        ],
    ],
)
def test_requests_are_read_compact_and_expanded(message: Any) -> None:
    """However a holder writes it down, the same is asked for, and holderPid stays the text it was."""
    asked = dcp.credential_request(json.dumps(message).encode(), 60)
    assert (asked.holder_pid, asked.credential_ids) == ("pid-1", ("a", "b"))


@pytest.mark.parametrize(
    "credentials",
    [
        [{"id": "a"}],
        {"id": "a"},
        [{"@id": "a"}],
        {"@id": "a"},
        [{"@list": [{"@id": "a"}]}],
        {"@list": [{"@id": "a"}]},
        [{"@type": "@json", "@value": [{"id": "a"}]}],
        {"@type": "@json", "@value": {"id": "a"}},
    ],
)
def test_one_credential_is_one_however_it_is_wrapped(credentials: Any) -> None:
    """A list of one entry is not the wrapping of that entry."""
    message = {
        "@type": f"{SPACE}CredentialRequestMessage",
        f"{SPACE}holderPid": "p",
        f"{SPACE}credentials": credentials,
    }
    assert dcp.credential_request(json.dumps(message).encode(), 60).credential_ids == ("a",)


@pytest.mark.parametrize(
    ("message", "member"),
    [
        ({**PLAIN, "type": ["CredentialRequestMessage", "Other"]}, "type"),
        ({**PLAIN, "type": "CredentialMessage"}, "type"),
        ({name: value for name, value in PLAIN.items() if name != "@context"}, "@context"),
        ({name: value for name, value in PLAIN.items() if name != "holderPid"}, "holderPid"),
        ({name: value for name, value in PLAIN.items() if name != "credentials"}, "credentials"),
        ({**PLAIN, "credentials": []}, "credentials"),
        ({**PLAIN, "credentials": [[{"id": "a"}]]}, "credentials"),
        ({**PLAIN, "credentials": [{"id": {"@id": "a"}}]}, "credentials"),
        ({**PLAIN, "holderPid": {"@id": ["x"]}}, "holderPid"),
        ([PLAIN, PLAIN], "body"),
        ("CredentialRequestMessage", "body"),
    ],
)
def test_wrong_requests_name_the_wrong_member(message: Any, member: str) -> None:
    """InvalidArgument, whatever it is; never anything else."""
    with pytest.raises(InvalidArgument) as refused:
        dcp.credential_request(json.dumps(message).encode(), 60)
    assert any(field.path.startswith(member) for field in refused.value.fields), refused.value.fields


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ({"@context": [CONTEXT], "type": "PresentationResponseMessage", "presentation": ["a.b.c", "d.e.f"]}, 2),
        ({"type": "PresentationResponseMessage", "presentation": "a.b.c"}, 1),
        ({f"{SPACE}presentation": [{"@type": "@json", "@value": ["a.b.c", {"an": "object"}]}]}, 1),
        ([{f"{SPACE}presentation": [{"@value": "a.b.c"}, {"@value": "d.e.f"}]}], 2),
        ({"type": "PresentationResponseMessage", "presentation": []}, 0),
        ({"type": "PresentationResponseMessage"}, 0),
        ([], 0),
    ],
)
def test_presentations_are_read_compact_and_expanded(message: Any, found: int) -> None:
    """Those that are texts; whatever else a holder answers is none."""
    assert len(dcp.presentations(json.dumps(message).encode())) == found
