"""BIP32 keys on secp256k1 as wallets and stamps exchange them: 74 bytes, without version and without base58.

Depth 1, parent's fingerprint 4, child number 4, chain code 32, key 33 (a private one is 0 and 32 bytes). Only
non-hardened children are made: what a wallet derives from its private key, a stamp derives from the public one.
"""

import hashlib
import hmac
import secrets

from coincurve import PrivateKey, PublicKey

POSITIONS = 2**31
"""Positions are below this; higher ones mean hardened keys, which a public key cannot derive."""

NO_FINGERPRINT = bytes(4)
"""Stands for the parent's fingerprint, a hint that nothing here reads; many OpenSSLs lack its RIPEMD-160."""


class WalletKey:
    """A wallet's root key: child n is endpoint n, whose child `position` owns a slice."""

    def __init__(self, extended: bytes | None = None) -> None:
        """`extended`: 74 bytes of an extended private key; without, a random one. Raises ValueError if malformed."""
        if extended is None:
            made = hmac.digest(b"Bitcoin seed", secrets.token_bytes(32), hashlib.sha512)
            extended = bytes(9) + made[32:] + b"\0" + made[:32]
        if len(extended) != 74 or extended[41] != 0:
            raise ValueError("an extended private key has 74 bytes, the 42nd of them 0")
        self.extended = extended
        self._point = PrivateKey(extended[42:]).public_key.format(compressed=True)

    def endpoint(self, number: int) -> bytes:
        """The 74 bytes of the extended public key of endpoint `number`."""
        point, chain_code = _child(self._point, self.extended[9:41], number)
        depth = bytes((self.extended[0] + 1,))
        return depth + NO_FINGERPRINT + number.to_bytes(4, "big") + chain_code + point


def owner_key(endpoint: bytes, position: int) -> bytes:
    """The 33 bytes of the key that owns the slice at `position` of an endpoint. Raises ValueError if invalid."""
    if len(endpoint) != 74:
        raise ValueError("an endpoint's key has 74 bytes")
    return _child(endpoint[41:], endpoint[9:41], position)[0]


def _child(point: bytes, chain_code: bytes, number: int) -> tuple[bytes, bytes]:
    """Public derivation (BIP32, CKDpub): the child's point and chain code."""
    if not 0 <= number < POSITIONS:
        raise ValueError("positions are 0 to 2147483647")
    made = hmac.digest(chain_code, point + number.to_bytes(4, "big"), hashlib.sha512)
    return PublicKey(point).add(made[:32]).format(compressed=True), made[32:]
