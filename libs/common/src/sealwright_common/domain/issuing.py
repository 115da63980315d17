"""The nouns of issuing: tenants, their keys, sources of claims, holders, deliveries, status lists, credentials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sealwright_common.domain.credentials import DefinitionRef, StatusKind, StatusPlace, StatusPurpose
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.keys import KeyAlgorithm, KeyState


@dataclass(frozen=True, slots=True)
class DcpPolicy:
    """Switches of a tenant's DCP door; the defaults are the strict ones."""

    allow_any_relationship: bool = False
    """Accept token keys that are not listed under capabilityInvocation."""
    allow_unknown_holders: bool = True
    """Accept holders that were never stored."""
    refuse_with_401: bool = False
    """Answer missing attestations and failed rules by 401, as the seed's text says, not by 403."""
    conflict_after_terminal: bool = False
    """Answer a repeated holderPid of a finished process by 409, not by a new process."""
    offer_on_rotation: bool = False
    """Offer new credentials to the holders of those a key signed when it retires, not only when it is compromised."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The issuing side of a tenant."""

    name: str
    did: str
    key_issuer: str
    """Name of the rotator's issuer whose keys sign."""
    display_name: str
    dcp: DcpPolicy
    create_time: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key of the schedule as certify's copy has it."""

    tenant: str
    issuer: str
    key_id: str
    slot: int
    algorithm: KeyAlgorithm
    public_key: bytes
    """As the signer encodes it: Ed25519 32 bytes, EC uncompressed point, RSA SubjectPublicKeyInfo."""
    window: Interval
    state: KeyState
    version: int
    verify_until: datetime | None = None
    """Until when what it signed may be verified with it, as the schedule says."""


@dataclass(frozen=True, slots=True)
class DueCertificate:
    """A key that needs a certificate, as others of its issuer have one."""

    key: IssuerKey
    predecessor: bytes
    """The newest certificate of the issuer's keys, DER: it says in whose name."""
    covered: datetime
    """Until when a certified key of the issuer signs."""
    told: datetime | None
    """When operators were last told."""


@dataclass(frozen=True, slots=True)
class AttestationDefinition:
    """A source of claims: a registered type and its configuration."""

    id: str
    type: str
    configuration: JsonObject
    update_time: datetime | None = None

    @property
    def output_claim(self) -> str:
        """The name its claims stand under: ``outputClaim`` of the configuration, else the definition's id."""
        name = self.configuration.get("outputClaim")
        return name if isinstance(name, str) and name else self.id

    @property
    def required(self) -> bool:
        """Whether an issuance is refused when it gives nothing; true unless the configuration says otherwise."""
        return self.configuration.get("required") is not False


@dataclass(frozen=True, slots=True)
class Attestation:
    """One row of the attestation table."""

    did: str
    attributes: JsonObject
    create_time: datetime | None = None
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who may ask for credentials."""

    did: str
    display_name: str
    attributes: JsonObject
    create_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A prompt to a holder, waiting to be sent."""

    id: UUID
    tenant: str
    holder_did: str
    definition_ids: tuple[str, ...]
    reason: str
    attempts: int
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """Processes that wait for the same."""

    what: str
    """approval, or the phase that is due: generate, deliver, refuse."""
    count: int
    due_since: datetime | None
    """When the first of them was due, or will be."""
    stuck_holders: int
    """Holders among them with three failed attempts or more."""


@dataclass(frozen=True, slots=True)
class Reissue:
    """Work to be done: every holder of a credential that a key signed is to be offered a new one."""

    tenant: str
    method: str
    """Verification method of the key."""
    reason: str
    """The offers' reason."""
    after_did: str = ""
    """Holders up to this DID have their offers."""


@dataclass(frozen=True, slots=True)
class StatusList:
    """A status list and where it stands."""

    id: UUID
    tenant: str
    kind: StatusKind
    purpose: StatusPurpose
    uri: str
    size: int
    used: int
    set_count: int
    version: int


@dataclass(frozen=True, slots=True)
class SignedStatusList:
    """A published status list in one of its forms."""

    version: int
    payload: bytes
    etag: str
    media_type: str
    renew_time: datetime
    """From when on it is signed anew although nothing changed."""
    signed_by: str
    """The key and its certificates; it is signed anew when they change."""


class Prepared(NamedTuple):
    """A credential before it is signed, with the id and status entries that are its own."""

    id: UUID
    process_id: UUID
    position: int
    """Place among the credentials of its process."""
    definition: DefinitionRef
    valid_from: datetime
    status: tuple[StatusPlace, ...]


class DeliveryOutcome:
    """How one delivery ended."""


@dataclass(frozen=True, slots=True)
class Delivered(DeliveryOutcome):
    """The holder has it."""


@dataclass(frozen=True, slots=True)
class Refused(DeliveryOutcome):
    """The holder will never take it."""

    detail: str


@dataclass(frozen=True, slots=True)
class TryAgain(DeliveryOutcome):
    """It may work later."""

    detail: str
    unknown: bool
    """Whether the message may have arrived all the same."""
    after: timedelta | None = None
    """What the holder asked for."""


@dataclass(frozen=True, slots=True)
class DidDocument:
    """What certify needs of a resolved DID document."""

    id: str
    methods: Mapping[str, object]
    """Public keys by the full id of their verification method; a method whose key is not understood is absent."""
    listed: frozenset[str]
    """Full ids of all verification methods, understood or not."""
    relationships: Mapping[str, frozenset[str]]
    """Full method ids by relationship: authentication, assertionMethod, capabilityInvocation."""
    services: Mapping[str, str]
    """Service endpoints by type."""
