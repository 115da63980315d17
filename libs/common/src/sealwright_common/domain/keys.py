"""Keys: what a key is for, how it is kept, and when it may be used.

A key has exactly one algorithm and one purpose. Its stored state says what was decided about it; its window says when
that takes effect: a PUBLISHED key becomes ACTIVE when its window opens and VERIFY_ONLY when it closes, without anybody
having to write it down, so that no outage of the scheduler leaves a gap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, Reason
from sealwright_common.domain.intervals import Interval

DESTRUCTION_DELAY = timedelta(days=30)
"""How long a scheduled destruction waits if the caller names no delay."""

DESTRUCTION_FLOOR = timedelta(days=7)
"""The shortest wait before a key is destroyed."""


class KeyAlgorithm(StrEnum):
    """Algorithms, named as in the JOSE registry (RFC 7518, RFC 8037), RFC 9474 and RFC 9497."""

    ES256 = "ES256"
    ES384 = "ES384"
    EDDSA = "EdDSA"
    PS256 = "PS256"
    RS256 = "RS256"
    RSABSSA_RANDOMIZED = "RSABSSA-SHA384-PSS-Randomized"
    RSABSSA_DETERMINISTIC = "RSABSSA-SHA384-PSS-Deterministic"
    VOPRF_RISTRETTO255 = "VOPRF-RISTRETTO255-SHA512"
    VOPRF_P384 = "VOPRF-P384-SHA384"
    CBP_RISTRETTO255 = "CBP-RISTRETTO255"

    @property
    def blind(self) -> bool:
        """Whether it signs blinded tokens rather than messages."""
        return self in BLIND_ALGORITHMS

    @property
    def scalar(self) -> bool:
        """Whether its key is a bare group scalar, which no PKCS#11 mechanism can use: such keys are WRAPPED."""
        return self in SCALAR_ALGORITHMS


RSA_ALGORITHMS = frozenset(
    {KeyAlgorithm.PS256, KeyAlgorithm.RS256, KeyAlgorithm.RSABSSA_RANDOMIZED, KeyAlgorithm.RSABSSA_DETERMINISTIC}
)
"""Algorithms whose key is an RSA key."""

SCALAR_ALGORITHMS = frozenset({KeyAlgorithm.VOPRF_RISTRETTO255, KeyAlgorithm.VOPRF_P384, KeyAlgorithm.CBP_RISTRETTO255})
"""Algorithms whose key is a group scalar."""

BLIND_ALGORITHMS = SCALAR_ALGORITHMS | {KeyAlgorithm.RSABSSA_RANDOMIZED, KeyAlgorithm.RSABSSA_DETERMINISTIC}
"""Algorithms that sign blinded tokens."""


class KeyPurpose(StrEnum):
    """What a key may sign; a key is refused for any other purpose."""

    ASSERTION = "assertion"
    """Credentials, DID assertions, status lists, directories."""
    TRANSACTION = "transaction"
    """Registry transactions."""
    TOKEN = "token"
    """Access and session tokens, proofs of possession."""
    BLIND_SIGNATURE = "blind-signature"
    """Anonymous tokens; the only purpose of the blind algorithms."""


class Protection(StrEnum):
    """Where the private key is."""

    HSM = "HSM"
    """Made in the PKCS#11 token and never outside it."""
    WRAPPED = "WRAPPED"
    """Stored wrapped by an AES key of the token; unwrapped only in the signer's memory."""


class KeyState(StrEnum):
    """The life of a key, in order; COMPROMISED can follow any live state."""

    PENDING = "PENDING"
    PUBLISHED = "PUBLISHED"
    ACTIVE = "ACTIVE"
    VERIFY_ONLY = "VERIFY_ONLY"
    DESTROY_SCHEDULED = "DESTROY_SCHEDULED"
    DESTROYED = "DESTROYED"
    COMPROMISED = "COMPROMISED"


SCHEDULED_STATES = (KeyState.PENDING, KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.VERIFY_ONLY)
"""The states a schedule moves a key through, forward only."""

_NEXT: Mapping[KeyState, frozenset[KeyState]] = {
    KeyState.PENDING: frozenset(
        {KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.VERIFY_ONLY, KeyState.DESTROY_SCHEDULED, KeyState.COMPROMISED}
    ),
    KeyState.PUBLISHED: frozenset(
        {KeyState.ACTIVE, KeyState.VERIFY_ONLY, KeyState.DESTROY_SCHEDULED, KeyState.COMPROMISED}
    ),
    KeyState.ACTIVE: frozenset({KeyState.VERIFY_ONLY, KeyState.DESTROY_SCHEDULED, KeyState.COMPROMISED}),
    KeyState.VERIFY_ONLY: frozenset({KeyState.DESTROY_SCHEDULED, KeyState.COMPROMISED}),
    # Cancelling a destruction gives back the state the key had before it.
    KeyState.DESTROY_SCHEDULED: frozenset({*SCHEDULED_STATES, KeyState.DESTROYED, KeyState.COMPROMISED}),
    KeyState.DESTROYED: frozenset(),
    KeyState.COMPROMISED: frozenset({KeyState.DESTROY_SCHEDULED}),
}


def may_become(old: KeyState, new: KeyState) -> bool:
    """Whether the life of a key allows going from ``old`` to ``new`` (staying is not going)."""
    return new in _NEXT[old]


@dataclass(frozen=True, slots=True)
class KeySlot:
    """The place of a key in the schedule of a time-aware issuer."""

    issuer_type: str
    """Name of the issuer, unique in the tenant."""
    cohort: int
    """Cohort of the issuer; 1 unless the issuer has several."""
    slot: int
    """Number of the key in its cohort, from 0."""
    window: Interval
    """When the key is active."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key as everybody may see it: never the private half."""

    id: UUID
    tenant: str
    algorithm: KeyAlgorithm
    purpose: KeyPurpose
    protection: Protection
    state: KeyState
    """The stored state; ask :meth:`state_at` for the one that holds now."""
    public_key: bytes
    """Ed25519: 32 bytes (RFC 8032). EC: uncompressed point (SEC 1). RSA: SubjectPublicKeyInfo DER. VOPRF, CBP: the
    serialized group element (RFC 9497)."""
    created_time: datetime
    version: int = 1
    """Grows by one with every change of the key."""
    disabled: bool = False
    """A disabled key does not sign, whatever its state; it can be enabled again."""
    slot: KeySlot | None = None
    """Its place in a schedule; None for a key that belongs to no issuer."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    destroy_time: datetime | None = None
    """When a scheduled destruction happens."""
    token_key_id: bytes = b""
    """SHA-256 of the public key in its Privacy Pass encoding (RFC 9578); empty for signing keys."""

    def state_at(self, now: datetime) -> KeyState:
        """The state that holds at ``now``: what was decided, moved on by the window."""
        if self.slot is None or self.state not in (KeyState.PUBLISHED, KeyState.ACTIVE):
            return self.state
        if now >= self.slot.window.end:
            return KeyState.VERIFY_ONLY
        return KeyState.ACTIVE if now >= self.slot.window.start else KeyState.PUBLISHED

    def check_signs(self, now: datetime, purpose: KeyPurpose) -> None:
        """Return if the key may sign for ``purpose`` at ``now``.

        Only blind signing may use a PUBLISHED key ahead of its window. Raises FailedPrecondition with
        KEY_PURPOSE_MISMATCH, KEY_DISABLED, KEY_COMPROMISED, KEY_OUT_OF_WINDOW or KEY_NOT_USABLE, whichever comes first.
        """
        if purpose is not self.purpose:
            raise FailedPrecondition(
                Reason.KEY_PURPOSE_MISMATCH,
                f"key {self.id} is for {self.purpose}, not for {purpose}; name a key made for {purpose}",
            )
        if self.disabled:
            raise FailedPrecondition(
                Reason.KEY_DISABLED, f"key {self.id} is disabled; enable it with EnableKey or name another key"
            )
        state = self.state_at(now)
        if state is KeyState.ACTIVE:
            return
        if state is KeyState.PUBLISHED and self.slot is not None:
            if purpose is KeyPurpose.BLIND_SIGNATURE:
                return
            raise FailedPrecondition(
                Reason.KEY_OUT_OF_WINDOW,
                f"key {self.id} signs from {self.slot.window.start.isoformat()}; name its issuer to use the active key",
            )
        if state is KeyState.VERIFY_ONLY and self.slot is not None and now >= self.slot.window.end:
            raise FailedPrecondition(
                Reason.KEY_OUT_OF_WINDOW,
                f"key {self.id} signed until {self.slot.window.end.isoformat()}; name its issuer to use the active key",
            )
        raise FailedPrecondition(
            Reason.KEY_COMPROMISED if state is KeyState.COMPROMISED else Reason.KEY_NOT_USABLE,
            f"key {self.id} is {state} and does not sign; name an active key or its issuer",
        )

    def check_becomes(self, state: KeyState) -> None:
        """Return if the key's life allows ``state`` next; FailedPrecondition KEY_STATE_CONFLICT otherwise."""
        if not may_become(self.state, state):
            raise FailedPrecondition(
                Reason.KEY_STATE_CONFLICT, f"key {self.id} is {self.state} and cannot become {state}; see GetKey"
            )


def check_combination(algorithm: KeyAlgorithm, purpose: KeyPurpose, protection: Protection, path: str = "") -> None:
    """Return if a key may have these three; InvalidArgument naming the field under ``path`` otherwise."""
    prefix = f"{path}." if path else ""
    if algorithm.blind != (purpose is KeyPurpose.BLIND_SIGNATURE):
        expected = "blind-signature" if algorithm.blind else "assertion, transaction or token"
        raise InvalidArgument.of(f"{prefix}purpose", f"{expected} for {algorithm}", reason=Reason.KEY_PURPOSE_MISMATCH)
    if algorithm.blind and not algorithm.scalar and protection is Protection.WRAPPED:
        raise InvalidArgument.of(
            f"{prefix}protection",
            f"HSM for {algorithm}: its raw RSA operation is done by the token",
            reason=Reason.KEY_ALGORITHM_MISMATCH,
        )
    if algorithm.scalar and protection is Protection.HSM:
        raise InvalidArgument.of(
            f"{prefix}protection",
            f"WRAPPED for {algorithm}: no token knows this group",
            reason=Reason.KEY_ALGORITHM_MISMATCH,
        )
