"""certify's contract and its domain say the same: enums, events, policy rows, limits."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from buf.validate import validate_pb2
from sealwright.certify.v1 import (
    attestation_service_pb2,
    credential_issuer_service_pb2,
    credential_service_pb2,
    definition_service_pb2,
    events_pb2,
    holder_service_pb2,
    issuance_service_pb2,
    resources_pb2,
    tenant_service_pb2,
)
from sealwright_certify.codec import events as codec
from sealwright_certify.codec.oid4vci_events import encode_oid4vci_event
from sealwright_certify.config import DoorSettings
from sealwright_certify.main import POLICIES
from sealwright_certify.ports import DcpPolicy, Tenant
from sealwright_certify.usecases import events
from sealwright_common.domain.credentials import (
    CredentialFormat,
    CredentialState,
    DefinitionRef,
    IssuedCredential,
    ReissuePolicy,
    StatusPurpose,
)
from sealwright_common.domain.issuance import IssuanceError, IssuanceProcess, IssuanceState, Protocol
from sealwright_common.runtime.grpc.policy import compare

CERTIFY = Path(__file__).resolve().parents[3] / "services" / "certify"
README = CERTIFY / "README.md"
CODEC = CERTIFY / "src" / "sealwright_certify" / "codec"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = UUID("01900000-0000-7000-8000-000000000000")
PROCESS = IssuanceProcess(
    id=ID,
    tenant="default",
    state=IssuanceState.SUBMITTED,
    protocol=Protocol.DCP,
    protocol_version="1.0",
    holder_did="did:web:holder.example",
    holder_pid="a holder's own id",
    definitions=(DefinitionRef("MembershipCredential", 3),),
    claims={"onboarding": {"companyNumber": "DK-123"}},
    create_time=NOW,
    update_time=NOW,
)
CREDENTIAL = IssuedCredential(
    id=ID,
    process_id=ID,
    definition=DefinitionRef("MembershipCredential", 3),
    credential_type="MembershipCredential",
    format=CredentialFormat.VC20_BSSL_JWT,
    holder_did="did:web:holder.example",
    key_id="did:web:issuer.example#key",
    payload="a.b.c",
    valid_from=NOW,
    valid_until=NOW + timedelta(days=1),
)
TENANT = Tenant("default", "did:web:issuer.example", "credentials", "Issuer", DcpPolicy(), NOW)
ERRORED = replace(PROCESS, state=IssuanceState.ERRORED, version=2, error=IssuanceError.DELIVERY_REFUSED)
TOLD: dict[str, Any] = {
    "TenantStored": events.TenantStored(TENANT),
    "DefinitionStored": events.DefinitionStored(DefinitionRef("MembershipCredential", 3)),
    "DefinitionDeleted": events.DefinitionDeleted(DefinitionRef("MembershipCredential", 3)),
    "IssuanceSubmitted": events.ProcessMoved(PROCESS),
    "IssuanceApproved": events.ProcessMoved(replace(PROCESS, state=IssuanceState.APPROVED, version=2)),
    "IssuanceGenerated": events.ProcessGenerated(replace(PROCESS, state=IssuanceState.APPROVED, version=3), (ID,)),
    "IssuanceDelivered": events.ProcessMoved(replace(PROCESS, state=IssuanceState.DELIVERED, version=4), (ID,)),
    "IssuanceErrored": events.ProcessMoved(ERRORED),
    "CredentialRevoked": events.CredentialStatusChanged(CREDENTIAL, CredentialState.REVOKED, NOW),
    "CredentialSuspended": events.CredentialStatusChanged(CREDENTIAL, CredentialState.SUSPENDED, NOW),
    "CredentialResumed": events.CredentialStatusChanged(CREDENTIAL, CredentialState.VALID, NOW),
    "OfferQueued": events.OfferQueued(ID, ("MembershipCredential",)),
    "OfferSettled": events.OfferSettled(ID, delivered=True),
}
"""What the use cases tell, by the name of its message; what happens at the OpenID4VCI door has tests there."""


@pytest.mark.parametrize(
    ("domain", "proto", "prefix"),
    [
        (IssuanceState, resources_pb2.IssuanceState, "ISSUANCE_STATE"),
        (IssuanceError, resources_pb2.IssuanceError, "ISSUANCE_ERROR"),
        (Protocol, resources_pb2.IssuanceProtocol, "ISSUANCE_PROTOCOL"),
        (CredentialState, resources_pb2.CredentialState, "CREDENTIAL_STATE"),
        (CredentialFormat, resources_pb2.CredentialFormat, "CREDENTIAL_FORMAT"),
        (StatusPurpose, resources_pb2.StatusPurpose, "STATUS_PURPOSE"),
        (ReissuePolicy, resources_pb2.ReissuePolicy, "REISSUE_POLICY"),
    ],
)
def test_enums_are_the_same_on_both_sides(domain: Any, proto: Any, prefix: str) -> None:
    """Whatever the domain knows can be said, and nothing else."""
    assert {f"{prefix}_{member.name}" for member in domain} | {f"{prefix}_UNSPECIFIED"} == set(proto.keys())


@pytest.mark.parametrize("name", TOLD)
def test_every_event_is_told_and_holds_nothing_personal(name: str) -> None:
    """Each carries its aggregate's id and version; neither holder nor claims stand in any of them."""
    record = codec.encode_event(TOLD[name])
    assert record.message.DESCRIPTOR.full_name == f"sealwright.certify.v1.{name}"
    written = record.message.SerializeToString()
    for personal in (b"holder.example", b"holder's own id", b"DK-123", b"companyNumber"):
        assert personal not in written
    assert record.aggregate_id
    if isinstance(TOLD[name], events.ProcessMoved | events.ProcessGenerated):
        assert (record.aggregate_id, record.aggregate_version) == (str(ID), TOLD[name].process.version)


def test_the_catalogue_is_what_happens_and_what_the_readme_lists() -> None:
    """events.proto has no message that nothing sends, and the README names each. The runtime sends one of them."""
    catalogue = set(events_pb2.DESCRIPTOR.message_types_by_name)
    by_runtime = {"AuditHeadTaken"}
    sources = "".join(path.read_text() for path in CODEC.glob("*.py"))
    assert {name for name in catalogue - set(TOLD) - by_runtime if f"pb.{name}(" not in sources} == set()
    assert set(TOLD) <= catalogue
    section = README.read_text().split("\n## Events\n")[1].split("\n## ")[0]
    assert catalogue <= set(re.findall(r"`(\w+)`", section))


def test_what_is_no_event_of_ours_is_not_sent() -> None:
    """A surprise is a fault, not a message."""
    assert encode_oid4vci_event(object()) is None
    with pytest.raises(TypeError):
        codec.encode_event(object())


def test_every_rpc_has_a_policy_row() -> None:
    """Of all seven services, none missing and none too many."""
    files = (
        attestation_service_pb2,
        credential_issuer_service_pb2,
        credential_service_pb2,
        definition_service_pb2,
        holder_service_pb2,
        issuance_service_pb2,
        tenant_service_pb2,
    )
    compare(POLICIES, [service for file in files for service in file.DESCRIPTOR.services_by_name.values()])


def test_both_doors_take_as_many_definitions_in_one_request() -> None:
    """What DCP takes, gRPC takes."""
    field = issuance_service_pb2.RequestIssuanceRequest.DESCRIPTOR.fields_by_name["definition_ids"]
    limit = field.GetOptions().Extensions[validate_pb2.field].repeated.max_items  # pyright: ignore[reportArgumentType]
    assert limit == DoorSettings().definitions == 60


def test_every_switch_of_a_tenant_can_be_set_and_is_shown() -> None:
    """A policy in the domain is one in the message."""
    assert set(DcpPolicy.__dataclass_fields__) == set(resources_pb2.DcpPolicy.DESCRIPTOR.fields_by_name)
