"""Holders' tokens at rest: AES-256-GCM."""

from __future__ import annotations

import base64
import os

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sealwright_common.runtime.loading import ConfigError

log = structlog.get_logger(__name__)


class SealedTokens:
    """Seals with the configured key. Without one, in development, a fresh key serves until the process ends."""

    def __init__(self, key: str | None) -> None:
        if key is None:
            log.warning("token_key is not set: stored holder tokens are lost when this process ends")
            raw = AESGCM.generate_key(256)
        else:
            try:
                raw = base64.b64decode(key, validate=True)
            except ValueError:
                raw = b""
            if len(raw) != 32:
                raise ConfigError(["token_key: expected 32 bytes in base64"])
        self._cipher = AESGCM(raw)

    def seal(self, text: str) -> bytes:
        """Nonce and ciphertext."""
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, text.encode(), None)

    def unseal(self, sealed: bytes) -> str | None:
        """The text; None if it was sealed with another key, in which case the holder is served without token."""
        try:
            return self._cipher.decrypt(sealed[:12], sealed[12:], None).decode()
        except InvalidTag:
            log.warning("a holder's token was sealed with another key; going on without it")
            return None
