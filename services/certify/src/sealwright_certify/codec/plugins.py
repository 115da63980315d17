"""Plugins' contracts (sealwright.plugin.v1) as certify calls them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import aio
from sealwright.plugin.v1 import audit_service_pb2 as audit
from sealwright.plugin.v1 import credential_issuer_service_pb2 as issuing
from sealwright.plugin.v1 import data_provider_service_pb2 as providing
from sealwright.plugin.v1.audit_service_pb2_grpc import AuditServiceStub
from sealwright.plugin.v1.credential_issuer_service_pb2_grpc import CredentialIssuerServiceStub
from sealwright.plugin.v1.data_provider_service_pb2_grpc import DataProviderServiceStub
from sealwright_common.domain.definition_json import parse_json_object
from sealwright_common.domain.errors import FailedPrecondition, Reason, Unavailable

from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest, ProxyRequest


class DataProviderPlugin:
    """Calls a data provider plugin."""

    def __init__(self, channel: aio.Channel) -> None:
        self._stub = DataProviderServiceStub(channel)

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """The plugin's own opinion of settings."""
        request = providing.ValidateProviderRequest(settings_json=json.dumps(settings))
        return list((await self._stub.ValidateProvider(request, timeout=5)).problems)

    async def fetch(self, request: ClaimsRequest, settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The claims; None if it knows nothing of the subject or denies them. Unavailable if it cannot answer now."""
        asked = providing.FetchClaimsRequest(
            correlation_id="1",
            tenant=request.tenant,
            issuer=request.issuer,
            dataset=request.dataset,
            configuration_id=request.configuration_id,
            subject=request.subject or "",
            claim_paths_json=[json.dumps(list(path)) for path in request.claims],
            settings_json=json.dumps(settings),
        )

        async def one() -> AsyncIterator[providing.FetchClaimsRequest]:
            yield asked

        async for response in self._stub.FetchClaims(one(), timeout=max(0.1, request.remaining)):
            return _claims(response)
        raise Unavailable(Reason.PROVIDER_FAILED, "the data provider ended without an answer; try again")


def _claims(response: providing.FetchClaimsResponse) -> Mapping[str, Any] | None:
    match response.error:
        case providing.PROVIDER_ERROR_UNSPECIFIED:
            return parse_json_object(response.claims_json, "claims_json")
        case providing.PROVIDER_ERROR_SUBJECT_UNKNOWN | providing.PROVIDER_ERROR_DENIED:
            return None
        case providing.PROVIDER_ERROR_UNAVAILABLE:
            raise Unavailable(Reason.PROVIDER_FAILED, "the data provider cannot answer now; try again")
        case _:
            raise FailedPrecondition(Reason.PROVIDER_FAILED, "the data provider does not take its settings")


class IssuerPlugin:
    """Calls an issuing plugin."""

    def __init__(self, channel: aio.Channel) -> None:
        self._stub = CredentialIssuerServiceStub(channel)

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """The plugin's own opinion of settings."""
        request = issuing.ValidateCredentialIssuerRequest(settings_json=json.dumps(settings))
        return list((await self._stub.ValidateCredentialIssuer(request, timeout=5)).problems)

    async def issue(self, request: ProxyRequest, settings: Mapping[str, Any]) -> list[str]:
        """The credentials as the other issuer gave them; empty if it refuses."""
        response = await self._stub.IssueCredentials(
            issuing.IssueCredentialsRequest(
                tenant=request.tenant,
                issuer=request.issuer,
                configuration_id=request.configuration.id,
                format=request.configuration.format.value,
                subject=request.subject or "",
                holder_jwks_json=[json.dumps(dict(key.jwk)) for key in request.keys],
                settings_json=json.dumps(settings),
            ),
            timeout=max(0.1, request.remaining),
        )
        return list(response.credentials)


class AuditPlugin:
    """Calls an audit plugin."""

    def __init__(self, channel: aio.Channel) -> None:
        self._stub = AuditServiceStub(channel)

    async def record(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Hands over rows of the audit log. Unavailable if the plugin is away."""
        records: list[audit.AuditRecord] = []
        for row in rows:
            time = Timestamp()
            time.FromDatetime(row["time"])
            detail = {name: str(value) for name, value in row["detail"].items()}
            record = audit.AuditRecord(
                time=time,
                tenant=row["tenant"],
                caller=row["caller"],
                action=row["action"],
                outcome="DENIED" if row["action"].endswith(".deny") else "SUCCESS",
                detail={**detail, "target": row["target"]},
            )
            records.append(record)
        await self._stub.RecordAudit(audit.RecordAuditRequest(records=records), timeout=10)


def provider_refusal(problem: Exception) -> Unavailable:
    """What a failed plugin call means for the wallet: nothing is known, try again."""
    return Unavailable(Reason.PROVIDER_FAILED, f"a plugin failed ({type(problem).__name__}); see its log")
