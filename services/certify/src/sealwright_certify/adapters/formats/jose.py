"""The JOSE part that several formats share: a compact JWS up to its signature."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sealwright_common.domain.errors import InvalidArgument, Reason
from sealwright_common.domain.formats import IssuerKey, Unsigned


def b64url(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def seconds(time: datetime) -> int:
    """NumericDate in whole seconds."""
    return int(time.timestamp())


def rfc3339(time: datetime) -> str:
    """UTC with Z and whole seconds, as credentials write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def wrong_claims(path: str, expected: str) -> InvalidArgument:
    """The refusal of claims that a format cannot carry."""
    return InvalidArgument.of(path, expected, reason=Reason.CLAIMS_INVALID)


def dump(value: object) -> bytes:
    """Compact JSON; InvalidArgument if the value is none."""
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, TypeError) as error:
        raise wrong_claims("claims", "JSON values nested at most 250 deep") from error


def signing_input(typ: str, issuer: IssuerKey, payload: Mapping[str, Any]) -> bytes:
    """Header and payload of a compact JWS: ``x5c`` when the key has certificates, and always ``kid``."""
    header: dict[str, Any] = {"alg": issuer.algorithm.value, "typ": typ, "kid": issuer.method}
    if issuer.chain:
        header["x5c"] = [base64.b64encode(certificate).decode() for certificate in issuer.chain]
    return f"{b64url(dump(header))}.{b64url(dump(payload))}".encode()


def with_signature(message: bytes, signature: bytes) -> str:
    """The compact JWS."""
    return f"{message.decode()}.{b64url(signature)}"


def write_jwt(typ: str, issuer: IssuerKey, payload: Mapping[str, Any]) -> Unsigned:
    """A JWT up to its signature."""
    message = signing_input(typ, issuer, payload)
    return Unsigned(message, lambda signature: with_signature(message, signature))
