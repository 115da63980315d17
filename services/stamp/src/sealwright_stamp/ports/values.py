"""What passes between stamp's use cases and the world outside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sealwright_common.domain.certificates import (
    CertificateOrder,
    CertificateRef,
    CertificateState,
    DeliveryState,
    HashedAttribute,
    Step,
    WalletEndpoint,
)


class SubmissionKind(StrEnum):
    """What a transaction does to the certificate's stream."""

    ISSUE = "ISSUE"
    WITHDRAW = "WITHDRAW"


class RegistryState(StrEnum):
    """A transaction's state as the registry tells it."""

    UNKNOWN = "UNKNOWN"
    PENDING = "PENDING"
    FAILED = "FAILED"
    COMMITTED = "COMMITTED"
    FINALIZED = "FINALIZED"


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """An order with everything that is decided at the door: salts, position and blinding."""

    order: CertificateOrder
    digest: bytes
    hashed: tuple[HashedAttribute, ...]
    position: int
    blinding: bytes


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """What the door must know of a certificate stored before."""

    digest: bytes
    state: CertificateState
    position: int


@dataclass(frozen=True, slots=True)
class Submission:
    """Exact transaction bytes and the id the registry knows them by."""

    kind: SubmissionKind
    signing_key_id: str
    transaction_id: str
    transaction: bytes
    sends: int = 0


@dataclass(frozen=True, slots=True)
class Slice:
    """What a wallet is to get of a certificate, and how far its delivery is."""

    row: int
    tenant: str
    ref: CertificateRef
    endpoint: WalletEndpoint
    position: int
    quantity: int
    blinding: bytes
    hashed: tuple[HashedAttribute, ...]
    attempts: int
    """Posts so far."""
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class Item:
    """A certificate as the chain works on it."""

    row: int
    tenant: str
    ref: CertificateRef
    state: CertificateState
    order: CertificateOrder
    hashed: tuple[HashedAttribute, ...]
    endpoint: WalletEndpoint
    position: int
    blinding: bytes
    attempts: int
    delivery_attempts: int
    delivery_deadline: datetime | None
    submission: Submission | None

    @property
    def kind(self) -> SubmissionKind:
        """What the certificate's present transaction does."""
        return SubmissionKind.WITHDRAW if self.state is CertificateState.WITHDRAWING else SubmissionKind.ISSUE

    def slice(self) -> Slice:
        """What its wallet is to get."""
        return Slice(
            self.row,
            self.tenant,
            self.ref,
            self.endpoint,
            self.position,
            self.order.quantity,
            self.blinding,
            self.hashed,
            self.delivery_attempts,
            self.delivery_deadline,
        )

    def pending(self) -> Pending:
        """What it waits for at the registry; its transaction must be stored."""
        assert self.submission is not None
        return Pending(
            self.row, self.tenant, self.ref, self.submission.kind, self.attempts, self.submission.transaction_id
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """A transaction that waits for the registry's decision."""

    row: int
    tenant: str
    ref: CertificateRef
    kind: SubmissionKind
    attempts: int
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Material:
    """What the workshop makes of a certificate: owner key (33 bytes), commitment (32) and range proof (608)."""

    owner_key: bytes
    commitment: bytes
    range_proof: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A transaction without its signature: the canonical header bytes to sign, and the payload."""

    header: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """Signatures in the order of the messages, and the key that made them."""

    key_id: str
    signatures: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RegistryStatus:
    """The registry's answer about one transaction."""

    state: RegistryState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A step to record: which certificates, from which states, to which, and when to look again."""

    step: Step
    sources: frozenset[CertificateState]
    target: CertificateState | None
    """None leaves the state as it is."""
    due: datetime | None
    """When a sweeper may take the certificates up; None: nothing is due."""
    delivery: DeliveryState | None = None
    """None leaves the delivery as it is."""
    delivery_deadline: datetime | None = None
    before: tuple[tuple[Step, CertificateState], ...] = ()
    """Steps on the way between which nothing acts: recorded with this one, each with its version and its place in the
    history."""


class PostVerdict(StrEnum):
    """What a wallet's answer means."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    """For good: posting the same again changes nothing."""
    LATER = "LATER"
    """A passing error: to be tried again."""


@dataclass(frozen=True, slots=True)
class PostResult:
    """How a post to a wallet ended; ``reason`` is empty when it was accepted."""

    verdict: PostVerdict
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CertificateFilter:
    """Which certificates to list; None and empty mean any."""

    state: CertificateState | None = None
    delivery: DeliveryState | None = None
    recipient_id: UUID | None = None
    metering_point_id: str = ""
    grid_area: str = ""
    from_time: datetime | None = None
    until_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far an import is: everything up to ``offset`` bytes of the file is durable."""

    offset: int = 0
    line: int = 0
    rows: int = 0
    accepted: int = 0
    repeated: int = 0
    zero: int = 0
    refused: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """How much needs a person."""

    stuck: int
    undeliverable: int
