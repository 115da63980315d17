"""VC Data Model 1.1 as JWT (``jwt_vc_json``) and VC 2.0 in JOSE (``vc+jwt``): verification."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sealwright_common.verify.jws import moment, parse, within
from sealwright_common.verify.keys import from_did, from_jwk
from sealwright_common.verify.outcome import NotVerified, StatusEntry, Verified
from sealwright_common.verify.sd_jwt import token_status
from sealwright_common.verify.trust import Trust


def verify_jwt_vc(text: str, trust: Trust, now: datetime) -> Verified:
    """Checks a VC as JWT: signature, type, the registered claims against their twins inside, validity."""
    jws = parse(text, "JWT", "jwt", "vc+jwt", "vc+ld+jwt")
    claims = jws.claims
    credential = claims.get("vc", claims) if jws.header["typ"] in ("JWT", "jwt") else claims
    if not isinstance(credential, Mapping):
        raise NotVerified("malformed", "vc must be an object")
    members = cast(Mapping[str, Any], credential)
    issuer = identifier(members.get("issuer")) or cast(str, claims.get("iss", ""))
    if not issuer or claims.get("iss", issuer) != issuer:
        raise NotVerified("issuer", "iss and the credential's issuer differ")
    key = trust.signer_key(jws.chain, now, jws.header.get("kid"), issuer)
    jws.verify(key)
    subject = subject_of(members)
    if "sub" in claims and subject is not None and claims["sub"] != subject:
        raise NotVerified("malformed", "sub and the credential's subject differ")
    start = moment(claims, "nbf") or instant(members, "validFrom") or instant(members, "issuanceDate")
    end = moment(claims, "exp") or instant(members, "validUntil") or instant(members, "expirationDate")
    within(now, start, end, trust.skew)
    return Verified(
        format="jwt_vc_json",
        issuer=issuer,
        types=credential_types(members),
        claims=cast(Mapping[str, Any], members.get("credentialSubject") or {}),
        algorithm=key.algorithm,
        key_id=jws.header.get("kid") or key.thumbprint,
        holder=bound_key(claims, subject),
        subject=claims.get("sub", subject),
        valid_from=start,
        valid_until=end,
        status=(*bitstring_status(members), *token_status(claims)),
        chain=jws.chain,
    )


def bound_key(claims: Mapping[str, Any], subject: str | None) -> Mapping[str, str] | None:
    """The holder's key: ``cnf.jwk`` if there, else the key of a self-describing subject DID, else None."""
    confirmation = claims.get("cnf")
    if isinstance(confirmation, Mapping) and "jwk" in confirmation:
        return from_jwk(cast(Mapping[str, Any], confirmation)["jwk"]).jwk
    if subject and subject.startswith(("did:key:", "did:jwk:")):
        return from_did(subject).jwk
    return None


def identifier(value: object) -> str | None:
    """The id of a value that is either an id or an object with one."""
    if isinstance(value, Mapping):
        value = cast(Mapping[str, Any], value).get("id")
    return value if isinstance(value, str) else None


def subject_of(credential: Mapping[str, Any]) -> str | None:
    """``credentialSubject.id`` of a credential with one subject."""
    return identifier(credential.get("credentialSubject"))


def credential_types(credential: Mapping[str, Any]) -> tuple[str, ...]:
    """The types; NotVerified unless VerifiableCredential is among them."""
    types: object = credential.get("type")
    names = [types] if isinstance(types, str) else cast(list[object], types) if isinstance(types, list) else []
    if "VerifiableCredential" not in names or not all(isinstance(name, str) for name in names):
        raise NotVerified("type", "expected the type VerifiableCredential")
    return tuple(cast(list[str], names))


def instant(credential: Mapping[str, Any], name: str) -> datetime | None:
    """The time of an XML Schema dateTimeStamp member, None if absent."""
    value = credential.get(name)
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise NotVerified("malformed", f"{name} must be a date and time") from error
    if time.tzinfo is None:
        raise NotVerified("malformed", f"{name} must name its time zone")
    return time


def bitstring_status(credential: Mapping[str, Any]) -> tuple[StatusEntry, ...]:
    """The entries of ``credentialStatus`` that this project understands."""
    entries: object = credential.get("credentialStatus", [])
    found: list[StatusEntry] = []
    for entry in cast(list[Any], entries if isinstance(entries, list) else [entries]):
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind not in ("BitstringStatusListEntry", "StatusList2021Entry"):
            continue
        try:
            found.append(
                StatusEntry(kind, entry["statusListCredential"], int(entry["statusListIndex"]), entry["statusPurpose"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NotVerified("status", "a status entry lacks list, index or purpose") from error
    return tuple(found)
