"""Token Status Lists for certify's status pages, as JWT and as CWT, each checked before it is published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sealwright_common.domain.credentials import StatusKind
from sealwright_common.domain.errors import Internal, Reason
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.status_list import verify_status_list
from sealwright_common.verify.trust import Trust

from sealwright_certify.adapters.formats.status_list import ListToken, pack, prepare_cwt, prepare_jwt
from sealwright_certify.adapters.public_keys import verification_key
from sealwright_certify.ports import Unsigned
from sealwright_certify.usecases.status_lists import ListDraft

BITS = 2
"""Two bits an entry: 0 valid, 1 invalid, 2 suspended."""

_TTL = 60


@dataclass(frozen=True, slots=True)
class _Rest:
    assemble: Callable[[bytes], bytes]


class TokenStatusWriter:
    """Writes Token Status Lists as JWT."""

    kinds = frozenset({StatusKind.TOKEN})
    media_type = "application/statuslist+jwt"

    def prepare(self, draft: ListDraft) -> Unsigned:
        """The token up to its signature."""
        message, assemble = prepare_jwt(_token(draft), _issuer(draft))
        return Unsigned(message, _Rest(lambda signature: assemble(signature).encode()))

    def complete(self, unsigned: Unsigned, signature: bytes) -> bytes:
        """The finished token."""
        assert isinstance(unsigned.rest, _Rest)
        return unsigned.rest.assemble(signature)

    def check(self, payload: bytes, draft: ListDraft) -> None:
        """Verifies the token with the verifier's code and reads the set entries back."""
        _check(payload.decode(), draft)


class TokenStatusCwtWriter(TokenStatusWriter):
    """Writes Token Status Lists as CWT."""

    media_type = "application/statuslist+cwt"

    def prepare(self, draft: ListDraft) -> Unsigned:
        """The token up to its signature."""
        message, assemble = prepare_cwt(_token(draft), _issuer(draft))
        return Unsigned(message, _Rest(assemble))

    def check(self, payload: bytes, draft: ListDraft) -> None:
        """Verifies the token with the verifier's code and reads the set entries back."""
        _check(payload, draft)


def _token(draft: ListDraft) -> ListToken:
    packed = pack(draft.values.items(), draft.list.size, BITS)
    return ListToken(draft.list.uri, packed, BITS, draft.valid_from, draft.valid_until, _TTL)


def _issuer(draft: ListDraft) -> IssuerKey:
    key = draft.key
    public = verification_key(key.algorithm, key.public_key)
    return IssuerKey(key.key_id, key.algorithm, public.jwk, draft.issuer.did, key.method, draft.chain)


def _check(payload: str | bytes, draft: ListDraft) -> None:
    key = verification_key(draft.key.algorithm, draft.key.public_key)
    try:
        trust = Trust(keys={draft.key.method: key})
        read = verify_status_list(payload, draft.list.uri, trust, draft.valid_from)
        same = all(read.status(index) == value for index, value in draft.values.items())
    except NotVerified as error:
        raise Internal(Reason.SIGNATURE_FAULTY, f"status list {draft.list.id} does not verify") from error
    if not same or pack(draft.values.items(), draft.list.size, BITS) != read.entries:
        raise Internal(Reason.SIGNATURE_FAULTY, f"status list {draft.list.id} does not say what it should")
