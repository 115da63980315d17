"""The server: logs in whoever the test names, and hands out access tokens as RFC 9068 JWTs."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from aiohttp import web
from sealwright_common.verify.jws import parse
from sealwright_common.verify.keys import from_jwk
from sealwright_common.verify.outcome import NotVerified

from sealwright_sandbox.oid4vci_wallet.keys import WalletKey


@dataclass(slots=True)
class _Authorization:
    parameters: Mapping[str, str]
    subject: str


class AuthorizationServer:
    """Listens on loopback; an async context manager. Every pushed request is granted to ``subject`` at once."""

    def __init__(self, audience: str, subject: str = "user-1") -> None:
        self.audience = audience
        self.subject = subject
        self.key = WalletKey()
        self.issuer = ""
        self._pushed: dict[str, dict[str, str]] = {}
        self._codes: dict[str, _Authorization] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/par", self._par)
        application.router.add_get("/authorize", self._authorize)
        application.router.add_post("/token", self._token)
        application.router.add_get("/jwks", self._jwks)
        application.router.add_get("/.well-known/oauth-authorization-server", self._metadata)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.issuer = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def jwks(self) -> dict[str, Any]:
        """The published keys."""
        return {"keys": [{**self.key.public.jwk, "kid": "as-1", "alg": self.key.algorithm, "use": "sig"}]}

    def access_token(self, *, header: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """An access token as this server makes them; ``header`` and ``claims`` change it (None removes)."""
        now = int(time.time())
        payload: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": self.subject,
            "client_id": "wallet",
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(16),
            **claims,
        }
        head = {"typ": "at+jwt", "kid": "as-1", **(header or {})}
        return self.key.jws(
            {name: value for name, value in head.items() if value is not None},
            {name: value for name, value in payload.items() if value is not None},
        )

    async def _metadata(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "pushed_authorization_request_endpoint": f"{self.issuer}/par",
                "require_pushed_authorization_requests": True,
                "jwks_uri": f"{self.issuer}/jwks",
                "code_challenge_methods_supported": ["S256"],
                "dpop_signing_alg_values_supported": ["ES256", "EdDSA"],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def _jwks(self, _request: web.Request) -> web.Response:
        return web.json_response(self.jwks)

    async def _par(self, request: web.Request) -> web.Response:
        """RFC 9126: parameters in, a request URI out."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form.get("response_type") != "code" or form.get("code_challenge_method") != "S256":
            return _refused("invalid_request")
        uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(16)}"
        self._pushed[uri] = form
        return web.json_response({"request_uri": uri, "expires_in": 60}, status=201)

    async def _authorize(self, request: web.Request) -> web.Response:
        """Grants at once and sends the browser back with code, state and ``iss`` (RFC 9207)."""
        parameters = self._pushed.pop(request.query.get("request_uri", ""), None)
        if parameters is None or parameters.get("client_id") != request.query.get("client_id"):
            return _refused("invalid_request")
        code = secrets.token_urlsafe(16)
        self._codes[code] = _Authorization(parameters, self.subject)
        query = urlencode({"code": code, "state": parameters.get("state", ""), "iss": self.issuer})
        raise web.HTTPFound(f"{parameters['redirect_uri']}?{query}")

    async def _token(self, request: web.Request) -> web.Response:
        """Code and verifier for a token bound to the DPoP key."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        found = self._codes.pop(form.get("code", ""), None)
        if form.get("grant_type") != "authorization_code" or found is None:
            return _refused("invalid_grant")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if challenge.rstrip(b"=").decode() != found.parameters.get("code_challenge"):
            return _refused("invalid_grant")
        claims: dict[str, Any] = {"sub": found.subject, "client_id": found.parameters["client_id"]}
        answer: dict[str, Any] = {"token_type": "Bearer", "expires_in": 300}
        if "dpop" in request.headers:
            try:
                jws = parse(request.headers["dpop"], "dpop+jwt")
                key = from_jwk(jws.header["jwk"])
                jws.verify(key)
            except (NotVerified, KeyError):
                return _refused("invalid_dpop_proof")
            claims["cnf"] = {"jkt": key.thumbprint}
            answer["token_type"] = "DPoP"
        if "scope" in found.parameters:
            claims["scope"] = answer["scope"] = found.parameters["scope"]
        if "authorization_details" in found.parameters:
            details = json.loads(found.parameters["authorization_details"])
            for detail in details:
                detail["credential_identifiers"] = [f"{detail['credential_configuration_id']}-{found.subject}"]
            claims["authorization_details"] = answer["authorization_details"] = details
        answer["access_token"] = self.access_token(**claims)
        return web.json_response(answer, headers={"Cache-Control": "no-store"})


def _refused(error: str) -> web.Response:
    return web.json_response({"error": error}, status=400)
