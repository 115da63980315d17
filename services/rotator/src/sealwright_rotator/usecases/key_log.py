"""The key log to its readers: entries, signed heads, proofs."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from sealwright_common.domain import merkle
from sealwright_common.domain.call import Call, system_call
from sealwright_common.domain.errors import OutOfRange, Reason

from sealwright_rotator.ports import LogEntry, SignedHead, Work, World
from sealwright_rotator.usecases.authority import seal
from sealwright_rotator.usecases.recording import moment

HEAD_TYPE = "sealwright-head+jws"
"""``typ`` of the JWS of a head."""


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Proof that a leaf stands at a position in a tree."""

    position: int
    size: int
    leaf_hash: bytes
    path: tuple[bytes, ...]
    root: bytes


@dataclass(frozen=True, slots=True)
class Consistency:
    """Proof that one tree extends another."""

    from_size: int
    to_size: int
    from_root: bytes
    to_root: bytes
    path: tuple[bytes, ...]


async def sign_head(world: World) -> bool:
    """Signs the log's newest head unless that is done; whether it did. Without a signing key nothing is stored."""
    async with world.store.read(system_call("sign_head")) as work:
        edge, newest = await work.log.frontier(), await work.log.newest_head()
    if edge.size == 0 or (newest is not None and newest.size == edge.size):
        return False
    head = SignedHead(edge.size, edge.root, world.clock.now(), "")
    signed = await seal(world, head_payload(head), HEAD_TYPE)
    if signed is None:
        return False
    async with world.store.begin_system("sign_head") as work:
        await work.log.add_head(SignedHead(head.size, head.root, head.time, signed.compact))
    return True


def head_payload(head: SignedHead) -> bytes:
    """What the signature of a head covers: canonical JSON of root, size and time."""
    root = urlsafe_b64encode(head.root).rstrip(b"=").decode()
    body = {"root": root, "size": head.size, "time": moment(head.time)}
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


async def get_head(world: World, call: Call) -> SignedHead:
    """The newest signed head; the bare head if none was ever signed."""
    async with world.store.read(call) as work:
        newest = await work.log.newest_head()
        if newest is not None:
            return newest
        edge = await work.log.frontier()
    return SignedHead(edge.size, edge.root, world.clock.now(), "")


async def list_entries(world: World, call: Call, from_position: int, size: int) -> tuple[LogEntry, ...]:
    """Up to ``size`` entries from a position on."""
    async with world.store.read(call) as work:
        entries = await work.log.entries(from_position, size)
        if not entries and from_position > await work.log.size():
            raise _outside(await work.log.size())
    return tuple(entries)


async def prove_inclusion(world: World, call: Call, position: int, size: int) -> Inclusion:
    """Proof for a leaf in the tree of ``size`` (0: of the newest head). OutOfRange LOG_POSITION_INVALID outside."""
    async with world.store.read(call) as work:
        size = await _size(work, size)
        if position >= size:
            raise _outside(size)
        leaf, whole = (position, position + 1), (0, size)
        spans = merkle.inclusion_spans(position, size)
        first, *path, root = await _folded(work, [leaf, *spans, whole])
    return Inclusion(position, size, first, tuple(path), root)


async def prove_consistency(world: World, call: Call, from_size: int, to_size: int) -> Consistency:
    """Proof between two sizes (0 as the later: of the newest head). OutOfRange LOG_POSITION_INVALID outside."""
    async with world.store.read(call) as work:
        to_size = await _size(work, to_size)
        if from_size > to_size:
            raise _outside(to_size)
        spans = merkle.consistency_spans(from_size, to_size)
        old, new, *path = await _folded(work, [(0, from_size), (0, to_size), *spans])
    return Consistency(from_size, to_size, old, new, tuple(path))


async def _size(work: Work, size: int) -> int:
    """The size asked for, if the log is that long."""
    longest = await work.log.size()
    if size == 0:
        newest = await work.log.newest_head()
        return newest.size if newest is not None else longest
    if size > longest:
        raise _outside(longest)
    return size


async def _folded(work: Work, spans: Sequence[merkle.Span]) -> list[bytes]:
    """The hash of each span, from one read of the full nodes they need."""
    nodes = {node for span in spans for node in merkle.full_nodes(span)}
    hashes = await work.log.hashes(sorted(nodes))
    return list(merkle.prove(spans, hashes.__getitem__))


def _outside(size: int) -> OutOfRange:
    return OutOfRange(Reason.LOG_POSITION_INVALID, f"the log has {size} entries; ask for less")
