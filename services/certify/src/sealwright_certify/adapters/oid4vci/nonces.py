"""Nonces that cost no row until they are used: a time and random bytes under a MAC that every replica can check.

So nobody can fill the database by asking for nonces; the used ones are remembered until they expire.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta

from sealwright_common.verify.keys import b64url, unb64url
from sealwright_common.verify.outcome import NotVerified

LIFETIME = timedelta(minutes=5)
"""How long a nonce is good."""

_RANDOM, _MAC = 16, 16


class MacNonces:
    """Nonces under a secret of at least 32 bytes, the same in every replica."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("a nonce secret of at least 32 bytes")
        self._secret = secret

    def fresh(self, now: datetime) -> str:
        """A new nonce."""
        body = int(now.timestamp()).to_bytes(6, "big") + secrets.token_bytes(_RANDOM)
        return b64url(body + self._mac(body))

    def expiry(self, nonce: str, now: datetime) -> datetime | None:
        """Until when the nonce is good; None if it is not ours or expired."""
        try:
            raw = unb64url(nonce)
        except NotVerified:
            return None
        body, mac = raw[:-_MAC], raw[-_MAC:]
        if len(raw) != 6 + _RANDOM + _MAC or not hmac.compare_digest(mac, self._mac(body)):
            return None
        until = datetime.fromtimestamp(int.from_bytes(body[:6], "big"), UTC) + LIFETIME
        return until if now < until else None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, b"oid4vci nonce" + body, hashlib.sha256)[:_MAC]
