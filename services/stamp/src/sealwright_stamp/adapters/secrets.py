"""Where the randomness of certificates comes from."""

from __future__ import annotations

import secrets
import uuid

from sealwright_stamp.adapters.proofs.bases import ORDER
from sealwright_stamp.usecases.accept import Secrets


def _blinding() -> bytes:
    return (1 + secrets.randbelow(ORDER - 1)).to_bytes(32, "little")


def nonce() -> str:
    """A random UUID, as registries expect nonces."""
    return str(uuid.uuid4())


SYSTEM = Secrets(salt=lambda: secrets.token_bytes(16), blinding=_blinding)
"""The operating system's."""
