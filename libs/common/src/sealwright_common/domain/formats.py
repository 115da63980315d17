"""Credential formats: what a credential is made of, before any format has written it down.

The same :class:`Content` goes into any format; the options say how one format shows it. A maker turns both into an
:class:`Unsigned`: bytes for the signer and a function that puts the signature in its place. So the signer sees bytes
only, and a whole batch is one call to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.keys import KeyAlgorithm

ClaimPath = tuple[str | int | None, ...]
"""A claims path pointer (OpenID4VCI 1.0 appendix C): member names, array indices, None for every element."""

RESERVED_CLAIMS = frozenset(
    {"iss", "nbf", "exp", "iat", "cnf", "vct", "vct#integrity", "status", "_sd", "_sd_alg", "...", "jti", "sub"}
)
"""Top-level claims that certify sets itself; data never overrides them."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """The public side of the key that will sign, and the name the credential knows it by."""

    key_id: str
    """The signer's key id."""
    algorithm: KeyAlgorithm
    jwk: Mapping[str, str]
    issuer: str
    """Issuer identifier in the credential: a URL or a DID."""
    method: str
    """``kid`` or verification method, e.g. ``did:web:example.com#key-1``."""
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    """Certificates for this key as DER, leaf first, without the trust anchor; empty if it has none."""


@dataclass(frozen=True, slots=True)
class HolderKey:
    """The key a credential is bound to."""

    jwk: Mapping[str, str]
    did: str | None = None
    """The DID the holder proved, if it used one."""


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where the status of the credential will stand."""

    kind: str
    """TokenStatusList (SD-JWT VC, mdoc) or BitstringStatusListEntry or StatusList2021Entry."""
    uri: str
    index: int
    purpose: str = "revocation"


@dataclass(frozen=True, slots=True)
class SdJwtOptions:
    """SD-JWT VC: its type, which claims the holder may withhold, and decoys per object."""

    vct: str
    disclose: tuple[ClaimPath, ...] | None = None
    """Paths of the claims that become disclosures; None: every top-level claim."""
    decoys: int = 0
    """Decoy digests added to each object that hides something; at most 32."""


@dataclass(frozen=True, slots=True)
class MdocElement:
    """Where one claim goes in an mdoc, and as what CBOR type."""

    path: ClaimPath
    namespace: str
    identifier: str
    kind: str = "as_is"
    """as_is, full-date (tag 1004), tdate (tag 0) or bytes (from base64url)."""


@dataclass(frozen=True, slots=True)
class MdocOptions:
    """mdoc: document type and elements."""

    doctype: str
    elements: tuple[MdocElement, ...] = ()
    """Empty: every top-level claim under ``namespace``."""
    namespace: str = ""
    """Namespace of claims without an element entry; default: the doctype without its last part."""

    @property
    def default_namespace(self) -> str:
        """The namespace of claims when no element is named."""
        return self.namespace or self.doctype.rpartition(".")[0] or self.doctype


@dataclass(frozen=True, slots=True)
class VcOptions:
    """W3C VC, as Data Integrity or JWT: types, further contexts and the cryptosuite."""

    types: tuple[str, ...]
    """Types after VerifiableCredential."""
    contexts: tuple[str | Mapping[str, Any], ...] = ()
    """Contexts after the data model's own: bundled URLs or inline objects."""
    suite: str = "eddsa-rdfc-2022"
    """Cryptosuite of ldp_vc; not used by jwt_vc_json."""


FormatOptions = SdJwtOptions | MdocOptions | VcOptions
"""The options of any format."""


@dataclass(frozen=True, slots=True)
class Content:
    """What one credential says, in no format yet. Times are whole seconds UTC."""

    credential_id: str
    """A URI; unique."""
    claims: Mapping[str, Any]
    issued: datetime
    valid_from: datetime
    valid_until: datetime | None
    """None: does not expire; mdoc needs an end."""
    subject: str | None = None
    """Identifier of the subject; None: the holder's DID, if there is one."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A credential up to its signature."""

    message: bytes
    """What the signer signs, as a message (not a digest)."""
    assemble: Callable[[bytes], str | Mapping[str, Any]]
    """The finished credential from the raw signature (r || s for ECDSA): text, or a JSON object for ldp_vc."""


class CredentialMaker(Protocol):
    """Writes content in one format."""

    format: CredentialFormat

    def prepare(
        self,
        content: Content,
        options: FormatOptions,
        issuer: IssuerKey,
        holder: HolderKey | None,
        status: tuple[StatusReference, ...],
    ) -> Unsigned:
        """Everything but the signature; InvalidArgument (CLAIMS_INVALID) if the claims do not fit the format."""
        ...
