"""Who calls: the URI name in the peer's certificate, and nothing else.

gRPC's ``peer_identities()`` mixes DNS, e-mail, URI and IP names without their types, so that an e-mail name may pass
for a URI. Only the typed ``peer_uri`` property is read, and the certificate has to agree; exactly one URI name is
accepted; the common name is never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509

from sealwright_common.domain.errors import Reason, Unauthenticated
from sealwright_common.runtime.grpc.policy import ROLES

TRUST_DOMAIN = "spiffe://sealwright/"
_IDENTITY = re.compile(
    r"spiffe://sealwright/([a-z]+)(?:/([A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?))?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated caller."""

    uri: str
    """``spiffe://sealwright/<role>`` or ``spiffe://sealwright/<role>/<name>``."""
    roles: frozenset[str]
    """The roles it carries."""


LOCAL = Identity(uri="spiffe://sealwright/operator/local", roles=ROLES)
"""Whoever calls a plaintext loopback listener."""


def uri_for(role: str, name: str | None = None) -> str:
    """The identity URI of a role, checked. Raises ValueError."""
    uri = f"{TRUST_DOMAIN}{role}" + (f"/{name}" if name else "")
    if role not in ROLES or _IDENTITY.fullmatch(uri) is None:
        raise ValueError(f"{uri!r} is no identity; roles are {sorted(ROLES)}")
    return uri


def authenticate(auth_context: Mapping[str, Iterable[bytes]]) -> Identity:
    """The identity in a TLS connection's typed properties. Raises Unauthenticated unless there is exactly one."""
    uris = tuple(auth_context.get("peer_uri") or ())
    certificates = tuple(auth_context.get("x509_pem_cert") or ())
    if len(uris) != 1 or len(certificates) != 1:
        raise Unauthenticated(
            Reason.CALLER_UNKNOWN,
            f"the client certificate has {len(uris)} URI names; it needs exactly one, spiffe://sealwright/<role>",
        )
    return _identity(uris[0], certificates[0])


@lru_cache(maxsize=1024)
def _identity(uri: bytes, certificate: bytes) -> Identity:
    match = _IDENTITY.fullmatch(uri.decode("ascii", "replace"))
    # gRPC hands the name over as a C string: what follows a NUL is lost, so the certificate itself has to agree.
    if match is None or match[1] not in ROLES or _uri_names(certificate) != [match[0]]:
        raise Unauthenticated(
            Reason.CALLER_UNKNOWN,
            "the client certificate's URI name is no Sealwright identity; it must be spiffe://sealwright/<role>[/<name>]",
        )
    return Identity(uri=match[0], roles=frozenset({match[1]}))


def _uri_names(certificate: bytes) -> list[str]:
    """All URI names of a PEM certificate, parsed by us; none if it cannot be parsed."""
    try:
        extension = x509.load_pem_x509_certificate(certificate).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return []
    return extension.value.get_values_for_type(x509.UniformResourceIdentifier)
