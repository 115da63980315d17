"""What verifiers fetch: DID documents, status lists, schemas."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from uuid import UUID

import orjson
from sealwright_common.domain.call import system_call
from sealwright_common.domain.credentials import CredentialDefinition
from sealwright_common.domain.errors import NotFound, Reason
from sealwright_common.runtime.http.problems import plain_problem
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sealwright_certify.codec.credential_schema import credential_schema
from sealwright_certify.http.negotiation import best_type
from sealwright_certify.usecases.definitions import Definitions
from sealwright_certify.usecases.status_lists import StatusLists
from sealwright_certify.usecases.tenants import DidDocuments, Tenants

SCHEMA = "application/schema+json"
LAST_VERSION = 2**31 - 1


class PublicPages:
    """Cacheable, unauthenticated, the same for everybody."""

    def __init__(
        self,
        tenants: Tenants,
        documents: DidDocuments,
        status_lists: StatusLists,
        definitions: Definitions,
        *,
        host_did: str,
        public_url: str,
    ) -> None:
        self._tenants = tenants
        self._documents = documents
        self._status_lists = status_lists
        self._definitions = definitions
        self._public_url = public_url
        self._host_did = host_did

    def routes(self) -> list[Route]:
        """DID documents at the paths did:web says, lists under /status, schemas under /schemas."""
        return [
            Route("/.well-known/did.json", self.did_document, methods=["GET"]),
            Route("/status/{id:uuid}", self.status_list, methods=["GET"]),
            Route("/schemas/{tenant}/{id}/{version:int}", self.subject_schema, methods=["GET"]),
            Route("/schemas/{tenant}/{id}/{version:int}/credential", self.credential_schema, methods=["GET"]),
            Route("/{path:path}/did.json", self.did_document, methods=["GET"]),
        ]

    async def did_document(self, request: Request) -> Response:
        """The document of the tenant whose did:web lies at this host and path."""
        path = request.path_params.get("path", "")
        suffix = "".join(f":{part}" for part in path.split("/") if part)
        # The name the request came by, for tenants with a domain of their own, else our public name.
        host = request.headers.get("host", "").lower().replace(":", "%3A")
        for did in dict.fromkeys((f"{self._host_did}{suffix}", f"did:web:{host}{suffix}")):
            tenant = await self._tenants.by_did(did)
            if tenant is not None:
                body = orjson.dumps(await self._documents.of(tenant))
                return _cacheable(request, body, "application/did+json", max_age=30)
        raise NotFound(Reason.DID_UNRESOLVABLE, "no tenant issues under this address")

    async def status_list(self, request: Request) -> Response:
        """A status list as it stands, at most a second old, in the form asked for by ``Accept``.

        501 for a list as it was at another ``time``, which is not kept (Token Status List, historical resolution).
        """
        if "time" in request.query_params:
            return plain_problem(501)
        list_id: UUID = request.path_params["id"]
        accept = ", ".join(request.headers.getlist("accept"))
        signed = await self._status_lists.get(list_id, lambda offered: best_type(accept, offered))
        headers = {
            "etag": signed.etag,
            "cache-control": "public, max-age=1, must-revalidate",
            "vary": "accept",
            "access-control-allow-origin": "*",
        }
        if _matches(request.headers, signed.etag):
            return Response(status_code=304, headers=headers)
        return Response(signed.payload, media_type=signed.media_type, headers=headers)

    async def subject_schema(self, request: Request) -> Response:
        """The JSON Schema of the subjects of one definition version; without one every object is good."""
        definition = await self._definition(request)
        return _cacheable(request, orjson.dumps(definition.schema or {"type": "object"}), SCHEMA, max_age=86400)

    async def credential_schema(self, request: Request) -> Response:
        """The JSON Schema of the credentials of one definition version, for ``credentialSchema`` of type JsonSchema."""
        definition = await self._definition(request)
        uri = f"{self._public_url}/schemas/{request.path_params['tenant']}/{definition.id}/{definition.version}"
        body = orjson.dumps(credential_schema(definition.schema or {}, uri))
        return _cacheable(request, body, SCHEMA, max_age=86400)

    async def _definition(self, request: Request) -> CredentialDefinition:
        parts = request.path_params
        if not 1 <= parts["version"] <= LAST_VERSION:
            raise NotFound(Reason.DEFINITION_NOT_FOUND, "versions are counted from 1")
        return await self._definitions.get(system_call("schema", parts["tenant"]), parts["id"], parts["version"])


def _cacheable(request: Request, body: bytes, media_type: str, *, max_age: int) -> Response:
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": etag, "cache-control": f"public, max-age={max_age}", "access-control-allow-origin": "*"}
    if _matches(request.headers, etag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _matches(headers: Mapping[str, str], etag: str) -> bool:
    wanted = headers.get("if-none-match", "")
    return wanted == "*" or etag in {part.strip().removeprefix("W/") for part in wanted.split(",")}
