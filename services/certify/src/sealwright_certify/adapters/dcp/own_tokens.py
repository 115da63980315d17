"""Our own self-issued ID tokens, one per message, signed with the tenant's active key."""

from __future__ import annotations

from datetime import timedelta

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.ids import new_id

from sealwright_certify.adapters.compact_jws import b64url, numeric, signing_input
from sealwright_certify.ports import Signer, Tenant
from sealwright_certify.usecases.keys import KeyCopy

LIFE = timedelta(minutes=5)


class OwnTokens:
    """Makes tokens. The signer gathers those that are wanted at the same moment."""

    def __init__(self, signer: Signer, keys: KeyCopy, clock: Clock) -> None:
        self._signer = signer
        self._keys = keys
        self._clock = clock

    async def make(self, issuer: Tenant, audience: str, access_token: str | None) -> str:
        """A token from ``issuer`` to ``audience``, with the access token that the audience gave us, if it did."""
        now = self._clock.now()
        key = await self._keys.active(issuer, now)
        claims: dict[str, str | int] = {
            "iss": issuer.did,
            "sub": issuer.did,
            "aud": audience,
            "jti": str(new_id(now)),
            # Whole seconds rounded down: never in the future, not even by a fraction.
            "iat": numeric(now),
            "exp": numeric(now + LIFE),
        }
        if access_token is not None:
            claims["token"] = access_token
        message = signing_input(key, {"typ": "JWT"}, claims)
        signature = (await self._signer.sign(issuer.name, key, [message]))[0]
        return f"{message.decode()}.{b64url(signature)}"
