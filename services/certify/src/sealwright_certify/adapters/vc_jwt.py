"""The two profiles of DCP 1.0: VC 1.1 as JWT with StatusList2021, VC 2.0 as JOSE with BitstringStatusList."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sealwright_common.domain.credentials import CredentialDefinition, CredentialFormat, StatusKind, StatusPlace
from sealwright_common.domain.errors import FieldProblem, Internal, InvalidArgument, Reason
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.jws import Jws
from sealwright_common.verify.jwt_vc import verify_jwt_vc
from sealwright_common.verify.keys import PublicKey
from sealwright_common.verify.outcome import NotVerified, Verified
from sealwright_common.verify.trust import Trust

from sealwright_certify.adapters.compact_jws import b64url, numeric, rfc3339, signing_input
from sealwright_certify.adapters.public_keys import verification_key
from sealwright_certify.ports import Draft, Signed, Unsigned

V1_CONTEXT = "https://www.w3.org/2018/credentials/v1"
V2_CONTEXT = "https://www.w3.org/ns/credentials/v2"
STATUS_LIST_2021_CONTEXT = "https://w3id.org/vc/status-list/2021/v1"

CONTENT_MEMBERS = frozenset({"credentialSubject", "name", "description", "evidence", "termsOfUse"})
"""Members that content may bring; all others are reserved and set here."""

_ENTRY_TYPES = {StatusKind.STATUS_LIST_2021: "StatusList2021Entry", StatusKind.BITSTRING: "BitstringStatusListEntry"}


class VcJwtWriter:
    """Writes credentials in the DCP profiles."""

    formats = frozenset({CredentialFormat.VC11_SL2021_JWT, CredentialFormat.VC20_BSSL_JWT})

    def problems(self, definition: CredentialDefinition) -> list[FieldProblem]:
        """These profiles have no options of their own."""
        return (
            [FieldProblem("format_options_json", f"no options for {definition.format}")]
            if definition.format_options
            else []
        )

    def prepare(self, draft: Draft) -> Unsigned:
        """The JWS up to its signature; InvalidArgument if the content holds a reserved member."""
        first = draft.definition.format is CredentialFormat.VC11_SL2021_JWT
        credential = _credential(draft, first)
        payload: dict[str, Any] = {
            "iss": draft.issuer.did,
            "sub": draft.holder_did,
            "jti": credential["id"],
            "iat": numeric(draft.valid_from),
        }
        if draft.valid_until is not None:
            payload["exp"] = numeric(draft.valid_until)
        if first:
            payload |= {"nbf": numeric(draft.valid_from), "vc": credential}
            header: dict[str, Any] = {"typ": "JWT"}
        else:
            payload |= credential
            header = {"typ": "vc+jwt", "cty": "vc"}
        return Unsigned(signing_input(draft.key, header, payload))

    def complete(self, unsigned: Unsigned, signature: bytes) -> str:
        """The compact JWS."""
        return f"{unsigned.signing_input.decode()}.{b64url(signature)}"

    def check(self, payload: str, draft: Draft) -> Sequence[Signed]:
        """Reads the JWS with the verifier's code and compares what it says with the draft."""
        signed: list[Signed] = []

        def put_off(jws: Jws, key: PublicKey) -> None:
            key.used_with(jws.algorithm)
            signed.append((draft.key.algorithm.value, draft.key.public_key, jws.message, jws.signature))

        trust = _trust(draft.key.method, draft.key.algorithm, draft.key.public_key)
        try:
            verified = verify_jwt_vc(payload, trust, draft.valid_from, put_off)
        except NotVerified as error:
            raise Internal(Reason.SIGNATURE_FAULTY, f"credential {draft.id} does not verify: {error.reason}") from error
        if wrong := _differences(verified, draft):
            raise Internal(
                Reason.SIGNATURE_FAULTY, f"credential {draft.id} is not what was asked for: {', '.join(wrong)}"
            )
        return signed


@lru_cache(maxsize=1024)
def _trust(method: str, algorithm: KeyAlgorithm, public_key: bytes) -> Trust:
    """Trust in one key alone, so that no other can have signed; with no forgiveness for clocks."""
    return Trust(keys={method: verification_key(algorithm, public_key)}, skew=0)


def _credential(draft: Draft, first: bool) -> dict[str, Any]:
    if not draft.content.keys() <= CONTENT_MEMBERS:
        raise InvalidArgument.of(
            f"template.{min(draft.content.keys() - CONTENT_MEMBERS)}",
            "content without members that certify sets",
            reason=Reason.TEMPLATE_INVALID,
        )
    subject = draft.content.get("credentialSubject")
    if not isinstance(subject, dict):
        raise InvalidArgument.of("template.credentialSubject", "an object", reason=Reason.TEMPLATE_INVALID)
    contexts = [V1_CONTEXT] if first else [V2_CONTEXT]
    if first and draft.status:
        contexts.append(STATUS_LIST_2021_CONTEXT)
    credential: dict[str, Any] = {
        "@context": [*contexts, *draft.definition.additional_contexts],
        "id": f"urn:uuid:{draft.id}",
        "type": ["VerifiableCredential", draft.definition.credential_type],
        "issuer": draft.issuer.did,
        "issuanceDate" if first else "validFrom": rfc3339(draft.valid_from),
    }
    if draft.valid_until is not None:
        credential["expirationDate" if first else "validUntil"] = rfc3339(draft.valid_until)
    # The subject is the holder that was verified, whatever the claims say.
    about: JsonObject = {"id": draft.holder_did, **subject}
    about["id"] = draft.holder_did
    credential["credentialSubject"] = about
    credential |= {name: value for name, value in draft.content.items() if name != "credentialSubject"}
    if draft.status:
        entries = [_entry(place) for place in draft.status]
        credential["credentialStatus"] = entries[0] if len(entries) == 1 else entries
    if draft.schema_uri is not None:
        credential["credentialSchema"] = {"id": draft.schema_uri, "type": "JsonSchema"}
    return credential


def _entry(place: StatusPlace) -> JsonObject:
    return {
        "id": f"{place.uri}#{place.index}",
        "type": _ENTRY_TYPES[place.kind],
        "statusPurpose": place.purpose.value,
        # A string, as both specifications have it.
        "statusListIndex": str(place.index),
        "statusListCredential": place.uri,
    }


def _differences(verified: Verified, draft: Draft) -> list[str]:
    subject = draft.content["credentialSubject"]
    assert isinstance(subject, dict)
    pairs: tuple[tuple[str, object, object], ...] = (
        ("claims", verified.claims, {**subject, "id": draft.holder_did}),
        ("issuer", verified.issuer, draft.issuer.did),
        ("key", verified.key_id, draft.key.method),
        (
            "status",
            [(entry.uri, entry.index, entry.purpose) for entry in verified.status],
            [(place.uri, place.index, place.purpose.value) for place in draft.status],
        ),
        ("subject", verified.subject, draft.holder_did),
        ("types", verified.types, ("VerifiableCredential", draft.definition.credential_type)),
        ("valid_from", verified.valid_from, draft.valid_from),
        ("valid_until", verified.valid_until, draft.valid_until),
    )
    return [name for name, found, wanted in pairs if found != wanted]
