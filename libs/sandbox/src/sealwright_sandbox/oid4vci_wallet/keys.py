"""The wallet's keys and what they sign: key proofs, DPoP proofs, presentations, key attestations."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sealwright_common.verify.keys import PublicKey, b64url, base58, from_material


class WalletKey:
    """A P-256 (ES256) or Ed25519 (EdDSA) key."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self._key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
        if algorithm == "EdDSA":
            self._key = ed25519.Ed25519PrivateKey.generate()
        else:
            self._key = ec.generate_private_key(ec.SECP384R1() if algorithm == "ES384" else ec.SECP256R1())
        self.public: PublicKey = from_material(self._key.public_key())
        self.algorithm = self.public.algorithm

    def sign(self, message: bytes) -> bytes:
        """A raw signature."""
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return self._key.sign(message)
        size, sha = (48, hashes.SHA384()) if self.algorithm == "ES384" else (32, hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(sha)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def jws(self, header: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
        """A compact JWS; the header's ``alg`` is this key's unless it names one."""
        parts = ({"alg": self.algorithm, **header}, payload)
        message = ".".join(b64url(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
        return f"{message}.{b64url(self.sign(message.encode()))}"

    def proof(self, audience: str, nonce: str | None, now: int, **changes: Any) -> str:
        """A jwt proof (OpenID4VCI F.1). ``changes``: ``header`` and ``claims`` to add; None as a value removes one."""
        header = {"typ": "openid4vci-proof+jwt", "jwk": self.public.jwk, **changes.get("header", {})}
        claims = {"aud": audience, "iat": now, "nonce": nonce, **changes.get("claims", {})}
        return self.jws(_present(header), _present(claims))

    def dpop(self, method: str, url: str, now: int, token: str | None = None, **changes: Any) -> str:
        """A DPoP proof (RFC 9449)."""
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": now, "jti": secrets.token_urlsafe(16)}
        if token is not None:
            claims["ath"] = b64url(hashlib.sha256(token.encode()).digest())
        header = {"typ": "dpop+jwt", "jwk": self.public.jwk, **changes.get("header", {})}
        return self.jws(_present(header), _present({**claims, **changes.get("claims", {})}))

    def presentation(
        self, domain: str, challenge: str, created: str, changes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """A di_vp proof (F.2): an empty presentation with a JCS proof, some of its members changed."""
        did = self.public.did_key
        suite, sha = ("eddsa-jcs-2022", "sha256") if self.algorithm == "EdDSA" else ("ecdsa-jcs-2019", "sha256")
        document: dict[str, Any] = {
            "@context": ["https://www.w3.org/ns/credentials/v2"],
            "type": ["VerifiablePresentation"],
            "holder": did,
        }
        proof: dict[str, Any] = {
            "type": "DataIntegrityProof",
            "cryptosuite": suite,
            "created": created,
            "verificationMethod": f"{did}#{self.public.multikey}",
            "proofPurpose": "authentication",
            "domain": domain,
            "challenge": challenge,
            **(changes or {}),
        }
        hashed = b"".join(hashlib.new(sha, rfc8785.dumps(part)).digest() for part in (proof, document))
        return {**document, "proof": {**proof, "proofValue": "z" + base58(self.sign(hashed))}}

    def attest_wallet(self, client_id: str, key: WalletKey, now: int, **changes: Any) -> str:
        """A wallet attestation for the installation that has ``key``, signed by this key as the wallet provider's."""
        header = {"typ": "oauth-client-attestation+jwt", "kid": self.public.thumbprint, **changes.get("header", {})}
        claims = {"sub": client_id, "iat": now, "exp": now + 300, "cnf": {"jwk": key.public.jwk}}
        return self.jws(_present(header), _present({**claims, **changes.get("claims", {})}))

    def attest_presence(self, audience: str, now: int, **changes: Any) -> str:
        """The proof of possession that goes with a wallet attestation for this key."""
        header = {"typ": "oauth-client-attestation-pop+jwt", **changes.get("header", {})}
        claims = {"aud": audience, "iat": now, "jti": secrets.token_urlsafe(16), **changes.get("claims", {})}
        return self.jws(_present(header), _present(claims))

    def attest(self, keys: Sequence[WalletKey], now: int, nonce: str | None = None, **changes: Any) -> str:
        """A key attestation (appendix D) for ``keys``, signed by this key as the wallet provider's."""
        header = {"typ": "key-attestation+jwt", "kid": self.public.thumbprint, **changes.get("header", {})}
        claims = {
            "iat": now,
            "exp": now + 300,
            "attested_keys": [key.public.jwk for key in keys],
            "key_storage": ["iso_18045_moderate"],
            "user_authentication": ["iso_18045_moderate"],
            "nonce": nonce,
            **changes.get("claims", {}),
        }
        return self.jws(_present(header), _present(claims))


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
