"""JWE in both directions (OpenID4VCI 1.0 section 10): requests to us, responses to the wallet's key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from sealwright_common.verify.jws import strict_object
from sealwright_common.verify.keys import from_jwk, unb64url
from sealwright_common.verify.outcome import NotVerified

from sealwright_certify.usecases.oid4vci.errors import ProtocolError, invalid_credential_request
from sealwright_certify.usecases.oid4vci.metadata import JWE_ALGORITHMS, JWE_ENCRYPTIONS

_REGISTRY = jwe.JWERegistry(algorithms=[*JWE_ALGORITHMS, *JWE_ENCRYPTIONS, "DEF"])
_MAX_TEXT = 1_048_576


def _wrong(description: str) -> ProtocolError:
    return ProtocolError("invalid_encryption_parameters", description)


@dataclass(frozen=True, slots=True)
class ResponseKey:
    """How a response is to be encrypted, checked."""

    algorithm: str
    encryption: str
    jwk: Mapping[str, Any]
    compress: bool

    def encrypt(self, body: Mapping[str, Any]) -> str:
        """The compact JWE of a response body; the wallet's ``kid`` is echoed."""
        header = {"alg": self.algorithm, "enc": self.encryption}
        if "kid" in self.jwk:
            header["kid"] = self.jwk["kid"]
        if self.compress:
            header["zip"] = "DEF"
        plain = json.dumps(body, separators=(",", ":")).encode()
        key = (ECKey if self.jwk["kty"] == "EC" else RSAKey).import_key(cast(Any, dict(self.jwk)))
        return jwe.encrypt_compact(header, plain, key, registry=_REGISTRY)


def response_key(parameters: object) -> ResponseKey:
    """Reads ``credential_response_encryption``; ProtocolError invalid_encryption_parameters if it is no good."""
    if not isinstance(parameters, Mapping):
        raise _wrong("credential_response_encryption must be an object with jwk and enc")
    members = cast(Mapping[str, Any], parameters)
    jwk, encryption, compression = members.get("jwk"), members.get("enc"), members.get("zip")
    if encryption not in JWE_ENCRYPTIONS:
        raise _wrong(f"enc must be one of {', '.join(JWE_ENCRYPTIONS)}")
    if compression not in (None, "DEF"):
        raise _wrong("zip must be DEF or absent")
    if not isinstance(jwk, Mapping):
        raise _wrong("jwk is missing")
    public = cast(Mapping[str, Any], jwk)
    algorithm = public.get("alg")
    if algorithm not in JWE_ALGORITHMS or public.get("use", "enc") != "enc":
        raise _wrong(f"jwk must carry alg ({', '.join(JWE_ALGORITHMS)}) and be for encryption")
    if (algorithm == "ECDH-ES") != (public.get("kty") == "EC"):
        raise _wrong("alg does not fit the key")
    try:
        from_jwk({name: value for name, value in public.items() if name != "alg"})
    except NotVerified as error:
        raise _wrong(error.message) from error
    return ResponseKey(cast(str, algorithm), cast(str, encryption), public, compression == "DEF")


class JweMessages:
    """Decrypts requests with the keys the metadata shows, and encrypts responses to the wallet's key."""

    def __init__(self, private_jwks: Sequence[Mapping[str, Any]]) -> None:
        self._keys = {str(jwk["kid"]): ECKey.import_key(cast(Any, dict(jwk))) for jwk in private_jwks}
        self.public: list[dict[str, Any]] = [
            {**key.as_dict(private=False), "kid": kid, "use": "enc", "alg": "ECDH-ES"}
            for kid, key in self._keys.items()
        ]
        """Public JWKs for the metadata."""

    def response(self, parameters: object) -> ResponseKey:
        """Reads the encryption parameters of a request."""
        return response_key(parameters)

    def decrypt(self, text: str) -> dict[str, Any]:
        """The request object in a compact JWE. ProtocolError if it is none for us."""
        if len(text) > _MAX_TEXT:
            raise invalid_credential_request("the request is too large")
        try:
            header = strict_object(unb64url(text.partition(".")[0]))
            key = self._keys.get(str(header.get("kid")))
            if key is None or header.get("alg") != "ECDH-ES" or header.get("enc") not in JWE_ENCRYPTIONS:
                raise _wrong("expected a JWE for a key of credential_request_encryption, with its alg and kid")
            plain = jwe.decrypt_compact(text, key, registry=_REGISTRY).plaintext
            return strict_object(plain or b"")
        except (JoseError, NotVerified, ValueError, KeyError, TypeError) as error:
            raise _wrong("the request cannot be decrypted") from error


def new_request_key(kid: str) -> dict[str, Any]:
    """A fresh private JWK for requests (P-256)."""
    return {**ECKey.generate_key("P-256").as_dict(private=True), "kid": kid}
