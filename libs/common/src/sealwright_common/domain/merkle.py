"""Merkle trees over an append-only log: hashes and proofs of RFC 9162 sections 2.1.1 to 2.1.4.

Nodes are addressed as (level, index): the node covers the leaves from index·2^level up to (index + 1)·2^level, and is
stored once it is full. Every hash of any tree size is folded from O(log n) full nodes, so that a proof reads few rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves."""

Node = tuple[int, int]
"""Level and index of a full node."""

Span = tuple[int, int]
"""First leaf and first leaf after the last of a subtree that a proof names."""


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf: SHA-256 over 0x00 and its bytes."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256 over 0x01 and its children's hashes."""
    return sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below ``size`` (size >= 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def full_nodes(span: Span) -> list[Node]:
    """The full nodes that make up an aligned span, from left to right: what :func:`fold` needs."""
    begin, end = span
    nodes: list[Node] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def fold(hashes: Sequence[bytes]) -> bytes:
    """Hash of the subtree made up of full nodes of falling size, given from left to right."""
    if not hashes:
        return EMPTY_ROOT
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def inclusion_spans(index: int, size: int) -> list[Span]:
    """The subtrees on the audit path of leaf ``index`` in a tree of ``size``, from the leaf up. ValueError outside."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    spans: list[Span] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """The subtrees of the proof that the tree of size ``new`` extends that of ``old``; ValueError if it is smaller."""
    if not 0 <= old <= new:
        raise ValueError("the earlier tree is not the smaller one")
    if old in (0, new):
        return []
    spans: list[Span] = []
    begin, end, known = 0, new, True
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin, known = middle, False
    if not known:
        spans.append((begin, end))
    return spans[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` proves that the leaf hash ``leaf`` stands at ``index`` in the tree of ``size`` with this root
    (RFC 9162 section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    fn, sn, result = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and result == root


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether ``path`` proves that the tree (``new``, ``new_root``) extends (``old``, ``old_root``)
    (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    # A tree whose size is a power of two is itself a node of the new tree and is not repeated in the proof.
    proof = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not proof:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    was = now = proof[0]
    for sibling in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            now = node_hash(now, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and was == old_root and now == new_root


@dataclass(frozen=True, slots=True)
class Appended:
    """What appending leaves led to."""

    size: int
    root: bytes
    nodes: tuple[tuple[int, int, bytes], ...]
    """The nodes that became full, leaves included: level, index, hash."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a log: its size and the full nodes its root is folded from, left to right."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The tree's root."""
        return fold(self.hashes)

    def nodes(self) -> list[Node]:
        """The addresses of :attr:`hashes`."""
        return full_nodes((0, self.size))

    def append(self, leaves: Iterable[bytes]) -> tuple[Frontier, Appended]:
        """The frontier after these leaf hashes, and the nodes that became full."""
        size, stack = self.size, list(self.hashes)
        full: list[tuple[int, int, bytes]] = []
        for leaf in leaves:
            level, index, value = 0, size, leaf
            full.append((0, index, value))
            while index & 1:
                value = node_hash(stack.pop(), value)
                level, index = level + 1, index >> 1
                full.append((level, index, value))
            stack.append(value)
            size += 1
        frontier = Frontier(size, tuple(stack))
        return frontier, Appended(size, frontier.root, tuple(full))


def prove(spans: Sequence[Span], hash_of: Callable[[Node], bytes]) -> tuple[bytes, ...]:
    """The hashes of a proof's subtrees, folded from full nodes that ``hash_of`` gives."""
    return tuple(fold([hash_of(node) for node in full_nodes(span)]) for span in spans)
