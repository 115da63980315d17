"""What happens at this door, for the outbox. Nothing personal: ids, counts and states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sealwright_common.domain.oid4vci_grants import OfferState


@dataclass(frozen=True, slots=True)
class IssuerStored:
    """An issuer document was stored."""

    path: str
    version: int


@dataclass(frozen=True, slots=True)
class CertificatesStored:
    """A key got certificates."""

    key_issuer: str
    key_id: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class CertificateDue:
    """A key needs a certificate of the authority outside."""

    key_issuer: str
    key_id: str
    request_pem: str
    """Empty while the key may not sign yet."""
    needed: datetime


@dataclass(frozen=True, slots=True)
class OfferCreated:
    """An offer waits for a wallet."""

    offer_id: UUID
    issuer: str
    configuration_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferSettled:
    """An offer was redeemed, locked or cancelled."""

    offer_id: UUID
    state: OfferState


@dataclass(frozen=True, slots=True)
class CredentialsIssued:
    """A wallet got credentials."""

    issuance_id: UUID
    issuer: str
    configuration_id: str
    credential_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class DeferralDecided:
    """An operator approved or denied a deferred issuance, or it was asked for."""

    transaction_id: UUID
    issuer: str
    configuration_id: str
    state: str


@dataclass(frozen=True, slots=True)
class WalletNotified:
    """A wallet said what became of its credentials."""

    credential_ids: tuple[UUID, ...]
    event: str
