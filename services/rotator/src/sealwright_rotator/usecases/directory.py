"""The directory: every public key a verifier or a wallet may need, future ones included, signed as a whole."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from sealwright_common.domain.call import Call
from sealwright_common.domain.issuers import IssuerKey
from sealwright_common.domain.keys import KeyAlgorithm, KeyState

from sealwright_rotator.ports import World
from sealwright_rotator.usecases.authority import seal
from sealwright_rotator.usecases.jwk import jwk, rsa_pss_spki

_SEALS_KEPT = 256
_AGE_EMPTY = timedelta(minutes=1)
_AGE_MOST = timedelta(hours=24)

TOKEN_TYPES = {
    KeyAlgorithm.VOPRF_P384: 0x0001,
    KeyAlgorithm.RSABSSA_DETERMINISTIC: 0x0002,
    KeyAlgorithm.VOPRF_RISTRETTO255: 0x0005,
}
"""Privacy Pass token types (RFC 9578 and the amortized draft)."""


class Format(StrEnum):
    """Which document."""

    PRIVATE_TOKEN = "PRIVATE_TOKEN"
    JWKS = "JWKS"

    @property
    def media_type(self) -> str:
        """Media type of the document."""
        if self is Format.JWKS:
            return "application/jwk-set+json"
        return "application/private-token-issuer-directory"


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory document."""

    etag: str
    media_type: str
    document: bytes
    jws: str
    """Detached JWS over the document; empty while no signing key is to be had."""
    max_age: timedelta
    """At most half of the shortest publish lead: a new key is in every copy long before it is used."""


class Directories:
    """Makes directories and remembers their signatures: a document is signed once, not once per reader."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._seals: OrderedDict[str, str] = OrderedDict()

    async def get(self, call: Call, form: Format, issuer_type: str) -> Directory:
        """The directory of one issuer, or for "" of all issuers of the tenant that fit the format."""
        blind = form is Format.PRIVATE_TOKEN
        async with self._world.store.read(call) as work:
            keys = await work.keys.listed(call.tenant, blind, issuer_type)
        body = token_directory(keys) if blind else key_set(keys)
        document = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        etag = urlsafe_b64encode(sha256(form.value.encode() + b"\0" + document).digest()).rstrip(b"=").decode()
        return Directory(etag, form.media_type, document, await self._seal(etag, document, form), _max_age(keys))

    async def _seal(self, etag: str, document: bytes, form: Format) -> str:
        if etag in self._seals:
            self._seals.move_to_end(etag)
            return self._seals[etag]
        signed = await seal(self._world, document, form.media_type)
        if signed is None:
            return ""
        self._seals[etag] = signed.detached
        if len(self._seals) > _SEALS_KEPT:
            self._seals.popitem(last=False)
        return signed.detached


def _max_age(keys: Sequence[IssuerKey]) -> timedelta:
    if not keys:
        return _AGE_EMPTY
    return min(_AGE_MOST, min(key.issuer.schedule.publish_lead for key in keys) / 2)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def token_directory(keys: Sequence[IssuerKey]) -> dict[str, object]:
    """The private token issuer directory (RFC 9578 section 4). Keys that redeem no more are left out.

    ``not-after``, ``issuer-type``, ``cohort``, ``slot`` and ``key-id`` are ours. Keys of algorithms without a token
    type stand in ``other-keys``, where readers of the RFC's format do not look.
    """
    standard: list[dict[str, object]] = []
    other: list[dict[str, object]] = []
    for key in keys:
        entry: dict[str, object] = {
            "token-key": _b64(_encoded(key)),
            "not-before": _seconds(key.window.start),
            "not-after": _seconds(key.window.end),
            "issuer-type": key.issuer.issuer_type,
            "cohort": key.cohort,
            "slot": key.slot,
            "key-id": str(key.key_id),
            "signs": key.state is not KeyState.VERIFY_ONLY,
        }
        token_type = TOKEN_TYPES.get(key.issuer.algorithm)
        if token_type is None:
            other.append(entry | {"algorithm": key.issuer.algorithm.value})
        else:
            standard.append(entry | {"token-type": token_type})
    return {"issuer-request-uri": "/v1/token-request", "token-keys": standard, "other-keys": other}


def _encoded(key: IssuerKey) -> bytes:
    """The public key as its protocol has it: for blind RSA an id-RSASSA-PSS SubjectPublicKeyInfo."""
    return rsa_pss_spki(key.public_key) if "RSABSSA" in key.issuer.algorithm.value else key.public_key


def key_set(keys: Sequence[IssuerKey]) -> dict[str, object]:
    """The JSON Web Key Set (RFC 7517). ``nbf``: from when it signs; ``signs_until``: to when; ``exp``: until when what
    it signed may be verified with it."""
    entries: list[dict[str, object]] = []
    for key in keys:
        until = key.verify_until or key.window.end + key.issuer.verify_for
        entries.append(
            jwk(key.issuer.algorithm, key.public_key)
            | {
                "kid": str(key.key_id),
                "alg": key.issuer.algorithm.value,
                "use": "sig",
                "nbf": _seconds(key.window.start),
                "exp": _seconds(until),
                "signs_until": _seconds(min(key.window.end, key.retired_at or key.window.end)),
                "issuer": key.issuer.issuer_type,
                "cohort": key.cohort,
                "slot": key.slot,
            }
        )
    return {"keys": entries}


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode()
