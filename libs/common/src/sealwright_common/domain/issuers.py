"""Time-aware issuers: a name under which keys follow one another, each with its window and its life."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Problem
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import (
    DESTRUCTION_DELAY,
    DESTRUCTION_FLOOR,
    KeyAlgorithm,
    KeyPurpose,
    KeyState,
    Protection,
    check_combination,
)
from sealwright_common.domain.schedule import Schedule

DEFAULT_COHORT = 1
"""The cohort of an issuer that has only one."""

MOST_COHORTS = 64
MOST_KEYS = 1000
"""Cohorts times (buffer + overlap): what one creation may ask of the token."""

MAX_TOKENS_DEFAULT, MAX_TOKENS_LIMIT = 40, 1000
VERIFY_DEFAULT, VERIFY_LIMIT = timedelta(days=30), timedelta(days=36_525)
DESTRUCTION_CEILING = timedelta(days=365)
"""The longest wait before a key is destroyed."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}")


class IssuerState(StrEnum):
    """What an issuer does now."""

    CREATING = "CREATING"
    """Its first keys are being made; nobody sees it yet."""
    ACTIVE = "ACTIVE"
    """Its keys are made and rotated."""
    PAUSED = "PAUSED"
    """No new key is made; the keys it has go on through their windows."""
    RETIRED = "RETIRED"
    """Signs no more; what it signed verifies and redeems until the windows end."""
    EXPIRED = "EXPIRED"
    """Over: signs no more, and its windows have ended."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A time-aware issuer. Build it with :meth:`checked` from what a caller sent."""

    id: UUID
    tenant: str
    issuer_type: str
    """Its name, unique in the tenant."""
    cohorts: tuple[int, ...]
    """Ascending; each cohort has keys of its own."""
    max_tokens: int
    """Most blinded tokens one request may bring for each key."""
    schedule: Schedule
    algorithm: KeyAlgorithm
    purpose: KeyPurpose
    protection: Protection
    verify_for: timedelta
    """How long a key stays verify-only after its window."""
    destroy_delay: timedelta
    """How long a scheduled destruction waits."""
    allow_legacy_protocol: bool
    """Whether the challenge-bypass wire format is served for it."""
    state: IssuerState
    created_at: datetime
    version: int = 1
    last_rotated_at: datetime | None = None

    @classmethod
    def checked(
        cls,
        *,
        id: UUID,
        tenant: str,
        issuer_type: str,
        cohorts: Sequence[int],
        max_tokens: int | None,
        schedule: Schedule,
        algorithm: KeyAlgorithm | None,
        purpose: KeyPurpose,
        protection: Protection | None,
        verify_for: timedelta | None,
        destroy_delay: timedelta | None,
        allow_legacy_protocol: bool,
        now: datetime,
    ) -> Issuer:
        """An issuer in state CREATING whose every rule holds, with defaults filled in; InvalidArgument else."""
        blind = purpose is KeyPurpose.BLIND_SIGNATURE
        algorithm = algorithm or (KeyAlgorithm.RSABSSA_DETERMINISTIC if blind else KeyAlgorithm.EDDSA)
        protection = protection or (Protection.WRAPPED if algorithm.scalar else Protection.HSM)
        max_tokens = MAX_TOKENS_DEFAULT if max_tokens is None else max_tokens
        cohorts = sorted(cohorts) or (DEFAULT_COHORT,)
        verify_for = (timedelta(0) if blind else VERIFY_DEFAULT) if verify_for is None else verify_for
        destroy_delay = DESTRUCTION_DELAY if destroy_delay is None else destroy_delay
        legacy = algorithm is KeyAlgorithm.CBP_RISTRETTO255
        rules = (
            (
                _NAME.fullmatch(issuer_type) is not None,
                "issuer_type",
                "1 to 128 letters, digits and . _ : / -, beginning with a letter or digit",
            ),
            (all(1 <= c <= 32767 for c in cohorts), "cohorts", "numbers from 1 to 32767"),
            (len(set(cohorts)) == len(cohorts) <= MOST_COHORTS, "cohorts", f"at most {MOST_COHORTS}, each once"),
            (
                len(cohorts) * schedule.modulus <= MOST_KEYS,
                "buffer",
                f"cohorts x (buffer + overlap) of at most {MOST_KEYS} keys",
            ),
            (1 <= max_tokens <= MAX_TOKENS_LIMIT, "max_tokens", f"1 to {MAX_TOKENS_LIMIT}"),
            (timedelta(0) <= verify_for <= VERIFY_LIMIT, "verify_duration", "0 to 100 years"),
            (DESTRUCTION_FLOOR <= destroy_delay <= DESTRUCTION_CEILING, "destroy_delay_duration", "7 to 365 days"),
            (
                allow_legacy_protocol == legacy,
                "allow_legacy_protocol",
                f"true with {KeyAlgorithm.CBP_RISTRETTO255}: its preimage is forgeable, so it is off unless asked for"
                if legacy
                else f"false: only {KeyAlgorithm.CBP_RISTRETTO255} speaks the challenge-bypass wire format",
            ),
        )
        wrong = [FieldProblem(path, expected) for holds, path, expected in rules if not holds]
        if schedule.expired(now):
            wrong.append(FieldProblem("expires_at", "a moment in the future"))
        try:
            check_combination(algorithm, purpose, protection)
        except Problem as problem:
            wrong += problem.fields
        if wrong:
            raise InvalidArgument.of_all(wrong)
        return cls(
            id, tenant, issuer_type, tuple(cohorts), max_tokens, schedule, algorithm, purpose, protection, verify_for,
            destroy_delay, allow_legacy_protocol, IssuerState.CREATING, now,
        )  # fmt: skip

    def changed(self, state: IssuerState, schedule: Schedule | None = None) -> Issuer:
        """The issuer in another state, one version on."""
        return replace(self, state=state, schedule=schedule or self.schedule, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One key of an issuer, from the plan to its end; never the private half."""

    id: UUID
    """Id of the slot's row."""
    issuer: Issuer
    cohort: int
    slot: int
    window: Interval
    state: KeyState
    batch: UUID
    """Names the signer call that makes it: the slots planned together are made together, in one repeatable request."""
    created_at: datetime
    key_id: UUID | None = None
    """Its id in the signer; None until it is made."""
    public_key: bytes = b""
    version: int = 1
    published_at: datetime | None = None
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    compromised_at: datetime | None = None
    verify_until: datetime | None = None
    """Until when what it signed may be verified with it."""
    destroy_at: datetime | None = None

    @property
    def signs(self) -> bool:
        """Whether nothing but the time keeps it from signing."""
        return self.state in (KeyState.PENDING, KeyState.PUBLISHED, KeyState.ACTIVE)

    def usable(self, moment: datetime) -> bool:
        """Whether, its window aside, it may sign at ``moment``: made, and neither retired nor compromised by then.

        A compromised key counts for no moment, not even before it was found out.
        """
        made = self.key_id is not None and self.state is not KeyState.COMPROMISED
        return made and (self.retired_at is None or moment < self.retired_at)

    def active(self, moment: datetime) -> bool:
        """Whether it signs at ``moment``, past or future: usable and in its window."""
        return self.usable(moment) and self.window.contains(moment)


def active_keys(keys: Iterable[IssuerKey], moment: datetime) -> list[IssuerKey]:
    """The keys of one cohort that are active at ``moment``, ascending by slot; the last signs for the issuer."""
    return sorted((key for key in keys if key.active(moment)), key=lambda key: key.slot)


def signing_keys(keys: Iterable[IssuerKey], moment: datetime) -> list[IssuerKey]:
    """The keys of one cohort that sign a blind request at ``moment``: the earliest B + O unexpired ones in use."""
    able = sorted((key for key in keys if key.usable(moment) and key.window.end > moment), key=lambda key: key.slot)
    return able[: able[0].issuer.schedule.modulus] if able else []
