"""Token Status Lists (draft-ietf-oauth-status-list): packing, and the list token as JWT and CWT up to its signature."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import cbor2
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.verify.keys import COSE_ALGORITHMS

from sealwright_certify.adapters.formats.jose import b64url, seconds, signing_input, with_signature


def pack(entries: Iterable[tuple[int, int]], size: int, bits: int) -> bytes:
    """A list of ``size`` entries of ``bits`` (1, 2, 4, 8), zero but for ``entries``; least significant bit first."""
    packed = bytearray((size * bits + 7) // 8)
    per_byte = 8 // bits
    for index, status in entries:
        if not 0 <= index < size or not 0 <= status < 1 << bits:
            raise ValueError("index or status outside the list")
        packed[index // per_byte] |= status << (index % per_byte * bits)
    return bytes(packed)


@dataclass(frozen=True, slots=True)
class ListToken:
    """What a status list token says."""

    uri: str
    packed: bytes
    bits: int
    issued: datetime
    expires: datetime
    ttl: int
    """Seconds for which a copy may be used."""


def prepare_jwt(token: ListToken, issuer: IssuerKey) -> tuple[bytes, Callable[[bytes], str]]:
    """Message and assembly of the ``statuslist+jwt`` form."""
    payload = {
        "sub": token.uri,
        "iat": seconds(token.issued),
        "exp": seconds(token.expires),
        "ttl": token.ttl,
        "status_list": {"bits": token.bits, "lst": b64url(zlib.compress(token.packed, 9))},
    }
    message = signing_input("statuslist+jwt", issuer, payload)
    return message, lambda signature: with_signature(message, signature)


def prepare_cwt(token: ListToken, issuer: IssuerKey) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Message and assembly of the ``application/statuslist+cwt`` form."""
    header = {1: COSE_ALGORITHMS[issuer.algorithm.value], 4: issuer.method.encode(), 16: "application/statuslist+cwt"}
    protected = cbor2.dumps(header)
    claims = {
        2: token.uri,
        4: seconds(token.expires),
        6: seconds(token.issued),
        65533: {"bits": token.bits, "lst": zlib.compress(token.packed, 9)},
        65534: token.ttl,
    }
    payload = cbor2.dumps(claims)
    unprotected = {33: issuer.chain[0] if len(issuer.chain) == 1 else list(issuer.chain)} if issuer.chain else {}

    def assemble(signature: bytes) -> bytes:
        return cbor2.dumps(cbor2.CBORTag(18, [protected, unprotected, payload, signature]))

    return cbor2.dumps(["Signature1", protected, b"", payload]), assemble
