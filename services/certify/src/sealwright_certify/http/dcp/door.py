"""``/credentials``, ``/requests/{id}`` and ``/metadata`` of an issuer, under ``/dcp/{tenant}``.

Checks go from cheap to dear: source bucket, token sent at all, size, shape, room for one more process, then the token
(its claims, the sender's rate, the DID document, the signature, the replay mark), then attestations. Refusals say no
more than their status has to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import orjson
import structlog
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import (
    Code,
    InvalidArgument,
    NotFound,
    Problem,
    Reason,
    Unauthenticated,
)
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.issuance import Protocol
from sealwright_common.domain.tenants import tenant as checked_tenant
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.http.middleware import BodyTooLarge
from sealwright_common.runtime.http.problems import plain_problem, problem_response, retry_after
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sealwright_certify.codec import dcp
from sealwright_certify.http.guards import Buckets, Sources
from sealwright_certify.ports import HolderTokens, Tenant
from sealwright_certify.usecases.backlog import Backlog
from sealwright_certify.usecases.definitions import Definitions
from sealwright_certify.usecases.evaluate import refusal_of
from sealwright_certify.usecases.request_issuance import IssuanceQueries, IssuanceRequests, RequestIssuance
from sealwright_certify.usecases.tenants import Tenants

log = structlog.get_logger(__name__)

VERSION = "1.0"

METADATA_FRESH = 1.0
"""Seconds an issuer's metadata is answered from memory: anybody may ask, and it can be long."""

MOST_METADATA = 1000
"""Tenants whose metadata is kept."""

_OURS = (Reason.TEMPLATE_INVALID, Reason.TEMPLATE_BUDGET)
"""Reasons that say nothing about the request: a template that does not fit what its own attestations gave."""

Handler = Callable[[Request, Tenant], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class DcpDoor:
    """The DCP door of every tenant."""

    def __init__(
        self,
        tenants: Tenants,
        definitions: Definitions,
        requests: IssuanceRequests,
        queries: IssuanceQueries,
        tokens: HolderTokens,
        backlog: Backlog,
        *,
        sources: Sources,
        holders: Buckets,
        most_definitions: int,
        body_bytes: int,
        base: str,
        schema_uri: dcp.SchemaUri,
    ) -> None:
        self._tenants = tenants
        self._definitions = definitions
        self._requests = requests
        self._queries = queries
        self._tokens = tokens
        self._backlog = backlog
        self._sources = sources
        self._holders = holders
        self._most_definitions = most_definitions
        self._body_bytes = body_bytes
        self._base = base
        self._schema_uri = schema_uri
        self._metadata: dict[str, tuple[float, bytes]] = {}

    def routes(self) -> list[Route]:
        """The routes under ``/dcp``."""
        return [
            Route("/dcp/{tenant}/credentials", self._guarded(self.credentials), methods=["POST"]),
            Route("/dcp/{tenant}/requests/{id}", self._guarded(self.status), methods=["GET"]),
            Route("/dcp/{tenant}/metadata", self._guarded(self.metadata), methods=["GET"]),
        ]

    async def credentials(self, request: Request, tenant: Tenant) -> Response:
        """A CredentialRequestMessage: 201 with the status resource's Location once the process is committed."""
        token = _bearer(request)
        body = await _body(request, self._body_bytes)
        wanted = dcp.credential_request(body, self._most_definitions)
        self._backlog.demand_room(tenant.name)
        holder = await self._tokens.verify(token, tenant, self._holders)
        command = RequestIssuance(
            holder_did=holder.did,
            definition_ids=wanted.credential_ids,
            protocol=Protocol.DCP,
            protocol_version=VERSION,
            holder_pid=wanted.holder_pid,
            access_token=holder.access_token,
        )
        call = Call(caller=holder.did, tenant=tenant.name, method="dcp.credentials")
        try:
            process = (await self._requests.request(call, command))[0]
            fault_point("certify.accepted")
        except Problem as problem:
            return _refusal(problem, tenant)
        location = f"{self._base}/{tenant.name}/requests/{process.parent_id or process.id}"
        return Response(status_code=201, headers={"location": location, "cache-control": "no-store"})

    async def status(self, request: Request, tenant: Tenant) -> Response:
        """The CredentialStatus of a request, to its requester only; to everybody else it does not exist."""
        holder = await self._tokens.verify(_bearer(request), tenant, self._holders)
        call = Call(caller=holder.did, tenant=tenant.name, method="dcp.status")
        process = await self._queries.standing(call, _id(request))
        if process.holder_did != holder.did:
            raise NotFound(Reason.PROCESS_NOT_FOUND, "no such request")
        return _json(orjson.dumps(dcp.status_message(process)))

    async def metadata(self, request: Request, tenant: Tenant) -> Response:
        """The IssuerMetadata over all definitions, not only the first page of them; at most a second old."""
        now = asyncio.get_running_loop().time()
        kept = self._metadata.get(tenant.name)
        if kept is None or now - kept[0] >= METADATA_FRESH:
            call = Call(caller="anonymous", tenant=tenant.name, method="dcp.metadata")
            found = await self._definitions.every(call)
            deliverable = [definition for definition in found if definition.format.dcp]
            scopes = await self._definitions.scopes(call, deliverable)
            message = dcp.metadata_message(tenant, deliverable, self._schema_uri, scopes)
            if len(self._metadata) >= MOST_METADATA:
                self._metadata.clear()
            kept = self._metadata[tenant.name] = (now, orjson.dumps(message))
        return _json(kept[1])

    def _guarded(self, handler: Handler) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            await self._sources.take(request)
            try:
                call = Call(caller="anonymous", tenant=checked_tenant(request.path_params["tenant"]))
                tenant = await self._tenants.current(call)
                return await handler(request, tenant)
            except Unauthenticated as problem:
                return _with(problem_response(problem), "www-authenticate", "Bearer")
            except (InvalidArgument, NotFound) as problem:
                return problem_response(problem)

        return endpoint


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip() or len(token) > 16384:
        raise Unauthenticated(Reason.TOKEN_REFUSED, "send the self-issued token as Authorization: Bearer")
    return token.strip()


def _refusal(problem: Problem, tenant: Tenant) -> Response:
    """The answer to a request that was refused: what the holder lacks is 403 (401 by the switch), never in detail."""
    if refusal_of(problem):
        log.info("issuance refused", tenant=tenant.name, reason=problem.reason.value, detail=problem.message)
        return plain_problem(401 if tenant.dcp.refuse_with_401 else 403)
    if problem.reason is Reason.HOLDER_UNKNOWN:
        return plain_problem(401)
    if problem.reason is Reason.DEFINITION_NOT_FOUND:
        return problem_response(problem, 400)
    if problem.code is Code.FAILED_PRECONDITION or problem.reason in _OURS:
        log.error("issuance impossible", tenant=tenant.name, reason=problem.reason.value, detail=problem.message)
        return plain_problem(503, {"retry-after": "30"})
    if problem.code is Code.UNAVAILABLE:
        log.warning("issuance has to wait", tenant=tenant.name, reason=problem.reason.value, detail=problem.message)
        return plain_problem(503, {"retry-after": str(retry_after(problem))})
    return problem_response(problem)


async def _body(request: Request, limit: int) -> bytes:
    """The body, read no further than the limit."""
    if int(request.headers.get("content-length") or 0) > limit:
        raise BodyTooLarge(Reason.REQUEST_TOO_LARGE, f"a body of at most {limit} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise BodyTooLarge(Reason.REQUEST_TOO_LARGE, f"a body of at most {limit} bytes")
    return bytes(body)


def _id(request: Request) -> UUID:
    try:
        return parse_id(request.path_params["id"], "id")
    except InvalidArgument:
        raise NotFound(Reason.PROCESS_NOT_FOUND, "no such request") from None


def _json(message: bytes) -> Response:
    return Response(message, media_type="application/json", headers={"cache-control": "no-store"})


def _with(response: Response, name: str, value: str) -> Response:
    response.headers[name] = value
    return response
