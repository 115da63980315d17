"""What the rotator's use cases need from the world outside: storage, the key log and the signer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.issuers import Issuer, IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyPurpose, KeyState
from sealwright_common.domain.merkle import Appended, Frontier, Node
from sealwright_common.domain.transactions import Transaction, Transactions


@dataclass(frozen=True, slots=True)
class MadeKey:
    """What the signer says of a key it made."""

    key_id: UUID
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Creation:
    """Who is creating an issuer: the same request again takes the creation up where it stopped."""

    caller: str
    request_id: str | None
    digest: bytes


@dataclass(frozen=True, slots=True)
class IssuerFilter:
    """Which issuers to list; None means all."""

    state: IssuerState | None = None
    purpose: KeyPurpose | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """An issuer whose time has come, with what its next step depends on."""

    issuer: Issuer
    keys: tuple[IssuerKey, ...]
    """Its keys that are not at their end: PENDING, PUBLISHED, ACTIVE, VERIFY_ONLY."""
    next_slots: Mapping[int, int]
    """Per cohort, one more than the highest slot ever used."""
    due_at: datetime
    """When it was due."""
    failures: int
    """Failed rotations in a row."""


@dataclass(frozen=True, slots=True)
class KeyChange:
    """A key before and after; stored only if nobody changed it in between."""

    before: IssuerKey
    steps: tuple[IssuerKey, ...]
    """Every state it goes through, the last one being stored."""

    @property
    def after(self) -> IssuerKey:
        """What is stored."""
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One leaf of the key log."""

    position: int
    type: str
    tenant: str
    time: datetime
    leaf: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head of the key log with its signature."""

    size: int
    root: bytes
    time: datetime
    jws: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest row of a service's audit log at some time, as the service told it, with our signature."""

    service: str
    seq: int
    hash: bytes
    time: datetime
    jws: str
    """Compact JWS; empty until it is signed."""


class Issuers(Protocol):
    """Stored issuers. What is CREATING is seen by :meth:`creation` and :meth:`claim_due` alone."""

    async def insert(self, new: Sequence[tuple[Issuer, Creation]], due_at: datetime) -> set[UUID]:
        """Stores new issuers that are being created; the ids of those whose tenant did not have the name already."""
        ...

    async def creation(self, tenant: str, issuer_type: str) -> tuple[Issuer, Creation] | None:
        """The issuer of that name in whatever state, and who created it; locked until the transaction ends."""
        ...

    async def locked(self, ids: Sequence[UUID]) -> dict[UUID, Issuer]:
        """Those of these issuers that exist, in whatever state, locked in the order of their ids."""
        ...

    async def find(self, tenant: str, issuer_type: str) -> Issuer | None:
        """The issuer of that name."""
        ...

    async def lock(self, tenant: str, issuer_type: str) -> Issuer | None:
        """As :meth:`find`, locked until the transaction ends."""
        ...

    async def page(self, tenant: str, which: IssuerFilter, after: str, size: int) -> list[Issuer]:
        """Up to ``size`` issuers by name, after the name ``after``."""
        ...

    async def claim_due(self, now: datetime, until: datetime, limit: int) -> list[Due]:
        """Up to ``limit`` issuers of any tenant that are due, longest first; rows locked by others are skipped.

        They are due again at ``until``, so that what a crash leaves is taken up by anybody.
        """
        ...

    async def lock_due(self, ids: Sequence[UUID]) -> list[Due]:
        """These issuers as they are now, locked until the transaction ends, in the order of their ids."""
        ...

    async def update(self, issuers: Sequence[Issuer]) -> None:
        """Stores state, schedule end, version and last rotation of locked issuers."""
        ...

    async def set_due(self, due: Mapping[UUID, datetime | None], failures: Mapping[UUID, int]) -> None:
        """When these issuers are due next (None: never), and how often they failed in a row."""
        ...

    async def remove(self, issuer_id: UUID) -> None:
        """Removes an issuer that is being created, with its slots."""
        ...


class IssuerKeys(Protocol):
    """Stored keys of issuers, whatever their state."""

    async def insert(self, keys: Sequence[IssuerKey]) -> None:
        """Stores planned slots. Aborted SLOT_TAKEN if a slot of a cohort is there already."""
        ...

    async def update(self, changes: Sequence[KeyChange]) -> set[UUID]:
        """Stores keys that nobody else changed meanwhile; the row ids of those. Others stay as they are."""
        ...

    async def of_issuer(self, issuer: Issuer) -> list[IssuerKey]:
        """Every key an issuer ever had, ascending by cohort and slot."""
        ...

    async def live(self, issuer: Issuer, cohort: int | None = None, slot: int | None = None) -> list[IssuerKey]:
        """The keys that are not at their end, of one cohort or all, and ``slot`` whatever its state; ascending."""
        ...

    async def usable(self, issuer: Issuer, cohort: int, moment: datetime, limit: int) -> list[IssuerKey]:
        """The first ``limit`` keys of a cohort that are usable at ``moment`` and whose windows end after it."""
        ...

    async def held_as(self, key_ids: Sequence[UUID]) -> list[IssuerKey]:
        """The keys that have these ids in the signer, of any tenant; ids of others are left out."""
        ...

    async def page(
        self,
        tenant: str | None,
        issuer_type: str,
        states: Sequence[KeyState],
        after: tuple[UUID, int, int] | None,
        size: int,
    ) -> list[IssuerKey]:
        """Up to ``size`` keys after (issuer id, cohort, slot); of every tenant for None, of every issuer for ""."""
        ...

    async def listed(self, tenant: str, blind: bool, issuer_type: str) -> list[IssuerKey]:
        """The keys a directory shows: made, public and not at their end; of one issuer or, for "", of all."""
        ...


class KeyLog(Protocol):
    """The append-only log of key events."""

    async def lock_frontier(self) -> Frontier:
        """The log's right edge, locked: writers queue here, so take it last."""
        ...

    async def append(self, entries: Sequence[LogEntry], appended: Appended, frontier: Frontier) -> None:
        """Stores entries and the tree nodes they filled."""
        ...

    async def size(self) -> int:
        """Number of leaves."""
        ...

    async def frontier(self) -> Frontier:
        """The log's right edge, as committed."""
        ...

    async def entries(self, from_position: int, limit: int) -> list[LogEntry]:
        """Entries from a position on, ascending."""
        ...

    async def hashes(self, nodes: Sequence[Node]) -> dict[Node, bytes]:
        """Hashes of full nodes."""
        ...

    async def newest_head(self) -> SignedHead | None:
        """The newest signed head."""
        ...

    async def add_head(self, head: SignedHead) -> None:
        """Stores a signed head; one of that size that is there already stays."""
        ...


class AuditHeads(Protocol):
    """Heads of the services' audit logs. Two of one row with different hashes both stay: they show a changed log."""

    async def add(self, heads: Sequence[AuditHead]) -> None:
        """Stores heads that are not there yet."""
        ...

    async def unsigned(self, limit: int) -> list[AuditHead]:
        """Up to ``limit`` heads without a signature, oldest first."""
        ...

    async def sign(self, heads: Sequence[AuditHead]) -> list[AuditHead]:
        """Stores the signatures of heads; those of them that had none before."""
        ...

    async def page(self, service: str, after: tuple[str, int, bytes] | None, size: int) -> list[AuditHead]:
        """Up to ``size`` heads of a service ("": of all), by service, row and hash, after the one named."""
        ...


class Work(Transaction, Protocol):
    """One transaction over the rotator's tables."""

    @property
    def issuers(self) -> Issuers:
        """Issuers."""
        ...

    @property
    def keys(self) -> IssuerKeys:
        """Keys."""
        ...

    @property
    def log(self) -> KeyLog:
        """The key log."""
        ...

    @property
    def audit_heads(self) -> AuditHeads:
        """Heads of audit logs."""
        ...


Store = Transactions[Work]


class Signer(Protocol):
    """The service that holds the keys. Every call may be repeated. Raises Problem; Unavailable means: try again."""

    async def make(self, keys: Sequence[IssuerKey]) -> list[MadeKey]:
        """Makes the keys of slots of one issuer that were planned together, in their order; all or none.

        Repeating it for the same batch gives the same keys.
        """
        ...

    async def advance(self, keys: Sequence[IssuerKey]) -> None:
        """Tells the signer the states PUBLISHED, ACTIVE and VERIFY_ONLY of keys of one tenant; all or none."""
        ...

    async def destroy(self, key: IssuerKey) -> datetime:
        """Schedules the destruction of a key; returns when it happens."""
        ...

    async def condemn(self, key: IssuerKey, note: str) -> None:
        """Marks a key compromised: it signs no more from when this returns."""
        ...

    async def sign(self, key: IssuerKey, message: bytes) -> bytes:
        """A raw signature over ``message`` by an assertion key."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """What every use case of this service stands on."""

    store: Store
    signer: Signer
    clock: Clock
    lease: timedelta = timedelta(seconds=60)
    """How long a claimed issuer is left to who claimed it."""
