"""BIP32 keys on secp256k1 as wallets and stamps exchange them: 74 bytes, without version and without base58."""

import secrets

from bip32 import BIP32

POSITIONS = 2**31
"""Positions are below this; higher ones mean hardened keys, which a public key cannot derive."""

_PUBLIC = bytes.fromhex("0488b21e")


class WalletKey:
    """A wallet's root key: child n is endpoint n, whose child `position` owns a slice."""

    def __init__(self, extended: bytes | None = None) -> None:
        """`extended`: 74 bytes of an extended private key; without, a random one. Raises ValueError if malformed."""
        if extended is None:
            self._key = BIP32.from_seed(secrets.token_bytes(32))
            return
        if len(extended) != 74 or extended[41] != 0:
            raise ValueError("an extended private key has 74 bytes, the 42nd of them 0")
        self._key = BIP32(
            chaincode=extended[9:41],
            privkey=extended[42:],
            fingerprint=extended[1:5],
            depth=extended[0],
            index=int.from_bytes(extended[5:9], "big"),
        )

    @property
    def extended(self) -> bytes:
        """The 74 bytes of the extended private key."""
        return self._key.get_xpriv_bytes()[4:]

    def endpoint(self, number: int) -> bytes:
        """The 74 bytes of the extended public key of endpoint `number`."""
        chain_code, public = self._key.get_extended_pubkey_from_path([number])
        child = BIP32(
            chaincode=chain_code,
            pubkey=public,
            fingerprint=self._key.get_fingerprint(),
            depth=self._key.depth + 1,
            index=number,
        )
        return child.get_xpub_bytes()[4:]


def owner_key(endpoint: bytes, position: int) -> bytes:
    """The 33 bytes of the key that owns the slice at `position` of an endpoint. Raises ValueError if invalid."""
    if len(endpoint) != 74 or not 0 <= position < POSITIONS:
        raise ValueError("an endpoint's key has 74 bytes and positions are 0 to 2147483647")
    key = BIP32(
        chaincode=endpoint[9:41],
        pubkey=endpoint[41:],
        fingerprint=endpoint[1:5],
        depth=endpoint[0],
        index=int.from_bytes(endpoint[5:9], "big"),
    )
    return key.get_pubkey_from_path([position])
