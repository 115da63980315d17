"""The outcome of a check: a verified credential with what it says, or the reason why it is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class NotVerified(Exception):
    """The thing is not what it claims to be.

    ``reason`` is one short word for programs: malformed, algorithm, key, signature, certificate, issuer, type, digest,
    not_yet_valid, expired, holder, status, context, proof.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """Where the status of a credential stands: entry ``index`` of the list at ``uri``."""

    kind: str
    """TokenStatusList, BitstringStatusListEntry or StatusList2021Entry."""
    uri: str
    index: int
    purpose: str = "revocation"


@dataclass(frozen=True, slots=True)
class Verified:
    """A credential whose signature, digests, validity and certificates were checked."""

    format: str
    """OpenID4VCI format identifier: dc+sd-jwt, mso_mdoc, ldp_vc or jwt_vc_json."""
    issuer: str
    """Who says so: URL, DID or, for mdoc, the subject of the signer's certificate."""
    types: tuple[str, ...]
    """vct, doctype or the credential types."""
    claims: Mapping[str, Any]
    """The claims with every given disclosure applied; for mdoc by namespace."""
    algorithm: str
    key_id: str
    """kid, verification method or thumbprint of the key that verified it."""
    holder: Mapping[str, str] | None = None
    """Public JWK that the credential is bound to; None if bound to none or by identifier only."""
    subject: str | None = None
    """Identifier of the subject (``sub``, ``credentialSubject.id``), if any."""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    status: tuple[StatusEntry, ...] = ()
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    """Certificates that came along, leaf first, DER."""
