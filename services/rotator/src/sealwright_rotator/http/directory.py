"""The directories over HTTP: ``/.well-known/private-token-issuer-directory`` and ``/.well-known/jwks.json``.

``?issuer=NAME`` narrows either to one issuer. The header ``Sealwright-Signature`` carries a detached JWS over the body;
its key is in ``/.well-known/jwks.json?issuer=sealwright-directory`` of the default tenant.
"""

from __future__ import annotations

from sealwright_common.domain.call import Call
from starlette.requests import Request
from starlette.responses import Response

from sealwright_rotator.http.issuers import tenant_of
from sealwright_rotator.usecases.directory import Directories, Format


class DirectoryDoor:
    """The two routes."""

    def __init__(self, directories: Directories) -> None:
        self._directories = directories

    async def tokens(self, request: Request) -> Response:
        """The private token issuer directory."""
        return await self._answer(request, Format.PRIVATE_TOKEN)

    async def jwks(self, request: Request) -> Response:
        """The JSON Web Key Set."""
        return await self._answer(request, Format.JWKS)

    async def _answer(self, request: Request, form: Format) -> Response:
        call = Call(caller="http", roles=frozenset({"client"}), tenant=tenant_of(request), method=form.value)
        found = await self._directories.get(call, form, request.query_params.get("issuer", ""))
        etag = f'"{found.etag}"'
        headers = {
            "etag": etag,
            "cache-control": f"public, max-age={int(found.max_age.total_seconds())}",
            "vary": "sealwright-tenant",
        }
        if found.jws:
            headers["sealwright-signature"] = found.jws
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        return Response(found.document, headers=headers, media_type=found.media_type)


def _matches(header: str, etag: str) -> bool:
    """Whether If-None-Match names the tag (RFC 9110 section 13.1.2, weak comparison)."""
    if header.strip() == "*":
        return True
    return etag in {tag.strip().removeprefix("W/") for tag in header.split(",")}
