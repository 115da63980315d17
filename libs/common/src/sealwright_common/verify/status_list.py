"""Token Status Lists (draft-ietf-oauth-status-list): verification as JWT and CWT, and reading one entry."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import cbor2

from sealwright_common.verify.jws import moment, parse, within
from sealwright_common.verify.keys import COSE_ALGORITHMS, unb64url
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StatusList:
    """A verified list: ``bits`` per entry, entries packed from the least significant bit of each byte."""

    uri: str
    bits: int
    entries: bytes
    issued: datetime
    expires: datetime | None
    ttl: int | None
    """Seconds for which a copy may be used."""

    def status(self, index: int) -> int:
        """The status at ``index``: 0 valid, 1 invalid (revoked), 2 suspended; NotVerified past the end."""
        per_byte = 8 // self.bits
        if not 0 <= index < len(self.entries) * per_byte:
            raise NotVerified("status", "the index lies outside the status list")
        return self.entries[index // per_byte] >> (index % per_byte * self.bits) & ((1 << self.bits) - 1)


def verify_status_list(token: str | bytes, uri: str, trust: Trust, now: datetime) -> StatusList:
    """Checks a status list token (JWT as text, CWT as bytes) that was got from ``uri``."""
    claims = _jwt_claims(token, trust, now) if isinstance(token, str) else _cwt_claims(token, trust, now)
    if claims.get("sub") != uri:
        raise NotVerified("status", "the status list is another one than was asked for")
    issued, expires = moment(claims, "iat"), moment(claims, "exp")
    if issued is None:
        raise NotVerified("malformed", "a status list names when it was issued")
    within(now, issued, expires, trust.skew)
    body = claims.get("status_list")
    if not isinstance(body, Mapping):
        raise NotVerified("malformed", "status_list is missing")
    content = cast(Mapping[str, Any], body)
    lst = content.get("lst")
    ttl = claims.get("ttl")
    raw = lst if isinstance(lst, bytes) else unb64url(cast(str, lst)) if isinstance(lst, str) else b""
    return StatusList(
        uri, _bits(content.get("bits")), unpack(raw), issued, expires, ttl if isinstance(ttl, int) else None
    )


def unpack(compressed: bytes) -> bytes:
    """The list's bytes out of its ZLIB form, at most 16 MiB."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(compressed, _MAX_BYTES)
    except zlib.error as error:
        raise NotVerified("malformed", "lst is not ZLIB data") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise NotVerified("malformed", "lst is cut off or larger than 16 MiB")
    return raw


def _bits(value: object) -> int:
    if value not in (1, 2, 4, 8):
        raise NotVerified("malformed", "bits must be 1, 2, 4 or 8")
    return cast(int, value)


def _jwt_claims(token: str, trust: Trust, now: datetime) -> Mapping[str, Any]:
    jws = parse(token, "statuslist+jwt")
    claims = jws.claims
    jws.verify(trust.signer_key(jws.chain, now, jws.header.get("kid"), claims.get("iss")))
    return claims


def _cwt_claims(token: bytes, trust: Trust, now: datetime) -> Mapping[str, Any]:
    try:
        value = cbor2.loads(token)
        body: Any = value.value if isinstance(value, cbor2.CBORTag) and value.tag == 18 else value
        protected, unprotected, payload, signature = cast(list[Any], body)
        header, claims = cbor2.loads(protected), cbor2.loads(payload)
    except (cbor2.CBORDecodeError, TypeError, ValueError, EOFError) as error:
        raise NotVerified("malformed", "expected a CWT in a COSE_Sign1") from error
    if header.get(16) != "application/statuslist+cwt":
        raise NotVerified("type", "expected the type application/statuslist+cwt")
    chain = unprotected.get(33, header.get(33))
    certificates = (chain,) if isinstance(chain, bytes) else tuple(chain or ())
    kid = header.get(4, unprotected.get(4))
    named = kid.decode("utf-8", "replace") if isinstance(kid, bytes) else None
    key = trust.signer_key(certificates, now, named)
    if COSE_ALGORITHMS[key.algorithm] != header.get(1):
        raise NotVerified("algorithm", "the COSE algorithm does not belong to the key")
    key.verify(cbor2.dumps(["Signature1", protected, b"", payload]), signature)
    names = {2: "sub", 4: "exp", 6: "iat", 65533: "status_list", 65534: "ttl"}
    return {names[number]: _seconds(item) for number, item in claims.items() if number in names}


def _seconds(value: object) -> object:
    """CWT times may be plain numbers or decoded dates; the checks want numbers."""
    return value.astimezone(UTC).timestamp() if isinstance(value, datetime) else value
