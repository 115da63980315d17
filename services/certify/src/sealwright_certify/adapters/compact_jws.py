"""Compact JWS up to the signature, as every JWT that certify writes has it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sealwright_common.domain.errors import FailedPrecondition, Reason

from sealwright_certify.ports import SigningKey


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def numeric(time: datetime) -> int:
    """NumericDate (RFC 7519) in whole seconds."""
    return int(time.timestamp())


def rfc3339(time: datetime) -> str:
    """UTC with Z and whole seconds."""
    return f"{time.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def signing_input(key: SigningKey, header: Mapping[str, Any], payload: Mapping[str, Any]) -> bytes:
    """Header and payload in base64url; ``alg`` and ``kid`` come from the key. FailedPrecondition if it is no JSON."""
    try:
        first = orjson.dumps({"alg": key.algorithm.value, "kid": key.method, **header})
        second = orjson.dumps(payload)
    except TypeError as error:
        raise FailedPrecondition(
            Reason.CLAIMS_INVALID, "the claims hold a number beyond 64 bits or are nested too deep"
        ) from error
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (first, second))
