"""What the holders of a server have: a key each, what was delivered to them, what they were offered."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sealwright_common.verify.keys import b64url, from_material

CONTEXT = "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"


@dataclass(frozen=True)
class Delivery:
    """One CredentialMessage that was stored."""

    message: dict[str, Any]
    token: dict[str, Any]
    """Claims of the issuer's token, verified."""
    time: float
    """When, on the monotonic clock."""

    @property
    def payloads(self) -> list[str]:
        """The credentials as they came."""
        return [entry["payload"] for entry in self.message.get("credentials", [])]


MOST = 1000
"""Most deliveries, offers and access tokens that a holder keeps; older ones make room."""


@dataclass
class Holder:
    """One holder: a DID, its key and what it has, in memory."""

    did: str
    base: str
    """URL of its Credential Service."""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)
    kid: str = field(default_factory=lambda: str(uuid4()))
    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    offers: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    access_tokens: dict[str, None] = field(default_factory=dict[str, None])
    """Tokens that let an issuer query presentations, oldest first."""

    @property
    def method(self) -> str:
        """Its verification method."""
        return f"{self.did}#{self.kid}"

    def receive(self, delivery: Delivery) -> None:
        """Keeps a delivery."""
        self.deliveries.append(delivery)
        del self.deliveries[:-MOST]

    def take_offer(self, offer: dict[str, Any]) -> None:
        """Keeps an offer."""
        self.offers.append(offer)
        del self.offers[:-MOST]

    def allow_queries(self) -> str:
        """A fresh access token for presentation queries."""
        token = str(uuid4())
        self.access_tokens[token] = None
        if len(self.access_tokens) > MOST:
            self.access_tokens.pop(next(iter(self.access_tokens)))
        return token

    def credentials(self) -> list[str]:
        """Every credential it has, in the order of arrival."""
        return [payload for delivery in self.deliveries for payload in delivery.payloads]

    def new_key(self) -> None:
        """A new key under the same DID."""
        self.key, self.kid = ec.generate_private_key(ec.SECP256R1()), str(uuid4())

    def document(self, *, hide_capability: bool = False) -> dict[str, Any]:
        """The DID document."""
        jwk = from_material(self.key.public_key()).jwk
        method = {"id": self.method, "type": "JsonWebKey2020", "controller": self.did, "publicKeyJwk": jwk}
        document: dict[str, Any] = {
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": self.did,
            "verificationMethod": [method],
            "authentication": [self.method],
            "assertionMethod": [self.method],
            "capabilityInvocation": [self.method],
            "service": [{"id": f"{self.did}#cs", "type": "CredentialService", "serviceEndpoint": self.base}],
        }
        if hide_capability:
            del document["capabilityInvocation"]
        return document

    def token(self, audience: str, **claims: Any) -> str:
        """A self-issued ID token; ``claims`` replace or add, None leaves out."""
        now = int(time.time())
        body = {"iss": self.did, "sub": self.did, "aud": audience, "jti": str(uuid4()), "iat": now, "exp": now + 300}
        return self.sign({name: value for name, value in {**body, **claims}.items() if value is not None})

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A compact ES256 JWS over ``claims``; ``header`` replaces or adds, None leaves out."""
        head = {"alg": "ES256", "typ": "JWT", "kid": self.method, **header}
        parts = ({name: value for name, value in head.items() if value is not None}, claims)
        message = ".".join(b64url(json.dumps(part).encode()) for part in parts)
        r, s = decode_dss_signature(self.key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{message}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def request(self, holder_pid: str, credentials: list[str], *, expanded: bool = False) -> dict[str, Any]:
        """A CredentialRequestMessage, compact or expanded as some holders send it."""
        ids = [{"id": id_} for id_ in credentials]
        if not expanded:
            message = {"@context": [CONTEXT], "type": "CredentialRequestMessage"}
            return {**message, "holderPid": holder_pid, "credentials": ids}
        space = "https://w3id.org/dspace-dcp/v1.0/"
        return {
            "@type": f"{space}CredentialRequestMessage",
            f"{space}credentials": [{"@type": "@json", "@value": ids}],
            f"{space}holderPid": {"@id": holder_pid},
        }

    def presentation(self, audience: str) -> str:
        """A VP over everything it has, as JWT."""
        now = int(time.time())
        presentation = {
            "@context": ["https://www.w3.org/2018/credentials/v1"],
            "type": ["VerifiablePresentation"],
            "verifiableCredential": self.credentials(),
        }
        claims = {"iss": self.did, "sub": self.did, "aud": audience, "jti": str(uuid4()), "iat": now, "exp": now + 300}
        return self.sign({**claims, "vp": presentation})
