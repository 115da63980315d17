"""Compact JWS (RFC 7515), read strictly: one way to write a thing, one algorithm per key, no surprises in headers."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import orjson

from sealwright_common.verify.keys import PublicKey, unb64url
from sealwright_common.verify.outcome import NotVerified

ALGORITHMS = frozenset({"ES256", "ES384", "ES512", "EdDSA", "Ed25519", "PS256", "RS256"})
"""The signature algorithms that are read at all; ``none`` and every MAC are not among them."""

MAX_BYTES = 1_048_576
"""Longest text that is parsed."""

_KEPT_BYTES = 2048
"""Longest header that is kept once it is read."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotVerified("malformed", "a JSON object names a member twice")
    return found


def _constant(name: str) -> Any:
    raise NotVerified("malformed", f"{name} is not JSON")


_STRICT = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_constant)


def strict_json(data: bytes | str) -> Any:
    """JSON, in UTF-8, without duplicate members, NaN or Infinity; everything else is NotVerified."""
    try:
        value = orjson.loads(data)
        if orjson.dumps(value) == (data.encode() if isinstance(data, str) else data):
            return value  # what is written in the shortest form names nothing twice
    except (ValueError, TypeError):
        pass  # no JSON, or too deep to be written: the strict decoder says what it is
    try:
        return _STRICT.decode(data if isinstance(data, str) else data.decode())
    except (ValueError, RecursionError) as error:
        raise NotVerified("malformed", "expected JSON") from error


def strict_object(data: bytes | str) -> dict[str, Any]:
    """A strict JSON object."""
    value = strict_json(data)
    if not isinstance(value, dict):
        raise NotVerified("malformed", "expected a JSON object")
    return cast(dict[str, Any], value)


class Jws(NamedTuple):
    """A parsed, not yet verified compact JWS."""

    header: Mapping[str, Any]
    payload: bytes
    signature: bytes
    message: bytes
    """The bytes that are signed: header and payload in base64url."""

    @property
    def algorithm(self) -> str:
        """The header's ``alg``."""
        return cast(str, self.header["alg"])

    @property
    def claims(self) -> dict[str, Any]:
        """The payload as a strict JSON object."""
        return strict_object(self.payload)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Certificates of ``x5c`` as DER (standard base64 in the header), leaf first; empty without."""
        try:
            return tuple(base64.b64decode(entry, validate=True) for entry in self.header.get("x5c", ()))
        except (TypeError, binascii.Error, ValueError) as error:
            raise NotVerified("certificate", "x5c holds an entry that is not base64 DER") from error

    def verify(self, key: PublicKey) -> None:
        """Raises NotVerified unless the header's algorithm is the key's own and the signature is good."""
        key.used_with(self.algorithm).verify(self.message, self.signature)


def parse(text: str, *types: str) -> Jws:
    """Reads a compact JWS whose ``typ`` is one of ``types`` (case as registered; any when none is given).

    Refused: unknown algorithms and ``none``, ``crit``, ``b64``, duplicate members, padded or odd base64, over 1 MiB.
    """
    if len(text) > MAX_BYTES or not text.isascii():
        raise NotVerified("malformed", "expected an ASCII JWS of at most 1 MiB")
    parts = text.split(".")
    if len(parts) != 3:
        raise NotVerified("malformed", "expected a compact JWS of three parts")
    header = _header(parts[0]) if len(parts[0]) <= _KEPT_BYTES else _read_header(parts[0])
    if header.get("alg") not in ALGORITHMS:
        raise NotVerified("algorithm", f"expected one of {', '.join(sorted(ALGORITHMS))}")
    if "crit" in header or "b64" in header:
        raise NotVerified("malformed", "no critical header extension is understood here")
    if types and header.get("typ") not in types:
        raise NotVerified("type", f"expected typ {' or '.join(types)}")
    return Jws(header, unb64url(parts[1]), unb64url(parts[2]), f"{parts[0]}.{parts[1]}".encode())


def _read_header(text: str) -> Mapping[str, Any]:
    return MappingProxyType(strict_object(unb64url(text)))


_header = lru_cache(maxsize=1024)(_read_header)
"""Kept, because what one key signs has the same header again and again."""


def moment(claims: Mapping[str, Any], name: str) -> datetime | None:
    """The time of a NumericDate claim, None if absent; NotVerified if it is no number or out of range."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotVerified("malformed", f"{name} must be a number of seconds")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise NotVerified("malformed", f"{name} is out of range") from error


def within(now: datetime, start: datetime | None, end: datetime | None, skew: int) -> None:
    """Raises unless start <= now < end, forgiving ``skew`` seconds."""
    if start is not None and (start - now).total_seconds() > skew:
        raise NotVerified("not_yet_valid", f"valid from {start.isoformat()}")
    if end is not None and (now - end).total_seconds() >= skew:
        raise NotVerified("expired", f"expired at {end.isoformat()}")
