"""Token Status Lists for certify's status pages: the ``statuslist+jwt`` form, checked before it is published."""

from __future__ import annotations

from sealwright_common.domain.credentials import StatusKind
from sealwright_common.domain.errors import Internal, Reason
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.status_list import verify_status_list
from sealwright_common.verify.trust import Trust

from sealwright_certify.adapters.formats.jose import b64url
from sealwright_certify.adapters.formats.status_list import ListToken, pack, prepare_jwt
from sealwright_certify.adapters.public_keys import verification_key
from sealwright_certify.ports import Unsigned
from sealwright_certify.usecases.status_lists import ListDraft

BITS = 2
"""Two bits an entry: 0 valid, 1 invalid, 2 suspended."""

_TTL = 60


class TokenStatusWriter:
    """Writes Token Status Lists."""

    kinds = frozenset({StatusKind.TOKEN})
    media_type = "application/statuslist+jwt"

    def prepare(self, draft: ListDraft) -> Unsigned:
        """The token up to its signature."""
        key = draft.key
        public = verification_key(key.algorithm, key.public_key)
        issuer = IssuerKey(key.key_id, key.algorithm, public.jwk, draft.issuer.did, key.method)
        packed = pack(draft.values.items(), draft.list.size, BITS)
        token = ListToken(draft.list.uri, packed, BITS, draft.valid_from, draft.valid_until, _TTL)
        return Unsigned(prepare_jwt(token, issuer)[0])

    def complete(self, unsigned: Unsigned, signature: bytes) -> str:
        """The compact JWS."""
        return f"{unsigned.signing_input.decode()}.{b64url(signature)}"

    def check(self, payload: str, draft: ListDraft) -> None:
        """Verifies the token with the verifier's code and reads the set entries back."""
        key = verification_key(draft.key.algorithm, draft.key.public_key)
        try:
            trust = Trust(keys={draft.key.method: key})
            read = verify_status_list(payload, draft.list.uri, trust, draft.valid_from)
            same = all(read.status(index) == value for index, value in draft.values.items())
        except NotVerified as error:
            raise Internal(Reason.SIGNATURE_FAULTY, f"status list {draft.list.id} does not verify") from error
        if not same or pack(draft.values.items(), draft.list.size, BITS) != read.entries:
            raise Internal(Reason.SIGNATURE_FAULTY, f"status list {draft.list.id} does not say what it should")
