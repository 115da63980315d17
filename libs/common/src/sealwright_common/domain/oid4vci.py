"""OpenID4VCI 1.0, the issuer's side as data: credential issuers, what they offer, and where the claims come from.

An issuer is one JSON document, validated wholly when it is stored. A *dataset* says where claims come from and what
they look like; its *configurations* show the same claims in one or more formats. So one document serves any number of
formats, and a tenant may have any number of issuers, told apart by the path of their identifier.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.formats import ClaimPath, FormatOptions

Json = Mapping[str, Any]


class ProofType(StrEnum):
    """Proof types of OpenID4VCI 1.0 appendix F."""

    JWT = "jwt"
    ATTESTATION = "attestation"
    DI_VP = "di_vp"


@dataclass(frozen=True, slots=True)
class AttestationLevels:
    """What a key attestation must vouch for; empty means any level."""

    key_storage: frozenset[str] = frozenset()
    user_authentication: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AcceptedProof:
    """A proof type a configuration accepts."""

    type: ProofType
    algorithms: tuple[str, ...]
    """Algorithms, or cryptosuites for di_vp."""
    attestation: AttestationLevels | None = None
    """Set when the proof must carry a key attestation of these levels."""


@dataclass(frozen=True, slots=True)
class ClaimDescription:
    """A claim as the metadata shows it."""

    path: ClaimPath
    mandatory: bool = False
    display: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """One credential configuration: a dataset in one format."""

    id: str
    dataset: str
    format: CredentialFormat
    options: FormatOptions
    scope: str | None
    proofs: tuple[AcceptedProof, ...]
    """Empty: the credential is bound to no key."""
    display: tuple[Json, ...] = ()
    status: bool = True
    """Whether each credential gets an entry in a status list."""
    key_issuer: str | None = None
    """The rotator's issuer whose keys sign this configuration; None: the document's."""

    def proof(self, kind: str) -> AcceptedProof | None:
        """The accepted proof of a type; None if the type is not accepted."""
        return next((proof for proof in self.proofs if proof.type.value == kind), None)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the claims of a dataset come from: a data provider (issuer mode) or a plugin that issues (proxy mode)."""

    type: str
    """pushed, postgresql, csv, http, plugin; or issuer-plugin for proxy mode."""
    settings: Json = field(default_factory=dict[str, Any])

    @property
    def proxied(self) -> bool:
        """Whether another issuer makes the credential."""
        return self.type == "issuer-plugin"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Claims, their source and how they become a credential's content."""

    id: str
    source: Source
    validity: timedelta
    claims: tuple[ClaimDescription, ...] = ()
    template: Any = None
    """JSON-e template over ``claims``; None: the claims as they are."""
    schema: Json | None = None
    """JSON Schema the content must fit."""
    approval: bool = False
    """Whether an operator approves each issuance; the wallet then gets it deferred."""


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """An external authorization server whose access tokens are accepted."""

    issuer: str
    jwks: Json | None = None
    """Its keys, if they are given with the document."""
    jwks_uri: str | None = None
    """Where its keys are served, else."""
    subject_claim: str = "sub"
    """The token's claim that names the subject to the data provider."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """What the issuer asks of encryption. Both directions are always offered."""

    request_required: bool = False
    response_required: bool = False


@dataclass(frozen=True, slots=True)
class WalletAttestation:
    """Whose attestations of wallets the token endpoint takes as client authentication."""

    required: bool
    """Whether no other wallet gets a token."""
    keys: tuple[Json, ...] = ()
    """Public JWKs of wallet providers."""
    anchors: tuple[bytes, ...] = ()
    """DER certificates of authorities whose wallet providers are believed."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A credential issuer."""

    tenant: str
    path: str
    """Path of the identifier without slashes at its ends; empty for the root."""
    key_issuer: str
    """Name of the rotator's issuer whose keys sign, unless a configuration names another."""
    datasets: Mapping[str, Dataset]
    configurations: Mapping[str, Configuration]
    display: tuple[Json, ...] = ()
    authorization_servers: tuple[AuthorizationServer, ...] = ()
    """Empty: this issuer's own token endpoint alone, for the pre-authorized code."""
    batch_size: int = 10
    token_lifetime: timedelta = timedelta(minutes=5)
    dpop_required: bool = False
    anonymous: bool = True
    """Whether the pre-authorized code may be redeemed without a client_id."""
    encryption: Encryption = Encryption()
    deferred_interval: timedelta = timedelta(seconds=5)
    attestation_keys: tuple[Json, ...] = ()
    """Public JWKs whose key attestations are believed."""
    attestation_anchors: tuple[bytes, ...] = ()
    """DER certificates of authorities whose attesters are believed."""
    wallet_attestation: WalletAttestation | None = None
    """None: wallets are not asked who made them."""
    version: int = 0

    def by_scope(self, scopes: frozenset[str]) -> list[Configuration]:
        """The configurations that any of the scopes names, in the document's order."""
        return [configuration for configuration in self.configurations.values() if configuration.scope in scopes]
