"""OpenID4VCI 1.0: offers, access, deferred transactions and notifications. Secrets are kept as hashes only."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sealwright_common.domain.formats import HolderKey

MAX_TRIES = 5
"""Wrong transaction codes after which an offer is locked for good."""


def secret_hash(secret: str) -> bytes:
    """What is stored of a code, token or transaction id: SHA-256 (they carry 256 random bits)."""
    return hashlib.sha256(secret.encode()).digest()


class OfferState(StrEnum):
    """Where an offer stands."""

    PENDING = "PENDING"
    REDEEMED = "REDEEMED"
    LOCKED = "LOCKED"
    """Too many wrong transaction codes."""
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class TransactionCode:
    """The PIN of an offer: how the wallet asks for it, and its salted hash."""

    input_mode: str
    """numeric or text."""
    length: int
    salt: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    description: str = ""

    def fits(self, given: str) -> bool:
        """Whether ``given`` is the code; takes the same time either way."""
        return hmac.compare_digest(self.hash, hashlib.sha256(self.salt + given.encode()).digest())


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of credentials of one issuer."""

    id: UUID
    tenant: str
    issuer: str
    """Path of the issuer."""
    configuration_ids: tuple[str, ...]
    expires: datetime
    code_hash: bytes | None = field(default=None, repr=False)
    """Hash of the pre-authorized code; None for an authorization code offer."""
    document: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """The offer object as wallets fetch it; holds the code, so it goes when the offer is spent."""
    transaction_code: TransactionCode | None = None
    tries_left: int = MAX_TRIES
    claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]], repr=False)
    """Pushed claims per dataset."""
    subject: str | None = None
    """Who the offer is for, to the data provider; opaque to wallets."""
    issuer_state_hash: bytes | None = field(default=None, repr=False)
    state: OfferState = OfferState.PENDING


@dataclass(frozen=True, slots=True)
class Access:
    """What the bearer of an access token may get."""

    grant: bytes
    """Names the grant; the same for every token of it. Deferred transactions and notifications belong to it."""
    tenant: str
    issuer: str
    configuration_ids: tuple[str, ...]
    expires: datetime
    identifiers: Mapping[str, str] = field(default_factory=dict[str, str])
    """credential_identifier to configuration id; empty if the token response named none."""
    client_id: str | None = None
    thumbprint: str | None = None
    """JWK thumbprint the token is bound to by DPoP."""
    subject: str | None = None
    offer_id: UUID | None = None
    pushed: Mapping[str, Mapping[str, Any]] | None = field(default=None, repr=False)
    """Claims pushed with the offer the token came from, per dataset; None for a token that came from none."""


class TransactionState(StrEnum):
    """Where a deferred issuance stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DENIED = "DENIED"
    DELIVERED = "DELIVERED"


@dataclass(frozen=True, slots=True)
class Transaction:
    """A deferred issuance: what was asked for, kept until somebody decides and the wallet fetches it."""

    hash: bytes
    id: UUID
    tenant: str
    issuer: str
    grant: bytes
    configuration_id: str
    keys: tuple[HolderKey, ...]
    access: Access
    created: datetime
    expires: datetime
    state: TransactionState = TransactionState.PENDING


@dataclass(frozen=True, slots=True)
class Notification:
    """What a wallet said of credentials it got."""

    hash: bytes
    tenant: str
    grant: bytes
    credential_ids: tuple[UUID, ...]
    event: str | None = None
    """credential_accepted, credential_failure or credential_deleted; None until it says something."""
