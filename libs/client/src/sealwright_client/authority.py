"""What the rotator signs itself: heads of logs, each a JWS by a key of its own issuer."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

AUTHORITY = "sealwright-directory"
"""The rotator's issuer whose keys sign heads, in the default tenant."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A JWS (RFC 7515, compact) of the rotator, as it claims to be until it is verified."""

    kid: str
    """Id of the key that is said to have signed it."""
    said: Mapping[str, Any]
    """Its payload."""
    _algorithm: str
    _signed: bytes
    _signature: bytes

    @classmethod
    def read(cls, jws: str) -> Seal:
        """The parts of a JWS; ValueError if it is none."""
        try:
            protected, payload, signature = jws.split(".")
            header, said = json.loads(from_base64url(protected)), dict(json.loads(from_base64url(payload)))
            kid, algorithm = str(header["kid"]), str(header["alg"])
        except (KeyError, TypeError) as error:
            raise ValueError("no JWS over an object") from error
        return cls(kid, said, algorithm, f"{protected}.{payload}".encode(), from_base64url(signature))

    def known(self, keys: Mapping[str, bytes]) -> bool:
        """Whether it says that one of the authority's ``keys`` (raw Ed25519, by id) signed it."""
        return self._algorithm == "EdDSA" and self.kid in keys

    def verifies(self, keys: Mapping[str, bytes]) -> bool:
        """Whether one of ``keys`` did sign it."""
        if not self.known(keys):
            return False
        try:
            Ed25519PublicKey.from_public_bytes(keys[self.kid]).verify(self._signature, self._signed)
        except InvalidSignature:
            return False
        return True


def from_base64url(text: str) -> bytes:
    """The bytes in base64url without padding; ValueError if it is none."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
