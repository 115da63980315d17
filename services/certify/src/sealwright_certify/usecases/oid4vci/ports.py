"""What the OpenID4VCI use cases need beside certify's other ports: their rows, and checkers of what wallets send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.formats import FormatOptions, HolderKey, IssuerKey, Unsigned
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.oid4vci import Configuration, Dataset, Issuer, WalletAttestation
from sealwright_common.domain.oid4vci_grants import (
    Access,
    Notification,
    Offer,
    OfferState,
    Transaction,
    TransactionState,
)

from sealwright_certify.ports import CertificateStore, CredentialStore, KeyStore, StatusStore, TenantStore

V = TypeVar("V")

Json = Mapping[str, Any]


# ---- storage


class IssuerStore(Protocol):
    async def put(self, issuer: Issuer, document: Json) -> int: ...
    async def by_path(self, path: str) -> Issuer | None: ...
    async def document(self, tenant: str, path: str) -> tuple[Json, int] | None: ...
    async def page(self, tenant: str, after: str | None, limit: int) -> list[tuple[str, Json, int]]: ...


class OfferStore(Protocol):
    async def insert(self, offer: Offer) -> None: ...
    async def get(self, tenant: str, id_: UUID) -> Offer | None: ...
    async def public(self, id_: UUID, now: datetime) -> Json | None: ...
    async def lock_by_codes(self, code_hashes: Sequence[bytes]) -> dict[bytes, Offer]:
        """The offers of these codes by their hashes, locked in one order, so that batches never wait in a circle."""
        ...

    async def by_issuer_state(self, state_hash: bytes) -> Offer | None: ...
    async def update(self, changed: Sequence[tuple[UUID, OfferState, int]]) -> None:
        """Sets state and tries left of each offer."""
        ...

    async def page(self, tenant: str, before: UUID | None, limit: int) -> list[Offer]: ...
    async def claims(self, id_: UUID) -> Mapping[str, Json] | None: ...


class TokenStore(Protocol):
    async def insert(self, tokens: Sequence[tuple[bytes, Access]]) -> None: ...
    async def get(self, token_hashes: Sequence[bytes]) -> dict[bytes, Access]: ...


@dataclass(frozen=True, slots=True)
class OnceClaim:
    """Something that may be used once."""

    kind: str
    """nonce, dpop or wallet."""
    value: bytes
    until: datetime
    """Until when it is remembered: a repeat would be refused for its age then."""


class OnceStore(Protocol):
    async def use(self, claims: Sequence[OnceClaim]) -> list[bool]:
        """Remembers each value; False for one that was used before, also by an earlier claim of this list."""
        ...

    async def forget(self, now: datetime, limit: int) -> int:
        """Deletes what is over, at most ``limit`` rows of each kind; the most rows of one kind."""
        ...


class TransactionStore(Protocol):
    async def insert(self, transaction: Transaction) -> None: ...
    async def lock(self, hash_: bytes) -> Transaction | None: ...
    async def get(self, tenant: str, id_: UUID, *, lock: bool = False) -> Transaction | None: ...
    async def set_state(self, id_: UUID, state: TransactionState) -> None: ...
    async def page(
        self, tenant: str, state: TransactionState | None, before: UUID | None, limit: int
    ) -> list[Transaction]: ...


class NotificationStore(Protocol):
    async def insert(self, notifications: Sequence[Notification]) -> None: ...
    async def lock(self, hash_: bytes) -> Notification | None: ...
    async def record(self, hash_: bytes, event: str, now: datetime) -> None: ...


class Oid4vciWork(Protocol):
    """One transaction over the tables of this door and those it shares with the rest of certify."""

    @property
    def call(self) -> Call: ...
    @property
    def now(self) -> datetime: ...
    @property
    def issuers(self) -> IssuerStore: ...
    @property
    def offers(self) -> OfferStore: ...
    @property
    def access(self) -> TokenStore: ...
    @property
    def once(self) -> OnceStore: ...
    @property
    def transactions(self) -> TransactionStore: ...
    @property
    def notifications(self) -> NotificationStore: ...
    @property
    def certificates(self) -> CertificateStore: ...
    @property
    def status(self) -> StatusStore: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def tenants(self) -> TenantStore: ...
    @property
    def credentials(self) -> CredentialStore: ...
    def acting_for(self, call: Call) -> AbstractContextManager[None]: ...
    def emit(self, *events: object) -> None: ...
    def audit(self, action: str, target: str, **detail: str | int | bool) -> None: ...
    def answer(self, value: V) -> V: ...


class Oid4vciStore(Protocol):
    """Where units of work come from."""

    def begin(self, call: Call) -> AbstractAsyncContextManager[Oid4vciWork]: ...
    def read(self, call: Call | None = None) -> AbstractAsyncContextManager[Oid4vciWork]: ...
    def begin_system(self, name: str, tenant: str = "default") -> AbstractAsyncContextManager[Oid4vciWork]: ...


# ---- what wallets send


@dataclass(frozen=True, slots=True)
class DpopProof:
    """A checked DPoP proof (RFC 9449), not yet counted as used."""

    thumbprint: str
    jti: bytes
    """Hash of key and jti."""
    until: datetime
    """Until when a repeat would still pass the other checks."""

    @property
    def once(self) -> OnceClaim:
        """What makes it good for one use."""
        return OnceClaim("dpop", self.jti, self.until)


@dataclass(frozen=True, slots=True)
class ProofExpectation:
    """What a proof must say."""

    audience: str
    """The credential issuer identifier."""
    client_id: str | None
    """Must be ``iss`` if the proof has one; None (anonymous): it must have none."""
    now: datetime
    attestation_keys: tuple[Json, ...] = ()
    attestation_anchors: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Proven:
    """What the proofs of a request prove."""

    keys: tuple[HolderKey, ...]
    """One per credential, all different."""
    nonces: tuple[str, ...]
    """Every nonce that the proofs carry."""


class ProofChecker(Protocol):
    """Checks the proofs of a credential request."""

    def check(self, proofs: object, configuration: Configuration, expected: ProofExpectation, most: int) -> Proven:
        """What they prove. ProtocolError invalid_proof, or invalid_credential_request for a wrong shape."""
        ...


class Nonces(Protocol):
    """Makes nonces that need no row until they are used."""

    def fresh(self, now: datetime) -> str:
        """A new, unpredictable nonce."""
        ...

    def expiry(self, nonce: str, now: datetime) -> datetime | None:
        """Until when a nonce of ours is good; None if it is not ours or expired."""
        ...


class ForeignTokens(Protocol):
    """Checks access tokens of external authorization servers."""

    async def check(self, token: str, issuer: Issuer, identifier: str, now: datetime) -> Access | None:
        """What the token allows; None if no server of the issuer made it. TokenRefused if it is bad."""
        ...


class ResponseEncryption(Protocol):
    """How one response is to be encrypted; its parameters are checked."""

    def encrypt(self, body: Json) -> str:
        """The compact JWE of a response."""
        ...


class MessageEncryption(Protocol):
    """JWE in both directions."""

    @property
    def public(self) -> Sequence[Json]:
        """Public JWKs that requests are encrypted to."""
        ...

    def decrypt(self, text: str) -> dict[str, Any]:
        """The request object of a compact JWE. ProtocolError invalid_encryption_parameters if it is none for us."""
        ...

    def response(self, parameters: object) -> ResponseEncryption:
        """Reads ``credential_response_encryption``. ProtocolError invalid_encryption_parameters if it is no good."""
        ...


class DpopChecker(Protocol):
    """Checks DPoP proofs (RFC 9449), but for single use."""

    def __call__(
        self, headers: Sequence[str], method: str, url: str, now: datetime, token: str | None
    ) -> DpopProof | None:
        """The proof of the DPoP headers, None without. ProtocolError invalid_dpop_proof if it is not for this."""
        ...


@dataclass(frozen=True, slots=True)
class AttestedWallet:
    """A wallet whose provider vouches for it, not yet counted as used."""

    client_id: str
    once: OnceClaim
    """What makes its proof of possession good for one use."""


class WalletChecker(Protocol):
    """Checks wallet attestations (OAuth attestation-based client authentication), but for single use."""

    def __call__(
        self,
        attestations: Sequence[str],
        proofs: Sequence[str],
        settings: WalletAttestation,
        audience: str,
        now: datetime,
    ) -> AttestedWallet | None:
        """The wallet of the headers, None without. ProtocolError invalid_client_attestation if they do not hold."""
        ...


class JwtWriter(Protocol):
    """Writes a JWT up to its signature."""

    def __call__(self, typ: str, issuer: IssuerKey, payload: Json) -> Unsigned: ...


# ---- making credentials


@dataclass(frozen=True, slots=True)
class ClaimsRequest:
    """What a data provider is asked."""

    tenant: str
    issuer: str
    dataset: str
    configuration_id: str
    subject: str | None
    claims: tuple[tuple[str | int | None, ...], ...]
    """Paths of the claims the dataset describes; empty: all."""
    settings: Json
    remaining: float
    """Seconds the provider may take."""
    pushed: Json | None = None
    """Claims pushed with the offer."""


class ClaimsProvider(Protocol):
    """A source of claims (issuer mode)."""

    async def problems(self, settings: Json) -> list[str]:
        """What is wrong with the settings of a dataset; empty if nothing is."""
        ...

    async def fetch(self, request: ClaimsRequest) -> Json | None:
        """The claims; None if the source knows nothing of the subject. Unavailable if it cannot be asked now."""
        ...


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """What an issuing plugin is asked (proxy mode)."""

    tenant: str
    issuer: str
    configuration: Configuration
    subject: str | None
    keys: tuple[HolderKey, ...]
    settings: Json
    remaining: float


class ProxyIssuer(Protocol):
    """Gets finished credentials from another issuer, and lets none through that does not verify."""

    async def problems(self, settings: Json) -> list[str]:
        """What is wrong with the settings; empty if nothing is."""
        ...

    async def issue(self, request: ProxyRequest, now: datetime) -> list[str | Json]:
        """One verified credential per key. ProtocolError credential_request_denied if the issuer refuses."""
        ...


class SigningKeys(Protocol):
    """The keys of the schedule and the signer behind them."""

    async def active(
        self, tenant: str, key_issuer: str, algorithms: frozenset[KeyAlgorithm], now: datetime
    ) -> IssuerKey:
        """The key that signs now, with its certificates: the youngest that has some, else the youngest.

        FailedPrecondition (NO_ACTIVE_KEY) if none signs."""
        ...

    async def published(self, tenant: str, key_issuer: str, now: datetime) -> list[IssuerKey]:
        """Every key whose signatures may still be verified, for key sets."""
        ...

    async def sign(self, tenant: str, key: IssuerKey, messages: Sequence[bytes]) -> list[bytes]:
        """Raw signatures, in order; all or none."""
        ...

    def forget(self) -> None:
        """Reads keys and certificates anew."""
        ...


class CertificateWriter(Protocol):
    """Writes and reads X.509."""

    def request_body(self, key: IssuerKey, common_name: str, organization: str, country: str) -> bytes:
        """What the key signs to ask for a certificate."""
        ...

    def request_like(self, key: IssuerKey, predecessor: bytes) -> bytes:
        """What the key signs to ask for a certificate in the name of another one (DER)."""
        ...

    def signed(self, body: bytes, algorithm: KeyAlgorithm, signature: bytes) -> bytes:
        """The signed DER."""
        ...

    def read_chain(self, pem: str, now: datetime) -> tuple[list[bytes], str, datetime]:
        """DER leaf first and without the root, thumbprint of the leaf's key, first expiry. InvalidArgument if it is
        no good."""
        ...

    def thumbprint(self, key: IssuerKey) -> str:
        """RFC 7638 thumbprint of a key."""
        ...


class CertificateAuthority(Protocol):
    """Certifies keys without anybody's doing; for development."""

    def certify(self, key: IssuerKey, predecessor: bytes) -> tuple[list[bytes], datetime]:
        """The chain (DER, leaf first) in the name of ``predecessor``, and when it expires."""
        ...


class Verifier(Protocol):
    """Checks a finished credential with code that did not write it."""

    def check(
        self, credential: str | Json, options: FormatOptions, key: IssuerKey, holder: HolderKey | None, now: datetime
    ) -> None:
        """Raises Internal (SIGNATURE_FAULTY) if anything is amiss; then nothing leaves."""
        ...


class Content(Protocol):
    """Turns claims into the content of a credential, by template and schema."""

    def render(self, dataset: Dataset, claims: Json) -> dict[str, Any]:
        """The content. InvalidArgument (TEMPLATE_INVALID, CLAIMS_INVALID) or ResourceExhausted (TEMPLATE_BUDGET)."""
        ...

    def problems(self, dataset: Dataset) -> list[str]:
        """What is wrong with a dataset's template and schema."""
        ...


@dataclass(frozen=True, slots=True)
class Issued:
    """What a credential request ends in."""

    credentials: tuple[str | Json, ...] = ()
    notification_id: str | None = None
    transaction_id: str | None = None
    interval: int = 0
    detail: Mapping[str, str] = field(default_factory=dict[str, str])
