"""Energy certificates: what an order may say, where its owner key lies, and the states on the way to the wallet.

Pure rules. The numbers are those of the registry and wallet that stamp serves: positions below an endpoint key count
minutes since 2022-01-01T00:00Z, an endpoint key is a 74-byte BIP32 extended public key, and a hashed attribute is
``base64(SHA-256(key ‖ value ‖ certificate id ‖ HEX(salt)))``.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from uuid import UUID

from sealwright_common.domain.errors import AlreadyExists, FieldProblem, InvalidArgument, NotFound, Problem, Reason
from sealwright_common.domain.intervals import utc

POSITION_EPOCH = datetime(2022, 1, 1, tzinfo=UTC)
"""Start of the count of minutes."""
MAX_POSITION = 2**31 - 1
"""Above it a child key is hardened and cannot be derived from a public key."""
LANE_STRIDE = 2**24
"""Distance of two lanes: lane k of a period lies k * 2^24 above its minutes."""
LANES = 128
"""Lane 0 (the minutes themselves) and the 127 for clashes."""
SHORTEST_PERIOD = timedelta(minutes=1)
LONGEST_PERIOD = timedelta(hours=1)
"""Periods the registry's verifier accepts."""
MAX_QUANTITY = 2**32 - 1
MAX_ATTRIBUTES = 64
ENDPOINT_KEY_SIZE = 74
_SECP256K1_P = 2**256 - 2**32 - 977


class CertificateType(StrEnum):
    """Energy used or energy made."""

    CONSUMPTION = "CONSUMPTION"
    PRODUCTION = "PRODUCTION"


class CertificateState(StrEnum):
    """Where a certificate stands between the door and the registry."""

    STORED = "STORED"
    SENT = "SENT"
    COMMITTED = "COMMITTED"
    ISSUED = "ISSUED"
    FAILED = "FAILED"
    STUCK = "STUCK"
    WITHDRAWING = "WITHDRAWING"
    WITHDRAWN = "WITHDRAWN"


class DeliveryState(StrEnum):
    """How far a slice's way to its wallet has come."""

    NONE = "NONE"
    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    UNDELIVERABLE = "UNDELIVERABLE"


class OnClash(StrEnum):
    """What to do when the position of a period is taken."""

    OTHER_LANE = "OTHER_LANE"
    REJECT = "REJECT"


class Step(StrEnum):
    """A step in a certificate's life; the value is the name of the event that tells it."""

    STORED = "CertificateStored"
    SENT = "CertificateSentToRegistry"
    COMMITTED = "CertificateIssuedInRegistry"
    ISSUED = "CertificateMarkedAsIssued"
    FAILED = "CertificateFailedInRegistry"
    STUCK = "CertificateStuck"
    RESUMED = "CertificateResumed"
    DELIVERED = "SliceDelivered"
    UNDELIVERABLE = "SliceUndeliverable"
    REDELIVERY = "SliceRedeliveryRequested"
    WITHDRAWING = "CertificateWithdrawalRequested"
    WITHDRAWN = "CertificateWithdrawn"
    WITHDRAWAL_FAILED = "CertificateWithdrawalFailed"


@dataclass(frozen=True, slots=True, order=True)
class CertificateRef:
    """A certificate's name: its registry and its id there."""

    registry: str
    certificate_id: UUID


@dataclass(frozen=True, slots=True)
class Attribute:
    """A pair of strings attached to a certificate."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class HashedAttribute:
    """An attribute of which the registry sees only the salted hash."""

    key: str
    value: str
    salt: bytes

    def digest(self, certificate_id: UUID) -> str:
        """The value in the registry: base64 of SHA-256 over key, value, lower-case id and upper-case hex salt."""
        text = f"{self.key}{self.value}{certificate_id}{self.salt.hex().upper()}"
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@dataclass(frozen=True, slots=True)
class EndpointKey:
    """A wallet endpoint's extended public key in its 74 bytes, checked: lengths, depth and a point of secp256k1."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != ENDPOINT_KEY_SIZE:
            raise ValueError(f"74 bytes, not {len(self.raw)}")
        if not on_secp256k1(self.point):
            raise ValueError("a compressed point of secp256k1 in its last 33 bytes")

    @property
    def chain_code(self) -> bytes:
        """The 32 bytes that make children unpredictable."""
        return self.raw[9:41]

    @property
    def point(self) -> bytes:
        """The compressed public key, 33 bytes."""
        return self.raw[41:]


def on_secp256k1(point: bytes) -> bool:
    """Whether 33 bytes are a compressed point: 02 or 03 and an x below p whose x³ + 7 is a square (SEC 1, 2.3.4)."""
    x = int.from_bytes(point[1:], "big")
    if len(point) != 33 or point[0] not in (2, 3) or x >= _SECP256K1_P:
        return False
    square = (pow(x, 3, _SECP256K1_P) + 7) % _SECP256K1_P
    return pow(square, (_SECP256K1_P - 1) // 2, _SECP256K1_P) == 1


@dataclass(frozen=True, slots=True)
class WalletEndpoint:
    """Where slices go, and the key their owner keys are derived from."""

    url: str
    key: EndpointKey


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody certificates are issued to."""

    id: UUID
    endpoint: WalletEndpoint
    create_time: datetime


def position_of(start: datetime) -> int | None:
    """Full minutes from 2022-01-01T00:00Z to ``start``; None before it, off a full minute or above 2147483647."""
    return position_of_unix(start.timestamp()) if start.microsecond == 0 else None


def position_of_unix(seconds: float) -> int | None:
    """The same for a moment in Unix seconds, which reaches beyond the year 9999 too."""
    minutes, rest = divmod(seconds - POSITION_EPOCH.timestamp(), 60)
    if rest or not 0 <= minutes <= MAX_POSITION:
        return None
    return int(minutes)


def lanes(position: int) -> Iterator[int]:
    """Every position a period may take, best first: its minutes, then minutes + k * 2^24 for k = 1..127."""
    for lane in range(LANES):
        candidate = position + lane * LANE_STRIDE
        if candidate <= MAX_POSITION:
            yield candidate


@dataclass(frozen=True, slots=True)
class CertificateOrder:
    """A certificate as an issuer orders it. Nothing is checked yet: see :func:`check_order`."""

    recipient_id: UUID
    registry: str
    certificate_id: UUID
    metering_point_id: str
    type: CertificateType
    quantity: int
    start: datetime
    end: datetime
    grid_area: str
    clear_text: tuple[Attribute, ...] = ()
    hashed: tuple[Attribute, ...] = ()
    on_clash: OnClash = OnClash.OTHER_LANE
    allow_clear_text_quantity: bool = False

    @property
    def ref(self) -> CertificateRef:
        """The name of the certificate ordered."""
        return CertificateRef(self.registry, self.certificate_id)

    def digest(self) -> bytes:
        """SHA-256 over every member, unambiguous: equal for equal orders only."""
        pairs = [text for a in (*self.clear_text, Attribute("", ""), *self.hashed) for text in (a.key, a.value)]
        members = [
            str(self.recipient_id), self.registry, str(self.certificate_id), self.metering_point_id, self.type.value,
            str(self.quantity), utc(self.start).isoformat(), utc(self.end).isoformat(), self.grid_area,
            self.on_clash.value, *pairs,
        ]  # fmt: skip
        encoded = [member.encode() for member in members]
        return hashlib.sha256(b"".join([len(data).to_bytes(4, "big") + data for data in encoded])).digest()


@dataclass(frozen=True, slots=True)
class DoorRules:
    """What the door knows: the configured registries, and which callers may issue in which grid area."""

    registries: frozenset[str]
    grid_areas: Mapping[str, frozenset[str]]
    """Grid area -> identities that may issue there; an empty set means every authenticated caller."""


def check_order(order: CertificateOrder, rules: DoorRules) -> Problem | None:
    """Everything that can be said of an order alone, first fault first; None if it may be stored."""
    try:
        _check_period(order)
        _check_texts(order)
        _check_attributes(order)
        if not 0 <= order.quantity <= MAX_QUANTITY:
            raise InvalidArgument.of("quantity", f"0 to {MAX_QUANTITY} Wh")
        if order.registry not in rules.registries:
            known = ", ".join(sorted(rules.registries)) or "none"
            raise InvalidArgument.of(
                "registry", f"one of the configured registries: {known}", reason=Reason.REGISTRY_UNKNOWN
            )
        if order.grid_area not in rules.grid_areas:
            known = ", ".join(sorted(rules.grid_areas)) or "none"
            raise InvalidArgument.of(
                "grid_area", f"one of the grid areas with an issuing key: {known}", reason=Reason.GRID_AREA_UNKNOWN
            )
    except Problem as problem:
        return problem
    return None


def _check_period(order: CertificateOrder) -> None:
    if order.end <= order.start:
        raise InvalidArgument.of("start_time", "a start before the end")
    if not SHORTEST_PERIOD <= order.end - order.start <= LONGEST_PERIOD:
        raise InvalidArgument.of("end_time", "an end 1 minute to 1 hour after the start")
    if order.end.second or order.end.microsecond:
        raise InvalidArgument.of("end_time", "a full minute")
    if position_of(order.start) is None:
        raise InvalidArgument.of(
            "start_time",
            "a full minute, not before 2022-01-01T00:00:00Z and not after 6105-01-24T02:07:00Z",
            reason=Reason.POSITION_UNAVAILABLE,
        )


def _check_texts(order: CertificateOrder) -> None:
    for path, text, longest in (
        ("metering_point_id", order.metering_point_id, 256),
        ("registry", order.registry, 64),
        ("grid_area", order.grid_area, 64),
    ):
        if not 1 <= len(text) <= longest or "\x00" in text:
            raise InvalidArgument.of(path, f"1 to {longest} characters")


def _check_attributes(order: CertificateOrder) -> None:
    seen: set[str] = set()
    for path, attributes in (("clear_text_attributes", order.clear_text), ("hashed_attributes", order.hashed)):
        if len(attributes) > MAX_ATTRIBUTES:
            raise InvalidArgument.of(path, f"at most {MAX_ATTRIBUTES} attributes")
        for index, attribute in enumerate(attributes):
            if not 1 <= len(attribute.key) <= 256 or "\x00" in attribute.key:
                raise InvalidArgument.of(f"{path}[{index}].key", "1 to 256 characters")
            if len(attribute.value) > 512 or "\x00" in attribute.value:
                raise InvalidArgument.of(f"{path}[{index}].value", "at most 512 characters")
            if (folded := attribute.key.casefold()) in seen:
                raise InvalidArgument.of(f"{path}[{index}].key", "a key not used before, without regard to case")
            seen.add(folded)
    if order.allow_clear_text_quantity:
        return
    for index, attribute in enumerate(order.clear_text):
        if repeats_quantity(attribute.value, order.quantity):
            raise InvalidArgument.of(
                f"clear_text_attributes[{index}].value",
                "a value that does not repeat the quantity, which the commitment is to hide "
                "(allow_clear_text_quantity admits it)",
                reason=Reason.QUANTITY_LEAKED,
            )


def repeats_quantity(text: str, quantity: int) -> bool:
    """Whether ``text`` is the quantity written as a number in Wh, kWh or MWh, with or without a unit."""
    cleaned = text.strip().replace(" ", "").replace("_", "").lower()
    for unit in ("kwh", "mwh", "wh"):
        cleaned = cleaned.removesuffix(unit)
    try:
        number = Decimal(cleaned.replace(",", "."))
    except InvalidOperation:
        return False
    return quantity > 0 and number.is_finite() and any(number * scale == quantity for scale in (1, 1_000, 1_000_000))


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and where it stands."""

    order: CertificateOrder
    hashed: tuple[HashedAttribute, ...]
    state: CertificateState
    reason: str
    position: int
    transaction_id: str
    signing_key_id: str
    delivery: DeliveryState
    delivery_reason: str
    delivery_attempts: int
    version: int
    create_time: datetime
    update_time: datetime

    @property
    def ref(self) -> CertificateRef:
        """The name of the certificate."""
        return self.order.ref


@dataclass(frozen=True, slots=True)
class Change:
    """One certificate after a step, as its event tells it."""

    ref: CertificateRef
    version: int
    state: CertificateState
    transaction_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CertificatesChanged:
    """The event of a step that certificates of one tenant made together, in one transaction."""

    step: Step
    changes: tuple[Change, ...]
    tenant: str | None = None
    """Whose certificates; None means the transaction's tenant."""


@dataclass(frozen=True, slots=True)
class RecipientCreated:
    """The event of a new recipient."""

    recipient: Recipient


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change in the life of a certificate."""

    version: int
    state: CertificateState
    event: str
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A row of the withdrawn feed: ``id`` counts 1, 2, 3 and so on per tenant without a gap."""

    id: int
    ref: CertificateRef
    time: datetime


def certificate_not_found(ref: CertificateRef) -> NotFound:
    """The refusal of a certificate that is not there."""
    return NotFound(
        Reason.CERTIFICATE_NOT_FOUND,
        f"certificate {ref.certificate_id} does not exist in {ref.registry}; list certificates with ListCertificates",
    )


def certificate_exists(ref: CertificateRef) -> AlreadyExists:
    """The refusal of another order under a name that is taken."""
    return AlreadyExists(
        Reason.CERTIFICATE_EXISTS,
        f"certificate {ref.certificate_id} exists in {ref.registry} with another content; use a new id",
        fields=(FieldProblem("certificate_id", "an id not used before"),),
    )
