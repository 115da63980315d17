"""What every handler of the door shares: the use cases, the issuer of a path, the caller's authority, the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.runtime.http import problem_response
from sealwright_common.runtime.telemetry.context import current_traceparent
from sealwright_common.verify.jws import strict_object
from sealwright_common.verify.outcome import NotVerified
from starlette.requests import Request
from starlette.responses import Response

from sealwright_certify.http.guards import Sources
from sealwright_certify.usecases.oid4vci.authorize import Presented
from sealwright_certify.usecases.oid4vci.deferred import RequestDeferred
from sealwright_certify.usecases.oid4vci.errors import ProtocolError, TokenRefused, invalid_request
from sealwright_certify.usecases.oid4vci.issue import Issuance
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.notify import Notify
from sealwright_certify.usecases.oid4vci.offers import FetchOffer
from sealwright_certify.usecases.oid4vci.ports import (
    AttestedWallet,
    DpopChecker,
    DpopProof,
    JwtWriter,
    MessageEncryption,
    Nonces,
    Oid4vciStore,
    SigningKeys,
    WalletChecker,
)
from sealwright_certify.usecases.oid4vci.redeem import Redemption, TokenGranted
from sealwright_certify.usecases.oid4vci.request import RequestCredential

NO_STORE = {"cache-control": "no-store"}
_FRESH = timedelta(seconds=5)

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Door:
    """Everything the handlers use."""

    store: Oid4vciStore
    clock: Clock
    public_url: str
    """``https://host`` under which wallets reach this door, without a slash at its end."""
    redeem: Callable[[Redemption], Awaitable[TokenGranted]]
    request_credential: RequestCredential
    request_deferred: RequestDeferred
    notify: Notify
    fetch_offer: FetchOffer
    nonces: Nonces
    encryption: MessageEncryption
    check_dpop: DpopChecker
    check_wallet: WalletChecker
    write_jwt: JwtWriter
    keys: SigningKeys
    issuance: Issuance
    sources: Sources
    """Requests by source address."""
    _issuers: dict[str, tuple[datetime, Issuer]] = field(default_factory=dict[str, tuple[datetime, Issuer]])
    _forgotten: int = 0
    """Counts what was forgotten: what was being read meanwhile may be older, and is not kept."""

    async def issuer(self, request: Request) -> Issuer:
        """The issuer the request's path names. NotFound without one. Documents are kept for five seconds."""
        path = str(request.path_params.get("path", "")).strip("/")
        now = self.clock.now()
        known = self._issuers.get(path)
        if known is not None and now - known[0] < _FRESH:
            return known[1]
        forgotten = self._forgotten
        async with self.store.read() as work:
            issuer = await work.issuers.by_path(path)
        if issuer is None:
            raise NotFound(Reason.ISSUER_NOT_FOUND, "no credential issuer has this identifier")
        if forgotten == self._forgotten:
            self._issuers[path] = (now, issuer)
        return issuer

    def limited(self, handler: Handler) -> Handler:
        """The handler behind the limit of its source; ResourceExhausted (429 with Retry-After) beyond it."""

        async def guarded(request: Request) -> Response:
            await self.sources.take(request)
            return await handler(request)

        return guarded

    def forget(self, path: str) -> None:
        """Reads an issuer's document anew at the next request; called when it was stored, here or elsewhere."""
        self._forgotten += 1
        self._issuers.pop(path, None)

    def forget_all(self) -> None:
        """Reads every issuer's document anew; called when events may have been missed."""
        self._forgotten += 1
        self._issuers.clear()

    def call(self, issuer: Issuer, name: str) -> Call:
        """The call of a wallet: anonymous, within the issuer's tenant."""
        return Call(
            caller="wallet:anonymous",
            roles=frozenset({"wallet"}),
            tenant=issuer.tenant,
            method=f"oid4vci {name}",
            trace=current_traceparent(),
        )

    def address(self, request: Request) -> str:
        """The public address of this request's endpoint."""
        return self.public_url + request.url.path

    def dpop(self, request: Request, token: str | None = None) -> DpopProof | None:
        """The request's DPoP proof. ProtocolError if there is one that is not for it."""
        headers = request.headers.getlist("dpop")
        return self.check_dpop(headers, request.method, self.address(request), self.clock.now(), token)

    def wallet(self, request: Request, issuer: Issuer) -> AttestedWallet | None:
        """The wallet whose attestation comes with a token request; None without, and where none is asked for."""
        if issuer.wallet_attestation is None:
            return None
        headers, audience = request.headers, issuer_identifier(self.public_url, issuer.path)
        attestations, proofs = (
            headers.getlist(name) for name in ("oauth-client-attestation", "oauth-client-attestation-pop")
        )
        return self.check_wallet(attestations, proofs, issuer.wallet_attestation, audience, self.clock.now())

    def presented(self, request: Request) -> Presented:
        """The access token of the request with its proof (RFC 6750, RFC 9449). TokenRefused without one."""
        headers = request.headers.getlist("authorization")
        scheme, _, token = (headers[0] if len(headers) == 1 else "").partition(" ")
        known = {"bearer": "Bearer", "dpop": "DPoP"}.get(scheme.lower())
        if known is None or not token.strip():
            raise TokenRefused("", "an access token is required")
        token = token.strip()
        if known == "Bearer":
            return Presented(token, known)
        try:
            proof = self.dpop(request, token)
        except ProtocolError as error:
            raise TokenRefused(error.code, error.description, scheme="DPoP") from error
        return Presented(token, known, proof)


def ascii_text(text: str) -> str:
    """Text fit for error_description and header values: ASCII without quotes and backslashes."""
    return text.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/").replace("\n", " ")


def answer(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] = NO_STORE) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers=dict(headers), media_type="application/json")


def refusals(handler: Handler) -> Handler:
    """Turns protocol refusals into the answers the specifications name; other problems go to the door around us."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except TokenRefused as refusal:
            return _challenge(refusal)
        except ProtocolError as refusal:
            body = {"error": refusal.code, "error_description": ascii_text(refusal.description)}
            return answer(body, refusal.status)
        except NotFound as problem:
            return problem_response(problem)
        except FailedPrecondition as problem:
            # Our own state forbids it (no key signs now, ...): nothing the wallet could mend, and it may pass.
            return problem_response(problem, 503)

    return guarded


def _challenge(refusal: TokenRefused) -> Response:
    """401 or 403 with WWW-Authenticate; a request without any token gets no error code (RFC 6750 section 3.1)."""
    challenge = f'{refusal.scheme} realm="credentials"'
    body: dict[str, str] = {}
    if refusal.code:
        body = {"error": refusal.code, "error_description": ascii_text(refusal.description)}
        challenge += f', error="{refusal.code}", error_description="{body["error_description"]}"'
    if refusal.scheme == "DPoP":
        challenge += ', algs="ES256 ES384 EdDSA"'
    return answer(body, refusal.status, {**NO_STORE, "www-authenticate": challenge})


async def form(request: Request) -> dict[str, str]:
    """The form of a token request; ProtocolError invalid_request for another body or a repeated parameter."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise invalid_request("expected application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=100)
    except (UnicodeDecodeError, ValueError) as error:
        raise invalid_request("the form cannot be read") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise invalid_request("a parameter is repeated")
    return found


async def json_or_jwe(request: Request, encryption: MessageEncryption, code: str) -> tuple[dict[str, Any], bool]:
    """The request object and whether it came encrypted; ProtocolError ``code`` if it is neither JSON nor a JWE."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind == "application/jwt":
        return encryption.decrypt(body.decode("ascii", "replace").strip()), True
    if kind != "application/json":
        raise ProtocolError(code, "expected application/json, or application/jwt for an encrypted request")
    try:
        return strict_object(body), False
    except NotVerified as error:
        raise ProtocolError(code, "expected a JSON object without repeated members") from error
