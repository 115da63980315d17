"""What the signer's use cases and adapters need from one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.keys import Key, KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_common.domain.transactions import Transaction, Transactions


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key pair in a token: found by its label and proven by its public half."""

    label: str
    algorithm: KeyAlgorithm
    public_key: bytes
    """As :attr:`sealwright_common.domain.keys.Key.public_key`."""


class Hsm(Protocol):
    """A token that makes keys and signs with them. Blocking and safe for threads; held by the token process.

    Raises Unavailable TOKEN_UNAVAILABLE while the token is away (it heals by itself), FailedPrecondition KEY_NOT_USABLE
    if a key is not in the token.
    """

    @property
    def name(self) -> str:
        """What it is, for people: "PKCS#11 token sealwright" or "file root of trust"."""
        ...

    def generate(self, label: str, algorithm: KeyAlgorithm, rsa_bits: int) -> TokenKey:
        """A new key pair: sensitive, not extractable, for ``algorithm`` alone. ``label`` must be new to the token."""
        ...

    def sign(self, key: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
        """One signature each. EdDSA signs messages, ES* and PS256 and RS256 digests, blind RSA the blinded message.

        Signatures are raw: r‖s for ECDSA, as long as the modulus for RSA. They are NOT verified here.
        """
        ...

    def uri(self, key: TokenKey) -> str:
        """The key's PKCS#11 URI (RFC 7512), or the like; it holds no secret."""
        ...

    def destroy(self, label: str) -> None:
        """Removes both halves of the pair called ``label`` for good; one that is not there is no error."""
        ...

    def wrap(self, plain: bytes, context: bytes) -> bytes:
        """``plain`` encrypted by the token's AES key, bound to ``context``."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """What was wrapped under the same ``context``. DataLoss if it does not open."""
        ...

    def check(self) -> None:
        """Returns if the token signs; raises what :meth:`sign` would."""
        ...

    def close(self) -> None:
        """Gives the token back."""
        ...


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key with what the signer needs to use it."""

    key: Key
    signing_key: str
    """A PKCS#11 URI, or ``wrapped:`` and a base64 blob; empty once destroyed. Never a plain key."""
    previous_state: KeyState | None = None
    """State before a scheduled destruction; what cancelling gives back."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """What one new key shall be, checked."""

    id: UUID
    tenant: str
    algorithm: KeyAlgorithm
    purpose: KeyPurpose
    protection: Protection
    rsa_bits: int


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A new key pair: the public half and where the private one is."""

    public_key: bytes
    signing_key: str
    token_key_id: bytes = b""
    """As :attr:`sealwright_common.domain.keys.Key.token_key_id`."""


class SignatureFormat(StrEnum):
    """How a signature is written."""

    RAW = "RAW"
    DER = "DER"


class InputKind(StrEnum):
    """How an input is to be read."""

    MESSAGE = "MESSAGE"
    DIGEST = "DIGEST"


@dataclass(frozen=True, slots=True)
class BlindShare:
    """Blinded tokens for one key."""

    key: StoredKey
    blinded_tokens: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TokenClaim:
    """A token that claims to be made with a key."""

    key: StoredKey
    input: bytes
    """Prepared message (blind RSA), private input (VOPRF), preimage (challenge-bypass)."""
    output: bytes
    """Signature, output of Finalize, MAC of the payload."""
    payload: bytes
    """What the token is bound to; the challenge-bypass MAC covers it."""


@dataclass(frozen=True, slots=True)
class BlindSignatures:
    """What one key answered to blinded tokens."""

    signed_tokens: tuple[bytes, ...]
    proof: bytes
    """Batch DLEQ proof; empty for blind RSA."""


class Vault(Protocol):
    """Every private key, HSM and WRAPPED alike. Never blocks the event loop; nothing leaves it unverified."""

    async def create(self, keys: Sequence[NewKey]) -> list[KeyPair]:
        """New key pairs, in order. If one fails, those made are destroyed and the error is raised."""
        ...

    async def sign(
        self, key: StoredKey, inputs: Sequence[bytes], kind: InputKind, form: SignatureFormat
    ) -> list[bytes]:
        """One verified signature per input.

        Raises InvalidArgument for a digest of the wrong length, Internal SIGNATURE_FAULTY if one does not verify.
        """
        ...

    async def check_blinded(self, shares: Sequence[BlindShare]) -> None:
        """Return if every token is one that its key signs; no private key is used.

        Raises InvalidArgument BLINDED_TOKEN_LENGTH, _IDENTITY, _INVALID or _OUT_OF_RANGE for the first that is not,
        with its position among the tokens of all shares.
        """
        ...

    async def blind_sign(self, shares: Sequence[BlindShare]) -> list[BlindSignatures]:
        """Checked shares signed, with one proof per share where the protocol has one; verified before they leave.

        The same key and tokens give the same bytes.
        """
        ...

    async def verify_tokens(self, claims: Sequence[TokenClaim]) -> list[bool]:
        """Whether each token was made with its key. A token that cannot be one of its protocol is false."""
        ...

    async def destroy(self, key: StoredKey) -> None:
        """Makes the private key unusable for good."""
        ...

    async def discard(self, key_ids: Sequence[UUID]) -> None:
        """Removes pairs that were never recorded from the token; those that are not there are no error."""
        ...


@dataclass(frozen=True, slots=True)
class KeyFilter:
    """Which keys to list; None and empty mean all."""

    purpose: KeyPurpose | None = None
    state: KeyState | None = None
    algorithm: KeyAlgorithm | None = None
    issuer_type: str = ""
    cohort: int = 0


@dataclass(frozen=True, slots=True)
class Issuer:
    """A time-aware issuer as the schedule describes it."""

    tenant: str
    issuer_type: str
    buffer: int
    overlap: int
    max_tokens: int
    """Most tokens per key in one request."""
    allow_legacy_protocol: bool = False
    signing: bool = True
    """False once it is retired or expired: its keys sign no more."""
    expires_at: datetime | None = None
    version: int = 0

    @property
    def modulus(self) -> int:
        """Number of keys that sign each request: buffer + overlap."""
        return self.buffer + self.overlap


@dataclass(frozen=True, slots=True)
class Redemption:
    """A spent token."""

    id: UUID
    token_id: bytes
    """SHA-256 over what makes the token unique."""
    key_id: UUID
    issuer_type: str
    cohort: int
    binding: bytes
    """SHA-256 of the payload it was bound to."""
    time: datetime
    keep_until: datetime
    """Not before this may the record go: the key's end plus leeway."""


class Keys(Protocol):
    """Stored keys; every look-up is by tenant. Reads lock nothing unless they say so."""

    async def begin_making(self, key_ids: Sequence[UUID]) -> None:
        """Remembers, once committed, that the token may hold pairs of these ids that no key is recorded for."""
        ...

    async def being_made(self, key_ids: Sequence[UUID]) -> set[UUID]:
        """Those of them that :meth:`begin_making` remembers: neither recorded nor taken as unfinished, and locked, so
        that until this transaction ends nobody else does either."""
        ...

    async def give_up(self, key_ids: Sequence[UUID]) -> None:
        """Remembers these no more, so that they can be recorded no more; waits for who is recording them."""
        ...

    async def take_unfinished(self, before: datetime, limit: int) -> list[UUID]:
        """Ids begun before then and not recorded, which they can be no more; those being recorded are skipped."""
        ...

    async def insert(self, keys: Sequence[StoredKey]) -> None:
        """Stores new keys, which ends their making: those of the token are :meth:`being_made` in this transaction.

        AlreadyExists SLOT_TAKEN if an issuer's slot has a key already.
        """
        ...

    async def get(self, tenant: str, ids: Sequence[UUID]) -> dict[UUID, StoredKey]:
        """The keys that exist among ``ids``."""
        ...

    async def lock(self, tenant: str, ids: Sequence[UUID]) -> dict[UUID, StoredKey]:
        """As :meth:`get`, locked until the transaction ends."""
        ...

    async def unexpired(self, tenant: str, issuer_type: str, cohort: int, now: datetime, limit: int) -> list[StoredKey]:
        """The issuer's unexpired keys, published or active, disabled ones too, earliest window first."""
        ...

    async def redeemable(
        self, tenant: str, issuer_type: str, cohort: int, now: datetime, leeway: timedelta
    ) -> list[StoredKey]:
        """Keys whose window, widened by ``leeway``, holds ``now``, strictly active first; any cohort for 0."""
        ...

    async def by_token_key_id(self, tenant: str, token_key_ids: Sequence[bytes]) -> dict[bytes, StoredKey]:
        """Blind keys by their Privacy Pass key id."""
        ...

    async def page(
        self, tenant: str, which: KeyFilter, now: datetime, before: UUID | None, size: int
    ) -> list[StoredKey]:
        """Up to ``size`` keys, newest first, made before ``before``."""
        ...

    async def update(self, keys: Sequence[StoredKey]) -> None:
        """Stores what may change of locked keys."""
        ...

    async def due_for_destruction(self, now: datetime, limit: int) -> list[StoredKey]:
        """Keys of any tenant whose destruction is due, locked; rows locked by others are skipped."""
        ...


class Schedule(Protocol):
    """The local copy of the rotator's schedule."""

    async def put(self, issuers: Sequence[Issuer]) -> None:
        """Stores issuers; an older version than the stored one is left out."""
        ...

    async def issuer(self, tenant: str, issuer_type: str) -> Issuer | None:
        """The issuer, if it is known."""
        ...


class Redemptions(Protocol):
    """Spent tokens."""

    async def spend(self, tenant: str, redemptions: Sequence[Redemption]) -> list[Redemption]:
        """Records each token once; the record that holds, in order: the given one if the token was unspent."""
        ...


class Answers(Protocol):
    """Answers of the work queue, by (tenant, request id)."""

    async def claim(self, queue: str, requests: Sequence[tuple[str, str]]) -> None:
        """Makes this transaction the only one that answers these requests."""
        ...

    async def get(self, queue: str, requests: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[bytes, bytes]]:
        """Digest of the request and answer of those answered before."""
        ...

    async def put(self, queue: str, rows: Sequence[tuple[str, str, bytes, bytes]], now: datetime) -> None:
        """Stores (tenant, request id, digest, answer)."""
        ...


class KeyEventKind(StrEnum):
    """The events of a key, named as their messages."""

    CREATED = "KeyCreated"
    SCHEDULED = "KeyScheduled"
    DISABLED = "KeyDisabled"
    ENABLED = "KeyEnabled"
    DESTRUCTION_SCHEDULED = "KeyDestructionScheduled"
    DESTRUCTION_CANCELLED = "KeyDestructionCancelled"
    DESTROYED = "KeyDestroyed"
    COMPROMISED = "KeyCompromised"


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """A key changed; it is told as it is afterwards."""

    kind: KeyEventKind
    key: Key


@dataclass(frozen=True, slots=True)
class QueueAnswer:
    """An answer of the work queue, ready to be published."""

    queue: str
    """``blind_sign`` or ``redeem``."""
    tenant: str
    request_id: str
    answer: bytes


class Work(Transaction, Protocol):
    """One transaction over the signer's tables."""

    @property
    def keys(self) -> Keys:
        """Stored keys."""
        ...

    @property
    def schedule(self) -> Schedule:
        """Issuers."""
        ...

    @property
    def answers(self) -> Answers:
        """Answers of the work queue."""
        ...

    @property
    def redemptions(self) -> Redemptions:
        """Spent tokens."""
        ...


Store = Transactions[Work]


class Freshness(Protocol):
    """How old the local copy of the rotator's schedule may be."""

    def check(self) -> None:
        """Return if the copy is fresh enough to be trusted; Unavailable PEER_UNAVAILABLE otherwise."""
        ...


class Ledger(Protocol):
    """Counts signatures that leave no row of their own."""

    def note(self, call: Call, key: Key, count: int) -> None:
        """``count`` signatures by ``key`` for the caller; reaches the audit log within a second, summed up."""
        ...


class KeyBook(Protocol):
    """Keys for signing, read through a short-lived memory so that a signature costs no query."""

    async def key(self, tenant: str, key_id: UUID) -> StoredKey:
        """The key. NotFound KEY_NOT_FOUND."""
        ...

    async def active(self, tenant: str, issuer_type: str, cohort: int, now: datetime) -> StoredKey:
        """The key that signs now for the issuer: of those active the one whose window began last.

        NotFound ISSUER_UNKNOWN if the cohort has no key at all, FailedPrecondition NO_ACTIVE_KEY if none is active.
        """
        ...

    async def issuer(self, tenant: str, issuer_type: str) -> Issuer:
        """The issuer. NotFound ISSUER_UNKNOWN."""
        ...

    async def unexpired(self, tenant: str, issuer_type: str, cohort: int, now: datetime) -> list[StoredKey]:
        """The issuer's unexpired keys, published or active, disabled ones too, earliest window first.

        NotFound ISSUER_UNKNOWN if the cohort never had a key.
        """
        ...

    async def settle(self) -> None:
        """Returns once no instance can still sign by what it remembers from before the last commit."""
        ...

    def forget(self, tenant: str, key_ids: Iterable[UUID]) -> None:
        """Drops keys that changed, and what is remembered of their issuers."""
        ...
