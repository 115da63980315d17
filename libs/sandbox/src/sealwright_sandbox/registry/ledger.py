"""The registry's state: transactions, streams, blocks and issuer keys, in memory and optionally in a journal."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from project_origin.registry.v1 import registry_pb2 as registry

from sealwright_sandbox.journal import Journal
from sealwright_sandbox.registry import merkle
from sealwright_sandbox.registry.trust import IssuerKeys, issuer_key, key_text
from sealwright_sandbox.registry.verify import stream_of

State = registry.TransactionState


@dataclass
class Entry:
    """One transaction and where it stands; the state only rises."""

    id: str
    transaction: registry.Transaction
    state: "registry.TransactionState" = State.PENDING
    reason: str = ""
    block: int | None = None
    polls: int = 0

    def rise(self, state: "registry.TransactionState", reason: str = "") -> bool:
        """Moves to `state` if that is higher; returns whether it moved."""
        if state <= self.state:
            return False
        self.state, self.reason = state, reason
        return True


@dataclass
class Statistics:
    """What the registry has seen since it started."""

    sends: int = 0
    transactions: int = 0
    duplicates: int = 0
    committed: int = 0
    failed: int = 0
    polls: int = 0


def transaction_id(transaction: registry.Transaction) -> str:
    """Base64 of SHA-256 over the transaction's bytes."""
    return base64.b64encode(_leaf(transaction)).decode()


@dataclass
class Ledger:
    """Everything the registry knows."""

    journal: Journal = field(default_factory=lambda: Journal(None))
    keys: IssuerKeys = field(default_factory=IssuerKeys)
    entries: dict[str, Entry] = field(default_factory=dict)
    streams: dict[str, list[registry.Transaction]] = field(default_factory=dict)
    blocks: list[registry.Block] = field(default_factory=list)
    statistics: Statistics = field(default_factory=Statistics)
    _committed: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        for record in self.journal.records():
            self._replay(record)

    def take(self, transactions: Sequence[registry.Transaction]) -> list[Entry]:
        """Takes transactions in as PENDING; returns those to be judged: all but the ones already in their stream."""
        self.statistics.sends += 1
        fresh: list[Entry] = []
        for transaction in transactions:
            self.statistics.transactions += 1
            entry = Entry(transaction_id(transaction), transaction)
            known = self.entries.setdefault(entry.id, entry)
            self.statistics.duplicates += known is not entry
            if known.state < State.COMMITTED:
                fresh.append(known)
        return fresh

    def stream(self, stream_id: str) -> list[registry.Transaction]:
        """The transactions of a stream, in order; empty if there is none."""
        return self.streams.get(stream_id, [])

    def decide(self, entry: Entry, refusal: str | None) -> None:
        """Commits a transaction to its stream, or fails it with a reason."""
        if refusal is not None:
            if entry.rise(State.FAILED, refusal):
                self.statistics.failed += 1
                self.journal.write({"failed": _packed(entry.transaction), "reason": refusal})
        elif entry.rise(State.COMMITTED):
            self._commit(entry)
            self.journal.write({"committed": _packed(entry.transaction)})

    def add_key(self, area: str, text: str) -> bool:
        """Lets a key sign for an area; returns whether it is new. Raises ValueError if it is not an Ed25519 key."""
        key = issuer_key(text)
        new = self.keys.add(area, key)
        if new:
            self.journal.write({"area": area, "key": key_text(key)})
        return new

    def remove_keys(self, area: str) -> None:
        """Forgets all keys of an area."""
        self.keys.remove(area)
        self.journal.write({"area": area, "key": None})

    def seal(self) -> None:
        """Puts what was committed since the last block into a block, and so finalizes it."""
        if self._committed:
            now = datetime.now(UTC)
            self._seal([entry.id for entry in self._committed], now)
            block = self.blocks[-1]
            self.journal.write({"block": [transaction_id(t) for t in block.transactions], "at": now.isoformat()})

    def proof(self, entry: Entry) -> registry.MerkleProof | None:
        """The way from a transaction to its block, or None while it is in none."""
        if entry.block is None:
            return None
        block = self.blocks[entry.block]
        leaves = [_leaf(transaction) for transaction in block.transactions]
        index = leaves.index(_leaf(entry.transaction))
        return registry.MerkleProof(
            transaction=entry.transaction,
            leaf_index=index,
            hashes=merkle.path(leaves, index),
            block_id=_hash(block.header),
        )

    def _commit(self, entry: Entry) -> None:
        self.streams.setdefault(stream_of(entry.transaction), []).append(entry.transaction)
        self._committed.append(entry)
        self.statistics.committed += 1

    def _seal(self, ids: Sequence[str], created: datetime) -> None:
        entries = [self.entries[transaction] for transaction in ids]
        previous = self.blocks[-1] if self.blocks else None
        header = registry.BlockHeader(
            previous_header_hash=_hash(previous.header) if previous else bytes(32),
            previous_publication_hash=_hash(previous.publication) if previous else bytes(32),
            merkle_root_hash=merkle.root([_leaf(entry.transaction) for entry in entries]),
        )
        header.created_at.FromDatetime(created)
        publication = registry.BlockPublication(
            log_entry=registry.BlockPublication.LogEntry(block_header_hash=_hash(header))
        )
        height = len(self.blocks)
        transactions = [entry.transaction for entry in entries]
        self.blocks.append(
            registry.Block(height=height, header=header, publication=publication, transactions=transactions)
        )
        for entry in entries:
            entry.block = height
            entry.rise(State.FINALIZED)
        sealed = set(ids)
        self._committed = [entry for entry in self._committed if entry.id not in sealed]

    def _replay(self, record: dict[str, Any]) -> None:
        if "area" in record:
            if record["key"] is None:
                self.keys.remove(record["area"])
            else:
                self.keys.add(record["area"], issuer_key(record["key"]))
        elif "block" in record:
            self._seal(record["block"], datetime.fromisoformat(record["at"]))
        else:
            packed = record.get("committed") or record["failed"]
            transaction = registry.Transaction.FromString(base64.b64decode(packed))
            fresh = Entry(transaction_id(transaction), transaction)
            entry = self.entries.setdefault(fresh.id, fresh)
            if "committed" in record:
                entry.rise(State.COMMITTED)
                self._commit(entry)
            else:
                entry.rise(State.FAILED, record["reason"])


def _packed(transaction: registry.Transaction) -> str:
    return base64.b64encode(transaction.SerializeToString(deterministic=True)).decode()


def _leaf(transaction: registry.Transaction) -> bytes:
    return hashlib.sha256(transaction.SerializeToString(deterministic=True)).digest()


def _hash(message: registry.BlockHeader | registry.BlockPublication) -> bytes:
    return hashlib.sha256(message.SerializeToString(deterministic=True)).digest()
