"""The endpoints wallets post to: token, nonce, credential, deferred credential, notification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sealwright_certify.http.oid4vci.door import NO_STORE, Door, answer, form, json_or_jwe
from sealwright_certify.usecases.oid4vci.ports import Issued, ResponseEncryption
from sealwright_certify.usecases.oid4vci.redeem import redemption
from sealwright_certify.usecases.oid4vci.request import CredentialRequest


class Endpoints:
    """Handlers: decode, call, encode."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def token(self, request: Request) -> Response:
        """RFC 6749 section 3.2 and OpenID4VCI section 6."""
        issuer = await self._door.issuer(request)
        parameters = await form(request)
        dpop = self._door.dpop(request)
        asked = redemption(
            self._door.call(issuer, "token"), issuer, parameters, dpop, self._door.wallet(request, issuer)
        )
        granted = await self._door.redeem(asked)
        body: dict[str, Any] = {
            "access_token": granted.token,
            "token_type": "DPoP" if granted.access.thumbprint else "Bearer",
            "expires_in": granted.lifetime,
        }
        if granted.authorization_details:
            body["authorization_details"] = granted.authorization_details
        return answer(body)

    async def nonce(self, request: Request) -> Response:
        """Section 7: a nonce for anybody; it costs nothing until it is used."""
        await self._door.issuer(request)
        return answer({"c_nonce": self._door.nonces.fresh(self._door.clock.now())})

    async def credential(self, request: Request) -> Response:
        """Section 8."""
        issuer = await self._door.issuer(request)
        presented = self._door.presented(request)
        body, encrypted = await json_or_jwe(request, self._door.encryption, "invalid_credential_request")
        key = self._response_key(body)
        issued = await self._door.request_credential(
            self._door.call(issuer, "credential"),
            issuer,
            CredentialRequest(presented, body, encrypted, key is not None),
            self._door.clock.now(),
        )
        return _issued(issued, key)

    async def deferred(self, request: Request) -> Response:
        """Section 9. The encryption parameters of this request apply, not those of the first one."""
        issuer = await self._door.issuer(request)
        presented = self._door.presented(request)
        body, encrypted = await json_or_jwe(request, self._door.encryption, "invalid_credential_request")
        key = self._response_key(body)
        issued = await self._door.request_deferred(
            self._door.call(issuer, "deferred_credential"),
            issuer,
            presented,
            body.get("transaction_id"),
            (encrypted, key is not None),
            self._door.clock.now(),
        )
        return _issued(issued, key)

    async def notification(self, request: Request) -> Response:
        """Section 11."""
        issuer = await self._door.issuer(request)
        presented = self._door.presented(request)
        body, _ = await json_or_jwe(request, self._door.encryption, "invalid_notification_request")
        call = self._door.call(issuer, "notification")
        await self._door.notify(call, issuer, presented, body, self._door.clock.now())
        return Response(status_code=204, headers=NO_STORE)

    def _response_key(self, body: Mapping[str, Any]) -> ResponseEncryption | None:
        parameters = body.get("credential_response_encryption")
        return None if parameters is None else self._door.encryption.response(parameters)


def _issued(issued: Issued, key: ResponseEncryption | None) -> Response:
    """200 with credentials or 202 with a transaction id, encrypted if that was asked for."""
    if issued.transaction_id is not None:
        status = 202
        body: dict[str, Any] = {"transaction_id": issued.transaction_id, "interval": issued.interval}
    else:
        status, body = 200, {"credentials": [{"credential": credential} for credential in issued.credentials]}
        if issued.notification_id is not None:
            body["notification_id"] = issued.notification_id
    if key is None:
        return answer(body, status)
    return Response(key.encrypt(body), status, headers=NO_STORE, media_type="application/jwt")
