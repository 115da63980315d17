"""The routes of the HTTP door."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route

from sealwright_rotator.http.directory import DirectoryDoor
from sealwright_rotator.http.issuers import IssuerDoor, IssuerPage
from sealwright_rotator.ports import World
from sealwright_rotator.usecases.directory import Directories


def application(world: World, directories: Directories, issuers: IssuerDoor | None) -> Starlette:
    """The ASGI application; without ``issuers`` no issuer can be created over HTTP."""
    documents = DirectoryDoor(directories)
    routes = [
        Route("/v3/issuer/{type:path}", IssuerPage(world).show, methods=["GET"]),
        Route("/.well-known/private-token-issuer-directory", documents.tokens, methods=["GET"]),
        Route("/.well-known/jwks.json", documents.jwks, methods=["GET"]),
    ]
    if issuers is not None:
        routes.append(Route("/v3/issuer", issuers.create, methods=["POST"]))
    return Starlette(routes=routes)
