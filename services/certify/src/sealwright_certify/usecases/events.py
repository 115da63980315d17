"""What certify tells the world, as the use cases say it. Nothing personal: ids, names and states only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sealwright_common.domain.credentials import CredentialState, DefinitionRef, IssuedCredential
from sealwright_common.domain.issuance import IssuanceProcess

from sealwright_certify.ports import Tenant


@dataclass(frozen=True, slots=True)
class TenantStored:
    """A tenant's issuing side was stored."""

    tenant: Tenant


@dataclass(frozen=True, slots=True)
class KeysChanged:
    """The copy of a key schedule changed."""

    tenant: str
    key_issuer: str


@dataclass(frozen=True, slots=True)
class DefinitionStored:
    """A definition version was stored."""

    definition: DefinitionRef


@dataclass(frozen=True, slots=True)
class DefinitionDeleted:
    """A definition was taken out of use."""

    definition: DefinitionRef


@dataclass(frozen=True, slots=True)
class ProcessMoved:
    """A process was accepted or reached its present state; the event's kind follows from the state."""

    process: IssuanceProcess
    credential_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class ProcessGenerated:
    """A process's credentials are signed, checked and stored."""

    process: IssuanceProcess
    credential_ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class CredentialStatusChanged:
    """A credential was revoked, suspended or resumed."""

    credential: IssuedCredential
    state: CredentialState
    time: datetime


@dataclass(frozen=True, slots=True)
class OfferQueued:
    """An offer waits to be sent."""

    offer_id: UUID
    definition_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferSettled:
    """An offer reached the holder, or never will."""

    offer_id: UUID
    delivered: bool
