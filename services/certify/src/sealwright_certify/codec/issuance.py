"""Processes and credentials."""

from __future__ import annotations

from uuid import UUID

from sealwright.certify.v1 import credential_service_pb2 as credentials
from sealwright.certify.v1 import issuance_service_pb2 as service
from sealwright.certify.v1 import resources_pb2 as pb
from sealwright_common.domain.credentials import IssuedCredential
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Protocol

from sealwright_certify.codec.definitions import FORMAT_NUMBERS, PURPOSE_NUMBERS, outcome_message, ref_message
from sealwright_certify.codec.values import claims_by_attestation, page_token, timestamp
from sealwright_certify.ports import StatusList
from sealwright_certify.usecases.issue import IssueCredential, Issued
from sealwright_certify.usecases.request_issuance import Check, RequestIssuance

_PROTOCOLS = {
    Protocol.GRPC: pb.ISSUANCE_PROTOCOL_GRPC,
    Protocol.DCP: pb.ISSUANCE_PROTOCOL_DCP,
    Protocol.OPENID4VCI: pb.ISSUANCE_PROTOCOL_OPENID4VCI,
}


def protocol_number(protocol: Protocol) -> pb.IssuanceProtocol:
    return _PROTOCOLS[protocol]


def state(number: pb.IssuanceState) -> IssuanceState | None:
    """A state as filter; unspecified is none."""
    name = pb.IssuanceState.Name(number).removeprefix("ISSUANCE_STATE_")
    return None if name == "UNSPECIFIED" else IssuanceState(name)


def issue_command(request: service.IssueCredentialRequest) -> IssueCredential:
    return IssueCredential(
        definition_id=request.definition_id,
        holder_did=request.holder_did,
        pushed=claims_by_attestation(request.claims_json, "claims_json"),
    )


def issue_response(value: Issued) -> service.IssueCredentialResponse:
    return service.IssueCredentialResponse(
        credential=credential_message(value.credential),
        payload=value.credential.payload,
        process_id=str(value.process.id),
    )


def request_command(request: service.RequestIssuanceRequest) -> RequestIssuance:
    dcp = request.delivery == pb.ISSUANCE_PROTOCOL_DCP
    return RequestIssuance(
        holder_did=request.holder_did,
        definition_ids=tuple(request.definition_ids),
        protocol=Protocol.DCP if dcp else Protocol.GRPC,
        protocol_version="1.0" if dcp else "1",
        holder_pid=request.holder_pid,
        pushed=claims_by_attestation(request.claims_json, "claims_json"),
        split=request.split,
    )


def check_command(request: service.CheckIssuanceRequest) -> RequestIssuance:
    return RequestIssuance(
        holder_did=request.holder_did,
        definition_ids=tuple(request.definition_ids),
        protocol=Protocol.GRPC,
        protocol_version="1",
        pushed=claims_by_attestation(request.claims_json, "claims_json"),
    )


def request_response(processes: list[IssuanceProcess]) -> service.RequestIssuanceResponse:
    return service.RequestIssuanceResponse(processes=[process_message(process) for process in processes])


def check_response(value: Check) -> service.CheckIssuanceResponse:
    return service.CheckIssuanceResponse(
        accepted=value.accepted,
        missing_attestations=value.verdict.missing,
        rules=[outcome_message(id_, outcome) for id_, outcome in value.verdict.outcomes],
        problems=value.problems,
    )


def get_response(value: tuple[IssuanceProcess, tuple[UUID, ...]]) -> service.GetIssuanceResponse:
    return service.GetIssuanceResponse(process=process_message(*value))


def list_response(processes: list[IssuanceProcess], limit: int) -> service.ListIssuancesResponse:
    return service.ListIssuancesResponse(
        processes=[process_message(process) for process in processes],
        next_page_token=page_token(str(processes[-1].id)) if len(processes) == limit else "",
    )


def approve_response(process: IssuanceProcess) -> service.ApproveIssuanceResponse:
    return service.ApproveIssuanceResponse(process=process_message(process))


def reject_response(process: IssuanceProcess) -> service.RejectIssuanceResponse:
    return service.RejectIssuanceResponse(process=process_message(process))


def redeliver_response(process: IssuanceProcess) -> service.RedeliverIssuanceResponse:
    return service.RedeliverIssuanceResponse(process=process_message(process))


def watch_response(process: IssuanceProcess, ids: tuple[UUID, ...]) -> service.WatchIssuancesResponse:
    return service.WatchIssuancesResponse(process=process_message(process, ids))


def process_message(process: IssuanceProcess, credential_ids: tuple[UUID, ...] = ()) -> pb.IssuanceProcess:
    """A process as its message; claims and tokens stay inside."""
    return pb.IssuanceProcess(
        id=str(process.id),
        parent_id="" if process.parent_id is None else str(process.parent_id),
        state=f"ISSUANCE_STATE_{process.state}",
        protocol=_PROTOCOLS[process.protocol],
        protocol_version=process.protocol_version,
        holder_did=process.holder_did,
        holder_pid=process.holder_pid,
        definitions=[ref_message(ref) for ref in process.definitions],
        error=f"ISSUANCE_ERROR_{process.error or 'UNSPECIFIED'}",
        error_detail=process.error_detail,
        attempts=process.attempts,
        next_attempt_time=timestamp(process.next_attempt_time),
        approvals=[
            pb.Approval(approver=approval.approver, time=timestamp(approval.time)) for approval in process.approvals
        ],
        approvals_required=process.approvals_required,
        approval_deadline_time=timestamp(process.approval_deadline),
        credential_ids=[str(id_) for id_ in credential_ids],
        version=process.version,
        create_time=timestamp(process.create_time),
        update_time=timestamp(process.update_time),
    )


# ---- credentials


def ids(texts: list[str]) -> list[UUID]:
    return [parse_id(text, f"ids[{position}]") for position, text in enumerate(texts)]


def credential_message(value: IssuedCredential) -> pb.Credential:
    """A credential as its message, without payload."""
    return pb.Credential(
        id=str(value.id),
        process_id=str(value.process_id),
        definition=ref_message(value.definition),
        credential_type=value.credential_type,
        format=FORMAT_NUMBERS[value.format],
        holder_did=value.holder_did,
        key_id=value.key_id,
        valid_from_time=timestamp(value.valid_from),
        valid_until_time=timestamp(value.valid_until),
        state=f"CREDENTIAL_STATE_{value.state}",
        status_entries=[
            pb.StatusEntry(list_uri=place.uri, index=place.index, purpose=PURPOSE_NUMBERS[place.purpose])
            for place in value.status
        ],
    )


def credential_response(value: IssuedCredential) -> credentials.GetCredentialResponse:
    return credentials.GetCredentialResponse(credential=credential_message(value), payload=value.payload)


def credentials_response(values: list[IssuedCredential], limit: int) -> credentials.ListCredentialsResponse:
    return credentials.ListCredentialsResponse(
        credentials=[credential_message(value) for value in values],
        next_page_token=page_token(str(values[-1].id)) if len(values) == limit else "",
    )


def revoke_response(values: list[IssuedCredential]) -> credentials.RevokeCredentialsResponse:
    return credentials.RevokeCredentialsResponse(credentials=[credential_message(value) for value in values])


def suspend_response(values: list[IssuedCredential]) -> credentials.SuspendCredentialsResponse:
    return credentials.SuspendCredentialsResponse(credentials=[credential_message(value) for value in values])


def resume_response(values: list[IssuedCredential]) -> credentials.ResumeCredentialsResponse:
    return credentials.ResumeCredentialsResponse(credentials=[credential_message(value) for value in values])


def lists_response(values: list[StatusList], limit: int) -> credentials.ListStatusListsResponse:
    return credentials.ListStatusListsResponse(
        lists=[
            pb.StatusList(
                id=str(value.id),
                uri=value.uri,
                purpose=PURPOSE_NUMBERS[value.purpose],
                size=value.size,
                used=value.used,
                set_count=value.set_count,
                version=value.version,
            )
            for value in values
        ],
        next_page_token=page_token(str(values[-1].id)) if len(values) == limit else "",
    )
