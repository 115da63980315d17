"""The door's routes. An issuer's path stands before its endpoints and behind the well-known names (RFC 8615)."""

from __future__ import annotations

from starlette.routing import Route

from sealwright_certify.http.oid4vci.documents import Documents
from sealwright_certify.http.oid4vci.door import Door, Handler, refusals
from sealwright_certify.http.oid4vci.endpoints import Endpoints


def oid4vci_routes(door: Door) -> list[Route]:
    """Every route of the door, for issuers with and without a path."""
    endpoints, documents = Endpoints(door), Documents(door)
    known: dict[str, Handler] = {
        "openid-credential-issuer": documents.issuer_metadata,
        "oauth-authorization-server": documents.server_metadata,
        "jwt-vc-issuer": documents.jwt_vc_issuer,
    }
    posted: dict[str, Handler] = {
        "token": endpoints.token,
        "nonce": endpoints.nonce,
        "credential": endpoints.credential,
        "deferred_credential": endpoints.deferred,
        "notification": endpoints.notification,
    }
    fetched: dict[str, Handler] = {
        "jwks.json": documents.jwks,
        "vct/{type}": documents.type_metadata,
        "offers/{offer}": documents.offer,
        "offers/{offer}/qr.{kind}": documents.offer_qr,
    }
    routes: list[Route] = []
    for name, handler in known.items():
        guarded = refusals(handler)
        routes += [Route(f"/.well-known/{name}", guarded), Route(f"/.well-known/{name}/{{path:path}}", guarded)]
    for methods, handlers in ((["POST"], posted), (["GET"], fetched)):
        for name, handler in handlers.items():
            guarded = refusals(door.limited(handler))
            routes += [
                Route(f"/{name}", guarded, methods=methods),
                Route(f"/{{path:path}}/{name}", guarded, methods=methods),
            ]
    return routes
