"""Our own self-issued ID tokens, one per message, signed in batches with the tenant's active key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.ids import new_id
from sealwright_common.runtime.collector import Collector

from sealwright_certify.adapters.compact_jws import b64url, numeric, signing_input
from sealwright_certify.ports import Signer, SigningKey, Tenant
from sealwright_certify.usecases.keys import KeyCopy

LIFE = timedelta(minutes=5)

_Item = tuple[str, SigningKey, bytes]


class OwnTokens:
    """Makes tokens. A part of the app, because signing is gathered."""

    def __init__(self, signer: Signer, keys: KeyCopy, clock: Clock) -> None:
        self._signer = signer
        self._keys = keys
        self._clock = clock
        self._collector: Collector[_Item, bytes] = Collector(
            "own tokens", self._sign, max_wait=timedelta(milliseconds=2)
        )

    @property
    def collector(self) -> Collector[_Item, bytes]:
        """The part to add to the app."""
        return self._collector

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
        signature = await self._collector.submit((issuer.name, key, message))
        return f"{message.decode()}.{b64url(signature)}"

    async def _sign(self, items: Sequence[_Item]) -> list[bytes | Exception]:
        groups: dict[tuple[str, SigningKey], list[int]] = {}
        for position, (tenant, key, _) in enumerate(items):
            groups.setdefault((tenant, key), []).append(position)
        results: list[bytes | Exception] = [b""] * len(items)
        for (tenant, key), positions in groups.items():
            try:
                signatures = await self._signer.sign(tenant, key, [items[position][2] for position in positions])
            except Exception as error:  # noqa: BLE001 - each caller of this group gets it, the others their tokens
                for position in positions:
                    results[position] = error
                continue
            for position, signature in zip(positions, signatures, strict=True):
                results[position] = signature
        return results
