"""Prime-order groups as RFC 9497 uses them: elements and scalars as their canonical bytes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from typing import Any, Protocol


class BadElement(ValueError):
    """Not the canonical encoding of an element other than the identity, or not a canonical scalar."""


class Group(Protocol):
    """A prime-order group with a hash. Elements are never the identity."""

    identifier: str
    """Suite identifier of RFC 9497 section 4."""
    element_length: int
    identity: bytes
    """How the identity would be written; it is no element that anybody may send."""
    scalar_length: int
    order: int

    def hash(self, data: bytes) -> bytes:
        """The suite's hash function."""
        ...

    def check_element(self, element: bytes) -> None:
        """Return if ``element`` is a canonical encoding and not the identity; BadElement otherwise."""
        ...

    def scalar(self, value: int) -> bytes:
        """``value`` modulo the order, encoded."""
        ...

    def number(self, scalar: bytes) -> int:
        """A canonical scalar as a number. BadElement if it is not below the order."""
        ...

    def multiply(self, scalar: bytes, element: bytes) -> bytes:
        """``scalar · element``, in a time that does not depend on either. BadElement for a bad element."""
        ...

    def multiply_base(self, scalar: bytes) -> bytes:
        """``scalar · G``, in a time that does not depend on the scalar."""
        ...

    def add(self, one: bytes, other: bytes) -> bytes:
        """The sum of two public elements."""
        ...

    def response(self, nonce: bytes, challenge: bytes, secret: bytes) -> bytes:
        """``nonce - challenge · secret`` modulo the order."""
        ...

    def hash_to_group(self, message: bytes, dst: bytes) -> bytes:
        """An element nobody knows the logarithm of (RFC 9380)."""
        ...

    def hash_to_scalar(self, message: bytes, dst: bytes) -> bytes:
        """A scalar, uniform."""
        ...


@lru_cache(maxsize=64)
def _padded(hasher: Any) -> Any:
    """The hash after its block of zeros, to be copied."""
    return hasher(bytes(hasher().block_size))


def expand_message_xmd(hasher: Any, message: bytes, dst: bytes, length: int) -> bytes:
    """RFC 9380 section 5.3.1 with ``hasher`` of hashlib, for domain separation tags of at most 255 bytes."""
    dst_prime = dst + bytes((len(dst),))
    state = _padded(hasher).copy()
    state.update(message + length.to_bytes(2) + b"\0" + dst_prime)
    first = state.digest()
    block = hasher(first + b"\x01" + dst_prime).digest()
    size = len(block)
    if length <= size:
        return block[:length]
    blocks = [block]
    for number in range(2, -(-length // size) + 1):
        mixed = (int.from_bytes(first) ^ int.from_bytes(block)).to_bytes(size)
        block = hasher(mixed + bytes([number]) + dst_prime).digest()
        blocks.append(block)
    return b"".join(blocks)[:length]


def fits_one_key(group: Group, secret: bytes, inputs: Sequence[bytes], images: Sequence[bytes]) -> bool:
    """Whether the sum of ``images`` is ``secret`` times the sum of ``inputs``: a check of every multiplication before.

    Costs one multiplication, however many there were. BadElement if the inputs cancel each other out.
    """
    return group.multiply(secret, reduce(group.add, inputs)) == reduce(group.add, images)


def linear_combination(group: Group, scalars: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    """The sum of ``scalars[i] · elements[i]``; at least one of each."""
    total: bytes | None = None
    for scalar, element in zip(scalars, elements, strict=True):
        part = group.multiply(scalar, element)
        total = part if total is None else group.add(total, part)
    assert total is not None
    return total
