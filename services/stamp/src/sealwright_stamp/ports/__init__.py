"""What stamp's use cases need from the world outside: storage, signer, registry, wallets and the proof workshop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from sealwright_common.domain.certificates import (
    Certificate,
    CertificateOrder,
    CertificateRef,
    Change,
    HistoryEntry,
    Recipient,
    Withdrawn,
)
from sealwright_common.domain.transactions import Transaction, Transactions

from sealwright_stamp.ports.values import (
    CertificateFilter,
    Draft,
    ImportProgress,
    Item,
    KnownCertificate,
    Material,
    Move,
    NewCertificate,
    Pending,
    PostResult,
    PostVerdict,
    RegistryState,
    RegistryStatus,
    SignedBatch,
    Slice,
    Submission,
    SubmissionKind,
    Trouble,
)

__all__ = [
    "Begin",
    "CertificateFilter",
    "Certificates",
    "Chain",
    "Draft",
    "ImportProgress",
    "Imports",
    "Item",
    "KnownCertificate",
    "Material",
    "Move",
    "NewCertificate",
    "Pending",
    "PostResult",
    "PostVerdict",
    "Recipients",
    "Registry",
    "RegistryState",
    "RegistryStatus",
    "SignedBatch",
    "Signer",
    "Slice",
    "StampWork",
    "Storage",
    "Submission",
    "SubmissionKind",
    "TransactionFormat",
    "Trouble",
    "Wallets",
    "Withdrawals",
    "Workshop",
]


class Recipients(Protocol):
    """Stored recipients."""

    async def add(self, tenant: str, new: Recipient) -> Recipient:
        """Stores it, or returns the one that exists for its endpoint."""
        ...

    async def get(self, tenant: str, recipient_id: UUID) -> Recipient | None:
        """The recipient, or None."""
        ...

    async def page(self, tenant: str, after: UUID | None, size: int) -> list[Recipient]:
        """Up to ``size`` recipients with ids above ``after``, by rising id."""
        ...


class Certificates(Protocol):
    """Stored certificates, as the door sees them. Every method works on a whole batch with one statement."""

    async def lock_keys(self, tenant: str, recipients: Sequence[UUID]) -> dict[UUID, int]:
        """Key row of each recipient that exists; locks the keys, in order, until the transaction ends."""
        ...

    async def measured(self, tenant: str, orders: Sequence[CertificateOrder]) -> dict[int, CertificateRef]:
        """Index of each order whose metering point and period are taken, with the certificate that has them."""
        ...

    async def known(self, tenant: str, refs: Sequence[CertificateRef]) -> dict[CertificateRef, KnownCertificate]:
        """The certificates among ``refs`` that exist."""
        ...

    async def taken(self, positions: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of the (key row, position) pairs that a certificate has."""
        ...

    async def insert(self, tenant: str, key_rows: Sequence[int], new: Sequence[NewCertificate], due: datetime) -> None:
        """Stores certificates with their first history entry, STORED, version 1. A taken name, period or position is
        raised as Aborted: another transaction was quicker, so look again."""
        ...

    async def get(self, tenant: str, ref: CertificateRef) -> Certificate | None:
        """The certificate, or None."""
        ...

    async def rows(self, tenant: str, refs: Sequence[CertificateRef]) -> dict[CertificateRef, int]:
        """Row of each certificate that exists, locked until the transaction ends."""
        ...

    async def page(
        self, tenant: str, wanted: CertificateFilter, after: int, size: int
    ) -> list[tuple[int, Certificate]]:
        """Up to ``size`` certificates with rows above ``after``, by rising row."""
        ...

    async def history(self, tenant: str, ref: CertificateRef, after: int = 0) -> list[HistoryEntry]:
        """Its history above version ``after``, oldest first."""
        ...


class Chain(Protocol):
    """Certificates on their way. Every method works on a whole batch with one statement."""

    async def items(self, tenant: str, refs: Sequence[CertificateRef]) -> list[Item]:
        """The certificates among ``refs`` that exist, with the transaction of their present kind if it is stored."""
        ...

    async def pending(self, tenant: str, refs: Sequence[CertificateRef]) -> list[Pending]:
        """What those of ``refs`` that wait for the registry wait for."""
        ...

    async def transactions(self, rows: Sequence[int], kind: SubmissionKind) -> dict[int, bytes]:
        """The stored transaction bytes of a kind, by row."""
        ...

    async def anything_due(self) -> bool:
        """Whether a sweeper would find something now."""
        ...

    async def claim_due(self, limit: int, lease: timedelta) -> list[Item]:
        """Takes up to ``limit`` certificates that are due, of any tenant, putting their due time off by ``lease``."""
        ...

    async def claim_deliveries(self, tenant: str, refs: Sequence[CertificateRef], lease: timedelta) -> list[Slice]:
        """Takes the certificates among ``refs`` whose slice is to be posted and that nobody else holds."""
        ...

    async def store_submissions(self, submissions: Sequence[tuple[int, Submission]]) -> dict[int, Submission]:
        """Stores transactions by certificate row unless one of the kind is stored; returns what is stored now."""
        ...

    async def withdrawals_sent(self, rows: Sequence[int]) -> None:
        """Counts a sending of withdrawals; that an issuing transaction was sent is told by the state."""
        ...

    async def put_off(self, delays: Sequence[tuple[int, datetime, str]]) -> None:
        """Sets when each certificate (row, moment, what stopped it) is looked at again, and counts the attempt."""
        ...

    async def put_off_delivery(self, due: Sequence[tuple[int, datetime, str]]) -> None:
        """The same for a delivery: row, next moment, the wallet's answer. Releases the claim."""
        ...

    async def move(self, rows: Sequence[int], move: Move, reasons: Sequence[str] = ()) -> list[Change]:
        """Makes a step with those of ``rows`` that are in one of its source states, writes their history and returns
        what to tell of them."""
        ...

    async def forget_withdrawal(self, rows: Sequence[int]) -> None:
        """Drops the transaction of a withdrawal that was refused, so that another can be made."""
        ...

    async def stall(self, before: datetime, limit: int) -> dict[str, list[Change]]:
        """Makes STUCK what is due, under way and has not moved since ``before``; returns it by tenant."""
        ...

    async def resume(self, tenant: str, ref: CertificateRef, due: datetime) -> Change | None:
        """Puts a STUCK certificate back into the state it stuck in; None if it is not STUCK."""
        ...

    async def trouble(self) -> Trouble:
        """How many certificates are STUCK and how many slices UNDELIVERABLE, over all tenants."""
        ...


class Withdrawals(Protocol):
    """The withdrawn feed."""

    async def append(self, tenant: str, rows: Sequence[int]) -> None:
        """Gives the certificates the next ids of the feed; other transactions wait until this one ends."""
        ...

    async def page(self, tenant: str, after: int, skip: int, size: int | None) -> tuple[list[Withdrawn], int]:
        """Rows above ``after`` by rising id, without the first ``skip``; and how many lie above ``after`` in all."""
        ...

    async def find(self, tenant: str, ref: CertificateRef) -> Withdrawn | None:
        """The feed's row of a certificate, or None."""
        ...


class Imports(Protocol):
    """Progress of imports."""

    async def open(self, tenant: str, import_id: str, plan_digest: bytes) -> ImportProgress | None:
        """The progress of an import, begun if new and locked until the transaction ends; None if the id belongs to
        another plan."""
        ...

    async def save(self, tenant: str, import_id: str, progress: ImportProgress) -> None:
        """Stores progress together with what it counts."""
        ...


class StampWork(Transaction, Protocol):
    """One transaction over stamp's tables."""

    @property
    def recipients(self) -> Recipients:
        """Stored recipients."""
        ...

    @property
    def certificates(self) -> Certificates:
        """Stored certificates."""
        ...

    @property
    def chain(self) -> Chain:
        """Certificates on their way."""
        ...

    @property
    def withdrawals(self) -> Withdrawals:
        """The withdrawn feed."""
        ...

    @property
    def imports(self) -> Imports:
        """Progress of imports."""
        ...


Storage = Transactions[StampWork]


class Begin(Protocol):
    """Opens the transaction a step is recorded in; a consumer's also records which events it has handled."""

    def __call__(self) -> AbstractAsyncContextManager[StampWork]: ...


class Workshop(Protocol):
    """Makes what costs processor time."""

    async def make(self, items: Sequence[Item]) -> list[Material]:
        """Owner keys, commitments and verified range proofs, in the order of the items."""
        ...


class TransactionFormat(Protocol):
    """The registry's wire format."""

    def issue(self, item: Item, material: Material, nonce: str) -> Draft:
        """The transaction that issues a certificate."""
        ...

    def withdraw(self, item: Item, nonce: str) -> Draft:
        """The transaction that withdraws it."""
        ...

    def seal(self, draft: Draft, signature: bytes) -> tuple[bytes, str]:
        """Transaction bytes and transaction id."""
        ...


class Signer(Protocol):
    """The signer service."""

    async def sign(self, grid_area: str, messages: Sequence[bytes], tenant: str) -> SignedBatch:
        """Ed25519 signatures by the key of the grid area that is active now, in one call."""
        ...


class Registry(Protocol):
    """The registries, by configured name."""

    async def send(self, registry: str, transactions: Sequence[bytes]) -> None:
        """Hands transactions over in one call; Unavailable if that is not certain."""
        ...

    async def statuses(self, registry: str, transaction_ids: Sequence[str]) -> list[RegistryStatus]:
        """States in the order of the ids."""
        ...

    async def stream(self, registry: str, certificate_id: UUID) -> list[bytes]:
        """The committed transactions of a certificate's stream, as bytes."""
        ...


class Wallets(Protocol):
    """The wallets behind endpoints."""

    def leave(self) -> None:
        """Begins no further post: what waits is LATER."""
        ...

    async def post(self, slice: Slice, lease_ends: float) -> PostResult:
        """Posts the slice once, a few at a time per wallet. LATER if the wallet has too much before it or is silent, or
        if the answer might come after ``lease_ends`` (the loop's time)."""
        ...
