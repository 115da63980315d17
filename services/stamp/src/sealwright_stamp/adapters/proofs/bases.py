"""The fixed points everything is committed under (ristretto255, compressed).

The registry's G and H come from a digit string of pi; the 64 vector generators are the first 32 of the two chains of
the dalek ``bulletproofs`` crate. None ever changes, which is what makes tables of their multiples worth while.
"""

from __future__ import annotations

import hashlib

from sealwright_common.ristretto import rbcl

ORDER = 2**252 + 27742317777372353535851937790883648493
"""Number of elements of ristretto255."""
BITS = 32
"""Quantities are below 2^32."""

_SEED = b"3.141592653589793238462643383279502884197169"


def _point(uniform: bytes) -> bytes:
    return rbcl.crypto_core_ristretto255_from_hash(uniform)


def _chain(name: bytes) -> tuple[bytes, ...]:
    stream = hashlib.shake_256(b"GeneratorsChain" + name + (0).to_bytes(4, "little")).digest(64 * BITS)
    return tuple(_point(stream[64 * i : 64 * i + 64]) for i in range(BITS))


VALUE_BASE = _point(hashlib.sha512(_SEED).digest())
"""G: the base of the quantity."""
BLINDING_BASE = _point(hashlib.sha512(hashlib.sha512(_SEED).digest()).digest())
"""H: the base of the blinding."""
G_VECTOR = _chain(b"G")
"""Bases of the bits."""
H_VECTOR = _chain(b"H")
"""Bases of the bits minus one."""
