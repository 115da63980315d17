"""Merkle trees: the vectors of Certificate Transparency, and proofs of every size."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealwright_common.domain import merkle

LEAVES = [bytes.fromhex(x) for x in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
# Roots of the first 1..8 of these leaves, as certificate-transparency's own reference tests have them.
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def tree(size: int) -> tuple[list[bytes], dict[merkle.Node, bytes], merkle.Frontier]:
    """Leaf hashes 0..size-1, the full nodes over them and the frontier."""
    leaves = [merkle.leaf_hash(str(n).encode()) for n in range(size)]
    frontier, appended = merkle.Frontier().append(leaves)
    return leaves, {(level, index): value for level, index, value in appended.nodes}, frontier


def reference_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + reference_root(leaves[:k]) + reference_root(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_published_vectors(size: int) -> None:
    frontier, _ = merkle.Frontier().append(merkle.leaf_hash(leaf) for leaf in LEAVES[:size])
    assert frontier.root.hex() == ROOTS[size - 1]


def test_the_published_audit_paths() -> None:
    frontier, appended = merkle.Frontier().append(merkle.leaf_hash(leaf) for leaf in LEAVES)
    nodes = {(level, index): value for level, index, value in appended.nodes}
    path = merkle.prove(merkle.inclusion_spans(5, 8), nodes.__getitem__)
    assert [h.hex() for h in path] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    proof = merkle.prove(merkle.consistency_spans(6, 8), nodes.__getitem__)
    assert [h.hex() for h in proof] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert frontier.root.hex() == ROOTS[7]


@given(st.integers(0, 70), st.data())
def test_every_proof_verifies_and_no_other_does(size: int, data: st.DataObject) -> None:
    leaves, nodes, frontier = tree(size)
    assert frontier.root == reference_root(leaves)
    old = data.draw(st.integers(0, size))
    proof = merkle.prove(merkle.consistency_spans(old, size), nodes.__getitem__)
    old_root = reference_root(leaves[:old])
    assert merkle.verify_consistency(old, size, proof, old_root, frontier.root)
    if old not in (0, size):
        assert not merkle.verify_consistency(old, size, proof, sha256(old_root).digest(), frontier.root)
        assert not merkle.verify_consistency(old, size, proof, old_root, sha256(frontier.root).digest())
        assert not merkle.verify_consistency(old, size, proof[:-1], old_root, frontier.root)
        assert not merkle.verify_consistency(old, size, (*proof, old_root), old_root, frontier.root)
    if size:
        index = data.draw(st.integers(0, size - 1))
        path = merkle.prove(merkle.inclusion_spans(index, size), nodes.__getitem__)
        assert merkle.verify_inclusion(leaves[index], index, size, path, frontier.root)
        assert not merkle.verify_inclusion(leaves[index], index, size, (*path, frontier.root), frontier.root)
        assert not merkle.verify_inclusion(sha256(leaves[index]).digest(), index, size, path, frontier.root)
        for other in {0, size - 1} - {index}:
            assert not merkle.verify_inclusion(leaves[index], other, size, path, frontier.root)


@given(st.lists(st.integers(0, 20), max_size=8))
def test_appending_in_batches_is_appending_one_by_one(batches: list[int]) -> None:
    leaves, nodes, whole = tree(sum(batches))
    frontier, seen, at = merkle.Frontier(), {}, 0
    for count in batches:
        frontier, appended = frontier.append(leaves[at : at + count])
        at += count
        seen |= {(level, index): value for level, index, value in appended.nodes}
        assert [seen[node] for node in frontier.nodes()] == list(frontier.hashes)
    assert (frontier, seen) == (whole, nodes)


def test_outside_the_tree() -> None:
    with pytest.raises(ValueError, match="not in the tree"):
        merkle.inclusion_spans(3, 3)
    with pytest.raises(ValueError, match="smaller"):
        merkle.consistency_spans(4, 3)
    assert not merkle.verify_inclusion(b"", 3, 3, (), b"")
    assert not merkle.verify_consistency(4, 3, (), b"", b"")
