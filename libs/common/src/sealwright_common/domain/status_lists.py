"""Status lists: which index a credential gets, and how the bits are written.

An index must be unique, and must tell nothing about when a credential was issued. Entry n of a list therefore gets
index ``permuted(seed, n, size)``: a keyed permutation of the whole list, so that a counter under a lock is all that
has to be kept and no index is ever tried twice.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import zlib
from collections.abc import Iterable
from functools import lru_cache

MINIMUM_SIZE = 131_072
"""Fewest entries of a list (Bitstring Status List section 6.1): 16 KiB, so that one holder hides among many."""

_ROUNDS = 6


def permuted(seed: bytes, n: int, size: int) -> int:
    """The index of entry ``n``: a bijection of 0..size-1, unpredictable without ``seed``.

    A Feistel network over the next even number of bits, walked along its cycle until it lands inside the list.
    """
    if not 0 <= n < size:
        raise ValueError("an entry inside the list")
    half = (max(2, (size - 1).bit_length()) + 1) // 2
    mask = (1 << half) - 1
    rounds = _rounds(seed, half)
    value = n
    while True:
        left, right = value >> half, value & mask
        for table in rounds:
            left, right = right, left ^ table[right]
        value = (left << half) | right
        if value < size:
            return value


@lru_cache(maxsize=64)
def _rounds(seed: bytes, half: int) -> tuple[tuple[int, ...], ...]:
    """What each round makes of each half. Kept: there are few, 512 a round for the least size."""
    mask = (1 << half) - 1

    def made(number: int, value: int) -> int:
        digest = hmac.digest(seed, bytes((number,)) + value.to_bytes(4, "big"), hashlib.sha256)
        return int.from_bytes(digest[:4], "big") & mask

    return tuple(tuple(made(number, value) for value in range(mask + 1)) for number in range(_ROUNDS))


def encode_bits(size: int, indices: Iterable[int]) -> bytes:
    """``size`` bits with those at ``indices`` set; index 0 is the most significant bit of the first byte."""
    bits = bytearray((size + 7) // 8)
    for index in indices:
        bits[index >> 3] |= 0x80 >> (index & 7)
    return bytes(bits)


def encoded_list(size: int, indices: Iterable[int], *, multibase: bool) -> str:
    """The ``encodedList``: gzip, then base64url without padding; with the prefix ``u`` for BitstringStatusList."""
    packed = gzip.compress(encode_bits(size, indices), compresslevel=6, mtime=0)
    text = base64.urlsafe_b64encode(packed).rstrip(b"=").decode()
    return f"u{text}" if multibase else text


def decode_list(text: str, *, limit: int = 16 * 1024 * 1024) -> bytes:
    """The bits of an ``encodedList`` of either kind; ValueError if it is none or longer than ``limit`` bytes."""
    body = text[1:] if text.startswith("u") else text
    try:
        packed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        decompressor = zlib.decompressobj(wbits=31)
        bits = decompressor.decompress(packed, limit)
    except (ValueError, zlib.error) as error:
        raise ValueError("a gzip-compressed base64url list") from error
    if decompressor.unconsumed_tail or not decompressor.eof:
        raise ValueError(f"a list of at most {limit} bytes")
    return bits


def is_set(bits: bytes, index: int) -> bool:
    """Whether the bit at ``index`` is set; ValueError past the end."""
    if not 0 <= index < len(bits) * 8:
        raise ValueError("an index inside the list")
    return bool(bits[index >> 3] & (0x80 >> (index & 7)))
