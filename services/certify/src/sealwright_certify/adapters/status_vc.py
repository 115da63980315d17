"""Status list credentials: StatusList2021 in VC 1.1, BitstringStatusList in VC 2.0, both as JWT."""

from __future__ import annotations

from typing import Any

from sealwright_common.domain.credentials import StatusKind
from sealwright_common.domain.errors import Internal, Reason
from sealwright_common.domain.status_lists import decode_list, encoded_list, is_set
from sealwright_common.verify.jwt_vc import verify_jwt_vc
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

from sealwright_certify.adapters.compact_jws import b64url, numeric, rfc3339, signing_input
from sealwright_certify.adapters.public_keys import verification_key
from sealwright_certify.adapters.vc_jwt import STATUS_LIST_2021_CONTEXT, V1_CONTEXT, V2_CONTEXT
from sealwright_certify.ports import Unsigned
from sealwright_certify.usecases.status_lists import ListDraft


class StatusVcWriter:
    """Writes status lists as credentials."""

    kinds = frozenset({StatusKind.STATUS_LIST_2021, StatusKind.BITSTRING})
    media_type = "application/vc+jwt"

    def prepare(self, draft: ListDraft) -> Unsigned:
        """The JWS up to its signature."""
        first = draft.list.kind is StatusKind.STATUS_LIST_2021
        name = "StatusList2021" if first else "BitstringStatusList"
        credential: dict[str, Any] = {
            "@context": [V1_CONTEXT, STATUS_LIST_2021_CONTEXT] if first else [V2_CONTEXT],
            "id": draft.list.uri,
            "type": ["VerifiableCredential", f"{name}Credential"],
            "issuer": draft.issuer.did,
            "issuanceDate" if first else "validFrom": rfc3339(draft.valid_from),
            "expirationDate" if first else "validUntil": rfc3339(draft.valid_until),
            "credentialSubject": {
                "id": f"{draft.list.uri}#list",
                "type": name,
                "statusPurpose": draft.list.purpose.value,
                "encodedList": encoded_list(draft.list.size, draft.values, multibase=not first),
            },
        }
        payload: dict[str, Any] = {
            "iss": draft.issuer.did,
            "sub": f"{draft.list.uri}#list",
            "jti": draft.list.uri,
            "iat": numeric(draft.valid_from),
            "exp": numeric(draft.valid_until),
        }
        if first:
            payload |= {"nbf": numeric(draft.valid_from), "vc": credential}
            return Unsigned(signing_input(draft.key, {"typ": "JWT"}, payload))
        return Unsigned(signing_input(draft.key, {"typ": "vc+jwt", "cty": "vc"}, payload | credential))

    def complete(self, unsigned: Unsigned, signature: bytes) -> bytes:
        """The compact JWS."""
        return f"{unsigned.signing_input.decode()}.{b64url(signature)}".encode()

    def check(self, payload: bytes, draft: ListDraft) -> None:
        """Verifies the list with the verifier's code and reads the set entries back."""
        key = verification_key(draft.key.algorithm, draft.key.public_key)
        try:
            verified = verify_jwt_vc(payload.decode(), Trust(keys={draft.key.method: key}, skew=0), draft.valid_from)
            bits = decode_list(verified.claims["encodedList"])
        except (NotVerified, ValueError, KeyError) as error:
            raise Internal(Reason.SIGNATURE_FAULTY, f"status list {draft.list.id} does not verify") from error
        count = int.from_bytes(bits, "big").bit_count()
        if count != len(draft.values) or not all(is_set(bits, index) for index in draft.values):
            raise Internal(Reason.SIGNATURE_FAULTY, f"status list {draft.list.id} does not say what it should")
