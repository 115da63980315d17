"""VC data model 1.1 as JWT (``jwt_vc_json``): registered claims and their twins inside ``vc`` agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.formats import (
    Content,
    FormatOptions,
    HolderKey,
    IssuerKey,
    StatusReference,
    Unsigned,
    VcOptions,
)

from sealwright_certify.adapters.formats.jose import rfc3339, seconds, signing_input, with_signature, wrong_claims

_V1 = "https://www.w3.org/2018/credentials/v1"


class JwtVcMaker:
    """Writes VC 1.1 JWTs."""

    format = CredentialFormat.JWT_VC_JSON

    def prepare(
        self,
        content: Content,
        options: FormatOptions,
        issuer: IssuerKey,
        holder: HolderKey | None,
        status: tuple[StatusReference, ...],
    ) -> Unsigned:
        """The JWT; the subject's id is the holder's DID and never comes from the data."""
        assert isinstance(options, VcOptions)
        subject = subject_id(content, holder)
        credential: dict[str, Any] = {
            "@context": [_V1, *options.contexts],
            "id": content.credential_id,
            "type": ["VerifiableCredential", *options.types],
            "issuer": issuer.issuer,
            "issuanceDate": rfc3339(content.valid_from),
            "credentialSubject": credential_subject(content, subject),
        }
        payload: dict[str, Any] = {
            "iss": issuer.issuer,
            "jti": content.credential_id,
            "nbf": seconds(content.valid_from),
            "iat": seconds(content.issued),
            "vc": credential,
        }
        if subject is not None:
            payload["sub"] = subject
        if holder is not None:
            payload["cnf"] = {"jwk": dict(holder.jwk)}
        if content.valid_until is not None:
            payload["exp"] = seconds(content.valid_until)
            credential["expirationDate"] = rfc3339(content.valid_until)
        if status:
            credential["credentialStatus"] = status_entries(status)
        message = signing_input("JWT", issuer, payload)
        return Unsigned(message, lambda signature: with_signature(message, signature))


def subject_id(content: Content, holder: HolderKey | None) -> str | None:
    """The subject's identifier: the given one, else the holder's DID, else none."""
    return content.subject or (holder.did if holder else None)


def credential_subject(content: Content, subject: str | None) -> dict[str, Any]:
    """``credentialSubject``; data that brings its own id, or a keyword of JSON-LD at any depth, is refused."""
    if "id" in content.claims:
        raise wrong_claims("claims.id", "no id in the data; certify sets it")
    if keyword := _keyword(content.claims):
        raise wrong_claims("claims", f"no member that begins with @ in the data, as {keyword[:40]} does")
    return {**({"id": subject} if subject else {}), **content.claims}


def _keyword(value: object) -> str | None:
    """A member name of the data that JSON-LD would take for one of its own."""
    if isinstance(value, Mapping):
        members = cast(Mapping[str, Any], value)
        own = next((name for name in members if name.startswith("@")), None)
        return own or next(filter(None, map(_keyword, members.values())), None)
    if isinstance(value, list):
        return next(filter(None, map(_keyword, cast(list[Any], value))), None)
    return None


def status_entries(status: tuple[StatusReference, ...]) -> dict[str, str] | list[dict[str, str]]:
    """``credentialStatus``: one object, or an array for several purposes."""
    entries = [
        {
            "id": f"{reference.uri}#{reference.index}",
            "type": reference.kind,
            "statusPurpose": reference.purpose,
            "statusListIndex": str(reference.index),
            "statusListCredential": reference.uri,
        }
        for reference in status
    ]
    return entries[0] if len(entries) == 1 else entries
