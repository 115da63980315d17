"""Owner keys: non-hardened children of a wallet endpoint's extended public key (BIP 32, public derivation)."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from coincurve import PublicKey
from sealwright_common.domain.certificates import MAX_POSITION, EndpointKey


def owner_key(endpoint: EndpointKey, position: int) -> bytes:
    """The compressed public key (33 bytes) at ``position`` below the endpoint: its point plus
    HMAC-SHA512(chain code, point ‖ position)[:32] · G. ValueError for a hardened position, and in the one case of 2^127
    in which BIP 32 has no child."""
    if not 0 <= position <= MAX_POSITION:
        raise ValueError("a position is 0 to 2147483647")
    data = endpoint.point + position.to_bytes(4, "big")
    tweak = hmac.digest(endpoint.chain_code, data, hashlib.sha512)[:32]
    return _point(endpoint.point).add(tweak).format(compressed=True)


@lru_cache(maxsize=4096)
def _point(compressed: bytes) -> PublicKey:
    """The point of an endpoint; its square root is taken once, not for each certificate."""
    return PublicKey(compressed)
