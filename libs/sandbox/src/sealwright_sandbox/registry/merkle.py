"""The registry's Merkle tree: leaves are SHA-256 of transaction bytes, an odd side is paired with itself."""

import hashlib
from collections.abc import Sequence


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes. Raises ValueError if there are none."""
    return _levels(leaves)[-1][0]


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The neighbours of leaf `index` on its way to the root, from the leaf up."""
    neighbours: list[bytes] = []
    for level in _levels(leaves)[:-1]:
        neighbours.append(level[min(index ^ 1, len(level) - 1)])
        index //= 2
    return neighbours


def climb(leaf: bytes, index: int, neighbours: Sequence[bytes]) -> bytes:
    """The root that `leaf` at `index` leads to with `neighbours`."""
    for neighbour in neighbours:
        leaf = _node(neighbour, leaf) if index % 2 else _node(leaf, neighbour)
        index //= 2
    return leaf


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    if not leaves:
        raise ValueError("a tree needs a leaf")
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([_node(below[i], below[min(i + 1, len(below) - 1)]) for i in range(0, len(below), 2)])
    return levels


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(left + right).digest()
