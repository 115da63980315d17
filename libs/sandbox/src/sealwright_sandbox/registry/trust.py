"""The public keys of the issuing bodies, per grid area. Keys are added at run time and stay valid side by side."""

import base64
import binascii
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

PEM_START = b"-----BEGIN"


def issuer_key(text: str) -> Ed25519PublicKey:
    """An Ed25519 public key from PEM, base64 of PEM, base64 of DER (44 bytes) or base64 of the raw 32 bytes.

    Raises ValueError for anything else, other algorithms included.
    """
    try:
        data = text.strip().encode("ascii")
        if not data.startswith(PEM_START):
            data = base64.b64decode(data, validate=True)
        if len(data) == 32:
            return Ed25519PublicKey.from_public_bytes(data)
        key = load_pem_public_key(data) if data.startswith(PEM_START) else load_der_public_key(data)
    except (binascii.Error, UnicodeEncodeError, ValueError, UnsupportedAlgorithm) as error:
        raise ValueError("the key must be an Ed25519 public key: PEM, or base64 of PEM, DER or 32 raw bytes") from error
    if not isinstance(key, Ed25519PublicKey):
        key = None
    if key is None:
        raise ValueError("issuer keys are Ed25519; this key is of another algorithm")
    return key


def key_text(key: Ed25519PublicKey) -> str:
    """Base64 of the key's SubjectPublicKeyInfo; the form in which keys are listed and stored."""
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


class IssuerKeys:
    """Which keys may sign for which area."""

    def __init__(self) -> None:
        self._areas: dict[str, list[Ed25519PublicKey]] = {}

    @property
    def areas(self) -> list[str]:
        """Areas with a key, sorted."""
        return sorted(self._areas)

    def of(self, area: str) -> list[Ed25519PublicKey]:
        """The keys of `area`, in the order they were added; empty if the area is unknown."""
        return list(self._areas.get(area, ()))

    def add(self, area: str, key: Ed25519PublicKey) -> bool:
        """Lets `key` sign for `area`. Returns whether it is new."""
        keys = self._areas.setdefault(area, [])
        if key in keys:
            return False
        keys.append(key)
        return True

    def remove(self, area: str) -> None:
        """Forgets all keys of `area`."""
        self._areas.pop(area, None)

    def signed(self, area: str, message: bytes, signature: bytes) -> bool:
        """Whether any key of `area` made `signature` over `message`."""
        return any(_verifies(key, message, signature) for key in self._areas.get(area, ()))

    def listing(self) -> dict[str, list[str]]:
        """Areas and their keys as text."""
        return {area: [key_text(key) for key in keys] for area, keys in sorted(self._areas.items())}


def _verifies(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def add_all(keys: IssuerKeys, pairs: Iterable[tuple[str, str]]) -> None:
    """Adds (area, key text) pairs. Raises ValueError for a key that cannot be read."""
    for area, text in pairs:
        keys.add(area, issuer_key(text))
