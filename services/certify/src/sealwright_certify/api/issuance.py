"""IssuanceService and CredentialService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

from sealwright.certify.v1 import credential_service_pb2 as credential_pb
from sealwright.certify.v1 import issuance_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.domain.credentials import CredentialState
from sealwright_common.domain.ids import parse_id
from sealwright_common.runtime.grpc import answer

from sealwright_certify.codec import issuance as codec
from sealwright_certify.codec.values import id_after, page_size
from sealwright_certify.usecases.credentials import Credentials
from sealwright_certify.usecases.issue import Issue
from sealwright_certify.usecases.request_issuance import IssuanceQueries, IssuanceRequests
from sealwright_certify.usecases.steer import Steering
from sealwright_certify.usecases.watch import Watching


class IssuanceServicer:
    """Requests and processes."""

    def __init__(
        self,
        issue: Issue,
        requests: IssuanceRequests,
        queries: IssuanceQueries,
        steering: Steering,
        watching: Watching,
    ) -> None:
        self._issue = issue
        self._requests = requests
        self._queries = queries
        self._steering = steering
        self._watching = watching

    async def IssueCredential(self, request: pb.IssueCredentialRequest, call: Call) -> pb.IssueCredentialResponse:
        return await answer(call, self._issue, codec.issue_command(request), codec.issue_response)

    async def RequestIssuance(self, request: pb.RequestIssuanceRequest, call: Call) -> pb.RequestIssuanceResponse:
        return await answer(call, self._requests.request, codec.request_command(request), codec.request_response)

    async def CheckIssuance(self, request: pb.CheckIssuanceRequest, call: Call) -> pb.CheckIssuanceResponse:
        return codec.check_response(await self._requests.check(call, codec.check_command(request)))

    async def GetIssuance(self, request: pb.GetIssuanceRequest, call: Call) -> pb.GetIssuanceResponse:
        return codec.get_response(await self._queries.get(call, parse_id(request.id, "id")))

    async def ListIssuances(self, request: pb.ListIssuancesRequest, call: Call) -> pb.ListIssuancesResponse:
        limit = page_size(request.page_size)
        found = await self._queries.page(
            call, codec.state(request.state), request.holder_did, id_after(request.page_token), limit
        )
        return codec.list_response(found, limit)

    async def WatchIssuances(
        self, request: pb.WatchIssuancesRequest, call: Call
    ) -> AsyncIterator[pb.WatchIssuancesResponse]:
        id_ = parse_id(request.id, "id") if request.id else None
        changes = self._watching.all(call) if id_ is None else self._watching.one(call, id_)
        async for process in changes:
            yield codec.watch_response(process, await self._queries.credential_ids(process))

    async def ApproveIssuance(self, request: pb.ApproveIssuanceRequest, call: Call) -> pb.ApproveIssuanceResponse:
        return await answer(call, self._steering.approve, parse_id(request.id, "id"), codec.approve_response)

    async def RejectIssuance(self, request: pb.RejectIssuanceRequest, call: Call) -> pb.RejectIssuanceResponse:
        reason = request.rejection_reason

        async def reject(call: Call, id_: UUID):
            return await self._steering.reject(call, id_, reason)

        return await answer(call, reject, parse_id(request.id, "id"), codec.reject_response)

    async def RedeliverIssuance(self, request: pb.RedeliverIssuanceRequest, call: Call) -> pb.RedeliverIssuanceResponse:
        return await answer(call, self._steering.redeliver, parse_id(request.id, "id"), codec.redeliver_response)


class CredentialServicer:
    """Issued credentials and their status."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def GetCredential(
        self, request: credential_pb.GetCredentialRequest, call: Call
    ) -> credential_pb.GetCredentialResponse:
        return codec.credential_response(await self._credentials.get(call, parse_id(request.id, "id")))

    async def ListCredentials(
        self, request: credential_pb.ListCredentialsRequest, call: Call
    ) -> credential_pb.ListCredentialsResponse:
        limit = page_size(request.page_size)
        found = await self._credentials.page(
            call, request.holder_did, request.definition_id, id_after(request.page_token), limit
        )
        return codec.credentials_response(found, limit)

    async def RevokeCredentials(
        self, request: credential_pb.RevokeCredentialsRequest, call: Call
    ) -> credential_pb.RevokeCredentialsResponse:
        change = self._change(CredentialState.REVOKED, request.reason)
        return await answer(call, change, codec.ids(list(request.ids)), codec.revoke_response)

    async def SuspendCredentials(
        self, request: credential_pb.SuspendCredentialsRequest, call: Call
    ) -> credential_pb.SuspendCredentialsResponse:
        change = self._change(CredentialState.SUSPENDED, request.reason)
        return await answer(call, change, codec.ids(list(request.ids)), codec.suspend_response)

    async def ResumeCredentials(
        self, request: credential_pb.ResumeCredentialsRequest, call: Call
    ) -> credential_pb.ResumeCredentialsResponse:
        change = self._change(CredentialState.VALID, request.reason)
        return await answer(call, change, codec.ids(list(request.ids)), codec.resume_response)

    async def ListStatusLists(
        self, request: credential_pb.ListStatusListsRequest, call: Call
    ) -> credential_pb.ListStatusListsResponse:
        limit = page_size(request.page_size)
        return codec.lists_response(await self._credentials.lists(call, id_after(request.page_token), limit), limit)

    def _change(self, state: CredentialState, reason: str):
        async def change(call: Call, ids: list[UUID]):
            return await self._credentials.change(call, ids, state, reason)

        return change
