"""VC Data Model 1.1 as JWT (``jwt_vc_json``) and VC 2.0 in JOSE (``vc+jwt``): verification."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, cast

from sealwright_common.verify.jws import Jws, moment, parse, within
from sealwright_common.verify.keys import PublicKey, from_did, from_jwk
from sealwright_common.verify.outcome import NotVerified, StatusEntry, Verified
from sealwright_common.verify.sd_jwt import token_status
from sealwright_common.verify.trust import Trust


def verify_jwt_vc(
    text: str, trust: Trust, now: datetime, verify: Callable[[Jws, PublicKey], None] = Jws.verify
) -> Verified:
    """Checks a VC as JWT: signature, type, the registered claims against their twins inside, validity.

    ``typ`` may be left out, as both specifications allow and some issuers do. Of a claim and its twin the narrower
    counts: no earlier than ``nbf`` and ``issuanceDate``, no later than ``exp`` and ``expirationDate``.

    ``verify`` is how the signature is verified; who has many may put it off there, and believes nothing before it was.
    """
    jws = parse(text)
    claims, members = _read(jws)
    issuer = _issuer(claims, members)
    key = trust.signer_key(jws.chain, now, jws.header.get("kid"), issuer)
    verify(jws, key)
    subject = subject_of(members)
    if "sub" in claims and subject is not None and claims["sub"] != subject:
        raise NotVerified("malformed", "sub and the credential's subject differ")
    starts = moment(claims, "nbf"), instant(members, "validFrom"), instant(members, "issuanceDate")
    ends = moment(claims, "exp"), instant(members, "validUntil"), instant(members, "expirationDate")
    start = max((time for time in starts if time is not None), default=None)
    end = min((time for time in ends if time is not None), default=None)
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


def issuer_of(text: str) -> str:
    """Who a VC as JWT says issued it, unverified: ``iss``, the credential's own member or both, which must agree."""
    return _issuer(*_read(parse(text)))


def _read(jws: Jws) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The claims, and among them the members of the credential."""
    if (kind := jws.header.get("typ", "JWT")) not in ("JWT", "jwt", "vc+jwt", "vc+ld+jwt"):
        raise NotVerified("type", "expected typ JWT or vc+jwt")
    claims = jws.claims
    credential = claims.get("vc", claims) if kind in ("JWT", "jwt") else claims
    if not isinstance(credential, Mapping):
        raise NotVerified("malformed", "vc must be an object")
    return claims, cast(Mapping[str, Any], credential)


def _issuer(claims: Mapping[str, Any], members: Mapping[str, Any]) -> str:
    issuer = identifier(members.get("issuer")) or claims.get("iss")
    if not isinstance(issuer, str) or not issuer or claims.get("iss", issuer) != issuer:
        raise NotVerified("issuer", "one issuer, the same in iss and in the credential")
    return issuer


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
    """The entries of ``credentialStatus``; NotVerified if one is of a kind that is not understood: it may say no."""
    entries: object = credential.get("credentialStatus", [])
    found: list[StatusEntry] = []
    for entry in cast(list[Any], entries if isinstance(entries, list) else [entries]):
        kind = entry.get("type") if isinstance(entry, dict) else None
        if kind not in ("BitstringStatusListEntry", "StatusList2021Entry"):
            raise NotVerified("status", "expected entries of a BitstringStatusList or a StatusList2021")
        try:
            found.append(
                StatusEntry(kind, entry["statusListCredential"], int(entry["statusListIndex"]), entry["statusPurpose"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NotVerified("status", "a status entry lacks list, index or purpose") from error
    return tuple(found)
