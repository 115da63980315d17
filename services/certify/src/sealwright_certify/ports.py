"""What certify's use cases need of the world: storage, keys and signatures, formats, templates, sources, holders.

Everything is asked for in sets: many definitions, many processes, many signatures at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from sealwright_common.domain.credentials import (
    CredentialDefinition,
    CredentialFormat,
    CredentialState,
    DefinitionRef,
    IssuedCredential,
    StatusKind,
    StatusPlace,
    StatusPurpose,
)
from sealwright_common.domain.errors import FieldProblem
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Phase
from sealwright_common.domain.issuing import (
    Attestation as Attestation,
)
from sealwright_common.domain.issuing import (
    AttestationDefinition as AttestationDefinition,
)
from sealwright_common.domain.issuing import (
    DcpPolicy as DcpPolicy,
)
from sealwright_common.domain.issuing import (
    Delivered as Delivered,
)
from sealwright_common.domain.issuing import (
    DeliveryOutcome as DeliveryOutcome,
)
from sealwright_common.domain.issuing import (
    DidDocument as DidDocument,
)
from sealwright_common.domain.issuing import (
    DueCertificate as DueCertificate,
)
from sealwright_common.domain.issuing import (
    Holder as Holder,
)
from sealwright_common.domain.issuing import (
    IssuerKey as IssuerKey,
)
from sealwright_common.domain.issuing import (
    Offer as Offer,
)
from sealwright_common.domain.issuing import (
    Prepared as Prepared,
)
from sealwright_common.domain.issuing import (
    Refused as Refused,
)
from sealwright_common.domain.issuing import Reissue, SignedStatusList, Waiting
from sealwright_common.domain.issuing import (
    StatusList as StatusList,
)
from sealwright_common.domain.issuing import (
    Tenant as Tenant,
)
from sealwright_common.domain.issuing import (
    TryAgain as TryAgain,
)
from sealwright_common.domain.json_values import Json, JsonObject
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.transactions import Transaction, Transactions

# ---- making a credential


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key a credential is going to be signed with."""

    key_id: str
    """Id in the signer."""
    method: str
    """Verification method: the issuer's DID, ``#`` and the key id."""
    algorithm: KeyAlgorithm
    public_key: bytes


class Draft(NamedTuple):
    """Everything a format needs to write one credential."""

    id: UUID
    definition: CredentialDefinition
    issuer: Tenant
    key: SigningKey
    holder_did: str
    holder_jwk: Mapping[str, str] | None
    """Public key the credential is bound to, for formats that bind to keys."""
    content: JsonObject
    """What the template or mappings made: ``credentialSubject`` and members beside it. Never holds reserved members."""
    valid_from: datetime
    valid_until: datetime | None
    status: tuple[StatusPlace, ...]
    schema_uri: str | None
    """Where the definition's JSON Schema is served; None if it has none."""


class Unsigned(NamedTuple):
    """What is signed, and what is needed to complete the credential afterwards."""

    signing_input: bytes
    rest: object = None


Signed: TypeAlias = tuple[str, bytes, bytes, bytes]
"""A signature to be verified: algorithm, public key as the signer encodes it, message, and the signature itself."""


class CredentialWriter(Protocol):
    """Writes credentials of some formats. Signing happens between ``prepare`` and ``complete``, in batches."""

    @property
    def formats(self) -> frozenset[CredentialFormat]:
        """The formats it writes."""
        ...

    def problems(self, definition: CredentialDefinition) -> list[FieldProblem]:
        """What in a definition does not suit the format; unknown members of ``format_options`` are problems."""
        ...

    def prepare(self, draft: Draft) -> Unsigned:
        """The bytes to sign. Sets every reserved member itself."""
        ...

    def complete(self, unsigned: Unsigned, signature: bytes) -> str:
        """The finished credential. ``signature`` is raw: r and s for ECDSA."""
        ...

    def check(self, payload: str, draft: Draft) -> Sequence[Signed]:
        """Reads a finished credential by code that did not write it, and compares it with ``draft``.

        Raises Internal with SIGNATURE_FAULTY; then nothing leaves. Nor may it before the signatures that are returned
        were verified, too; those that were verified already are not among them.
        """
        ...


class SignatureChecks(Protocol):
    """Verifies signatures, many at once."""

    async def good(self, signed: Sequence[Signed]) -> list[bool]:
        """Which signatures are good, in their order. Raises Unavailable if that cannot be told now."""
        ...


class Signer(Protocol):
    """The signer service."""

    async def sign(self, tenant: str, key: SigningKey, inputs: Sequence[bytes]) -> list[bytes]:
        """Raw signatures over ``inputs`` with ``key``, in their order; all or none.

        Raises FailedPrecondition if the key does not sign now, Unavailable if the signer is away.
        """
        ...


class KeyDirectory(Protocol):
    """The rotator service."""

    async def keys(self, tenant: str, issuer: str) -> list[IssuerKey]:
        """The issuer's keys as they stand now. NotFound without such an issuer, Unavailable if the rotator is away."""
        ...


class TemplateEngine(Protocol):
    """Renders templates inside a budget of time and size."""

    def problems(self, template: Json) -> list[str]:
        """What is wrong with a template when it is stored."""
        ...

    def render(self, template: Json, context: JsonObject) -> JsonObject:
        """The content. InvalidArgument (TEMPLATE_INVALID) or ResourceExhausted (TEMPLATE_BUDGET)."""
        ...


class SchemaEngine(Protocol):
    """Compiles and applies JSON Schemas."""

    def problems(self, schema: JsonObject) -> list[str]:
        """What is wrong with a schema when it is stored; references outside the document are refused."""
        ...

    def violations(self, schema: JsonObject, value: Json) -> list[str]:
        """Where ``value`` does not fit, by path; never the values themselves."""
        ...


# ---- attestation sources


@dataclass(frozen=True, slots=True)
class AttestationContext:
    """What a source may know of the request: the holder, its verified presentation's token, pushed claims."""

    tenant: str
    holder_did: str
    access_token: str | None = None
    """Access token the holder sent along, for a presentation query."""
    pushed: Mapping[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    """Claims per attestation id that the caller vouches for."""
    remaining: float = 5.0
    """Seconds the source may take."""


class AttestationSource(Protocol):
    """Gives the claims of one attestation definition."""

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        """The claims, or None if the source knows nothing of the holder.

        Raises Unavailable if the source cannot be asked now, PermissionDenied if what it was shown does not convince.
        """
        ...


class AttestationSourceFactory(Protocol):
    """Makes the sources of one attestation type."""

    @property
    def type(self) -> str:
        """The type's name."""
        ...

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        """What is wrong with a definition, as expectations; empty if nothing is."""
        ...

    def create(self, definition: AttestationDefinition) -> AttestationSource:
        """The source of a definition without problems."""
        ...


# ---- storage


class TenantStore(Protocol):
    async def put(self, tenant: Tenant) -> None: ...
    async def get(self, name: str) -> Tenant | None: ...
    async def by_did(self, did: str) -> Tenant | None: ...
    async def by_key_issuer(self, tenants: Sequence[str]) -> list[Tenant]: ...


class KeyStore(Protocol):
    async def put(self, keys: Sequence[IssuerKey]) -> list[IssuerKey]: ...
    async def list(self, tenant: str, issuer: str) -> list[IssuerKey]: ...
    async def every(self, tenant: str) -> list[IssuerKey]: ...
    async def named_issuers(self, tenant: str) -> frozenset[str]: ...
    async def signed_until(self, tenant: str, methods: Sequence[str]) -> dict[str, datetime | None]: ...


class DefinitionStore(Protocol):
    async def put(self, tenant: str, definition: CredentialDefinition) -> CredentialDefinition: ...
    async def latest(self, tenant: str, ids: Sequence[str]) -> dict[str, CredentialDefinition]: ...
    async def pinned(self, tenant: str, refs: Sequence[DefinitionRef]) -> dict[DefinitionRef, CredentialDefinition]: ...
    async def page(self, tenant: str, after: str, limit: int) -> list[CredentialDefinition]: ...
    async def delete(self, tenant: str, id_: str) -> DefinitionRef | None: ...
    async def naming_attestation(self, tenant: str, attestation_id: str) -> list[str]: ...


class AttestationStore(Protocol):
    async def put_definition(self, tenant: str, definition: AttestationDefinition) -> AttestationDefinition: ...
    async def definitions(self, tenant: str, ids: Sequence[str]) -> dict[str, AttestationDefinition]: ...
    async def definition_page(self, tenant: str, after: str, limit: int) -> list[AttestationDefinition]: ...
    async def delete_definition(self, tenant: str, id_: str) -> bool: ...
    async def insert(self, tenant: str, rows: Sequence[Attestation]) -> None: ...
    async def update(self, tenant: str, row: Attestation) -> Attestation | None: ...
    async def delete(self, tenant: str, did: str) -> bool: ...
    async def get(self, tenant: str, did: str) -> Attestation | None: ...
    async def page(self, tenant: str, after: str, limit: int) -> list[Attestation]: ...


class HolderStore(Protocol):
    async def put(self, tenant: str, holder: Holder) -> Holder: ...
    async def get(self, tenant: str, did: str) -> Holder | None: ...
    async def page(self, tenant: str, after: str, limit: int) -> list[Holder]: ...
    async def delete(self, tenant: str, did: str) -> bool: ...
    async def queue_offers(self, offers: Sequence[Offer]) -> None: ...
    async def claim_offers(self, now: datetime, lease: timedelta, limit: int) -> list[Offer]: ...
    async def settle_offer(self, offer: UUID, delivered: bool) -> None: ...
    async def postpone_offer(self, offer: UUID, next_time: datetime) -> None: ...
    async def queue_reissues(self, reissues: Sequence[Reissue]) -> None: ...
    async def claim_reissue(self) -> Reissue | None: ...
    async def advance_reissue(self, reissue: Reissue, after_did: str | None) -> None: ...


class ProcessStore(Protocol):
    async def insert(self, processes: Sequence[IssuanceProcess]) -> set[UUID]: ...
    async def running(
        self, tenant: str, holder_did: str, holder_pid: str, limit: int
    ) -> tuple[int, IssuanceProcess | None]: ...
    async def open_by_pid(self, tenant: str, holder_did: str, holder_pid: str) -> IssuanceProcess | None: ...
    async def ended_by_pid(self, tenant: str, holder_did: str, holder_pid: str) -> IssuanceProcess | None: ...
    async def last_child(self, parent: IssuanceProcess) -> IssuanceProcess | None: ...
    async def locked(self, ids: Sequence[UUID]) -> dict[UUID, IssuanceProcess]: ...
    async def get(self, tenant: str, id_: UUID, *, lock: bool = False) -> IssuanceProcess | None: ...
    async def save(self, processes: Sequence[IssuanceProcess], *, from_phase: Phase | None = None) -> set[UUID]: ...
    async def page(
        self, tenant: str, state: IssuanceState | None, holder_did: str, before: UUID | None, limit: int
    ) -> list[IssuanceProcess]: ...
    async def claim(
        self, phase: Phase, now: datetime, lease: timedelta, limit: int, *, retries: bool | None, busy: Sequence[str]
    ) -> list[IssuanceProcess]: ...
    async def claim_expired(self, now: datetime, limit: int) -> list[IssuanceProcess]: ...
    async def changed(self, tenant: str, since: datetime, limit: int) -> list[IssuanceProcess]: ...
    async def open_counts(self) -> dict[str, int]: ...
    async def waiting(self) -> list[Waiting]: ...


class CredentialStore(Protocol):
    async def store(self, credentials: Sequence[tuple[str, IssuedCredential]]) -> None: ...
    async def of_processes(self, tenant: str, process_ids: Sequence[UUID]) -> list[IssuedCredential]: ...
    async def get(self, tenant: str, ids: Sequence[UUID], *, lock: bool = False) -> list[IssuedCredential]: ...
    async def page(
        self, tenant: str, holder_did: str, definition_id: str, before: UUID | None, limit: int
    ) -> list[IssuedCredential]: ...
    async def set_state(self, tenant: str, ids: Sequence[UUID], state: CredentialState) -> list[IssuedCredential]: ...
    async def previous(self, tenant: str, credentials: Sequence[IssuedCredential]) -> list[IssuedCredential]: ...
    async def holders_of(
        self, tenant: str, method: str, now: datetime, after_did: str, limit: int
    ) -> list[tuple[str, tuple[str, ...]]]: ...


class StatusStore(Protocol):
    async def reserve(
        self, tenant: str, kind: StatusKind, purpose: StatusPurpose, count: int, base_uri: str, size: int, now: datetime
    ) -> list[StatusPlace]: ...
    async def set_values(self, values: Sequence[tuple[StatusPlace, int]]) -> None: ...
    async def get(self, list_id: UUID) -> StatusList | None: ...
    async def page(self, tenant: str, after: UUID | None, limit: int) -> list[StatusList]: ...
    async def values(self, list_id: UUID) -> dict[int, int]: ...
    async def published(self, list_id: UUID, media_type: str) -> SignedStatusList | None: ...
    async def publish(self, list_id: UUID, signed: SignedStatusList) -> None: ...


class CertificateStore(Protocol):
    async def put(self, tenant: str, key_id: str, chain: Sequence[bytes], expires: datetime) -> None: ...
    async def chains(self, tenant: str, key_ids: Sequence[str]) -> dict[str, tuple[bytes, ...]]: ...
    async def due(self, now: datetime, limit: int) -> list[DueCertificate]: ...
    async def tell(self, tenant: str, key_id: str, now: datetime, before: datetime | None) -> bool: ...


class TokenGuard(Protocol):
    async def use(self, tokens: Sequence[tuple[str, str, datetime]]) -> set[tuple[str, str]]:
        """Remembers token ids (issuer, jti, until); those that were not used before. Atomic over every instance."""
        ...

    async def forget(self, now: datetime, limit: int) -> int:
        """Deletes at most ``limit`` ids whose time is over; returns how many."""
        ...


class CertifyWork(Transaction, Protocol):
    """One transaction over certify's tables."""

    @property
    def tenants(self) -> TenantStore: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def definitions(self) -> DefinitionStore: ...
    @property
    def attestations(self) -> AttestationStore: ...
    @property
    def holders(self) -> HolderStore: ...
    @property
    def processes(self) -> ProcessStore: ...
    @property
    def credentials(self) -> CredentialStore: ...
    @property
    def status(self) -> StatusStore: ...
    @property
    def certificates(self) -> CertificateStore: ...
    @property
    def tokens(self) -> TokenGuard: ...


Store = Transactions[CertifyWork]


# ---- holders


class HolderGateway(Protocol):
    """Reaches the holder's side of one protocol."""

    async def deliver(
        self,
        issuer: Tenant,
        process: IssuanceProcess,
        credentials: Awaitable[Sequence[IssuedCredential]],
        token: str | None,
    ) -> DeliveryOutcome:
        """Hands over the credentials of a process, always the same bytes.

        ``credentials`` may still be in the making: what can be done without them is done meanwhile.
        """
        ...

    async def refuse(self, issuer: Tenant, process: IssuanceProcess, token: str | None) -> DeliveryOutcome:
        """Tells the holder that its request was refused."""
        ...

    async def offer(self, issuer: Tenant, offer: Offer) -> DeliveryOutcome:
        """Prompts the holder."""
        ...


class DidResolver(Protocol):
    """Resolves DIDs of others."""

    async def resolve(self, did: str, *, anew: bool = False) -> DidDocument:
        """The document of ``did``, possibly from memory unless ``anew``.

        Raises Unavailable if it cannot be had now, FailedPrecondition (DID_UNRESOLVABLE, EGRESS_REFUSED) otherwise.
        """
        ...


@dataclass(frozen=True, slots=True)
class HolderIdentity:
    """Who a verified self-issued token speaks for."""

    did: str
    access_token: str | None
    """The ``token`` claim: what lets us ask the holder's Credential Service."""


class HolderRates(Protocol):
    """How much each holder may ask of a door."""

    def demand(self, key: str) -> None:
        """ResourceExhausted if it is known at once that the holder has to wait. Takes nothing."""

    async def take(self, key: str) -> None:
        """Counts one request of a holder; ResourceExhausted with the time to wait past its rate."""


class HolderTokens(Protocol):
    """Checks the self-issued tokens of holders."""

    async def verify(self, token: str, issuer: Tenant, rates: HolderRates) -> HolderIdentity:
        """Who sent it to ``issuer``.

        A holder over its rate is refused by its claimed DID before anything costly; what it may ask is counted once the
        token is proven to be its own and fresh, so that nobody uses up the rate of somebody else.
        Raises Unauthenticated (TOKEN_REFUSED) for anything wrong, Unavailable if the DID cannot be had now,
        ResourceExhausted past the holder's rate.
        """
        ...


class Secrets(Protocol):
    """Keeps the holders' tokens unreadable in the database."""

    def seal(self, text: str) -> bytes: ...
    def unseal(self, sealed: bytes) -> str | None: ...


class Wake(Protocol):
    """Tells a worker that there is work."""

    def __call__(self) -> None: ...
