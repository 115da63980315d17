"""The routes of the HTTP door."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.routing import Route

from sealwright_rotator.http.directory import DirectoryDoor
from sealwright_rotator.http.issuers import IssuerDoor
from sealwright_rotator.ports import World
from sealwright_rotator.usecases.directory import Directories


def application(world: World, directories: Directories, woken: Callable[[], None], issuer_door: bool) -> Starlette:
    """The ASGI application; ``issuer_door`` False leaves out creating issuers."""
    issuers, documents = IssuerDoor(world, woken), DirectoryDoor(directories)
    routes = [
        Route("/v3/issuer/{type:path}", issuers.show, methods=["GET"]),
        Route("/.well-known/private-token-issuer-directory", documents.tokens, methods=["GET"]),
        Route("/.well-known/jwks.json", documents.jwks, methods=["GET"]),
    ]
    if issuer_door:
        routes.append(Route("/v3/issuer", issuers.create, methods=["POST"]))
    return Starlette(routes=routes)
