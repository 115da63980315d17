"""Compact JWS up to the signature, as every JWT that certify writes has it."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sealwright_common.domain.errors import FailedPrecondition, Reason

from sealwright_certify.ports import SigningKey

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def b64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515)."""
    return _b64url(data).decode()


def _b64url(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=")


def numeric(time: datetime) -> int:
    """NumericDate (RFC 7519) in whole seconds."""
    return int(time.timestamp())


@lru_cache(maxsize=256)
def rfc3339(time: datetime) -> str:
    """UTC with Z and whole seconds. Kept, as what is issued together has the same times."""
    return f"{time.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def signing_input(key: SigningKey, header: Mapping[str, str], payload: Mapping[str, Any]) -> bytes:
    """Header and payload in base64url; ``alg`` and ``kid`` come from the key. FailedPrecondition if it is no JSON."""
    try:
        second = orjson.dumps(payload)
    except TypeError as error:
        raise FailedPrecondition(
            Reason.CLAIMS_INVALID, "the claims hold a number beyond 64 bits or are nested too deep"
        ) from error
    return b"%b.%b" % (_first_part(key.algorithm.value, key.method, tuple(header.items())), _b64url(second))


@lru_cache(maxsize=256)
def _first_part(algorithm: str, kid: str, rest: tuple[tuple[str, str], ...]) -> bytes:
    """The header in base64url. Kept, as all that one key signs in one format has the same."""
    return _b64url(orjson.dumps({"alg": algorithm, "kid": kid, **dict(rest)}))
