"""SD-JWT (RFC 9901) and SD-JWT VC: verification of the issuer's part and application of the disclosures."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sealwright_common.verify.jws import Jws, moment, parse, strict_json, within
from sealwright_common.verify.keys import b64url, from_jwk, unb64url
from sealwright_common.verify.outcome import NotVerified, StatusEntry, Verified
from sealwright_common.verify.trust import Trust

_HASHES = {"sha-256": hashlib.sha256, "sha-384": hashlib.sha384, "sha-512": hashlib.sha512}
_NEVER_HIDDEN = frozenset({"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "status"})
_MAX_DISCLOSURES = 2000


def verify_sd_jwt_vc(text: str, trust: Trust, now: datetime) -> Verified:
    """Checks an SD-JWT VC as issued (no key binding JWT): signature, type, validity, each disclosure used once.

    The key is a known one by ``kid`` or ``iss``, else that of ``x5c``, checked against the anchors.
    """
    jws, disclosures = split(text, "dc+sd-jwt", "vc+sd-jwt")
    claims = jws.claims
    issuer = claims.get("iss")
    if issuer is not None and not isinstance(issuer, str):
        raise NotVerified("issuer", "iss must be a text")
    key = trust.signer_key(jws.chain, now, jws.header.get("kid"), issuer)
    jws.verify(key)
    start, end = moment(claims, "nbf"), moment(claims, "exp")
    within(now, start, end, trust.skew)
    disclosed = disclose(claims, disclosures)
    vct = disclosed.get("vct")
    if not isinstance(vct, str) or not vct:
        raise NotVerified("type", "an SD-JWT VC names its type in vct")
    holder = disclosed.get("cnf")
    jwk = (
        from_jwk(cast(Mapping[str, Any], holder)["jwk"]).jwk
        if isinstance(holder, Mapping) and "jwk" in holder
        else None
    )
    subject = disclosed.get("sub")
    return Verified(
        format="dc+sd-jwt",
        issuer=issuer or "",
        types=(vct,),
        claims=disclosed,
        algorithm=key.algorithm,
        key_id=jws.header.get("kid") or key.thumbprint,
        holder=jwk,
        subject=subject if isinstance(subject, str) else None,
        valid_from=start,
        valid_until=end,
        status=token_status(disclosed),
        chain=jws.chain,
    )


def split(text: str, *types: str) -> tuple[Jws, list[str]]:
    """The issuer's JWS and the disclosures of an SD-JWT without key binding (it ends with ``~``)."""
    jwt, *rest = text.split("~")
    if not rest or rest[-1] != "":
        raise NotVerified("malformed", "expected an SD-JWT that ends with ~ (without key binding)")
    if len(rest) - 1 > _MAX_DISCLOSURES:
        raise NotVerified("malformed", f"more than {_MAX_DISCLOSURES} disclosures")
    return parse(jwt, *types), rest[:-1]


def disclose(claims: Mapping[str, Any], disclosures: list[str]) -> dict[str, Any]:
    """The claims with the disclosures in place of their digests (RFC 9901 section 7.1, step 3).

    NotVerified for a disclosure that fits no digest, a digest or claim that occurs twice, and hidden reserved claims.
    """
    name = claims.get("_sd_alg", "sha-256")
    if name not in _HASHES:
        raise NotVerified("digest", f"unknown _sd_alg; expected {', '.join(_HASHES)}")
    by_digest: dict[str, list[Any]] = {}
    for text in disclosures:
        content = strict_json(unb64url(text))
        if not isinstance(content, list) or len(cast(list[Any], content)) not in (2, 3):
            raise NotVerified("malformed", "a disclosure is an array of two or three members")
        digest = b64url(_HASHES[name](text.encode()).digest())
        if digest in by_digest:
            raise NotVerified("digest", "a disclosure is given twice")
        by_digest[digest] = cast(list[Any], content)
    walk = _Walk(by_digest)
    result = walk.value({member: value for member, value in claims.items() if member != "_sd_alg"}, top=True)
    if walk.used != by_digest.keys():
        raise NotVerified("digest", "a disclosure belongs to no digest of the credential")
    return cast(dict[str, Any], result)


class _Walk:
    """One pass over the claims, replacing digests by what was disclosed."""

    def __init__(self, by_digest: Mapping[str, list[Any]]) -> None:
        self._by_digest = by_digest
        self._seen: set[str] = set()
        self.used: set[str] = set()

    def _take(self, digest: object, size: int) -> list[Any] | None:
        if not isinstance(digest, str) or digest in self._seen:
            raise NotVerified("digest", "a digest is no text or stands twice in the credential")
        self._seen.add(digest)
        content = self._by_digest.get(digest)
        if content is None:
            return None
        if len(content) != size or not isinstance(content[0], str):
            raise NotVerified("digest", "a disclosure has the wrong shape for its place")
        self.used.add(digest)
        return content

    def value(self, value: Any, *, top: bool = False) -> Any:
        if isinstance(value, dict):
            return self._object(cast(dict[str, Any], value), top)
        if isinstance(value, list):
            return self._array(cast(list[Any], value))
        return value

    def _object(self, value: dict[str, Any], top: bool) -> dict[str, Any]:
        result = {name: self.value(member) for name, member in value.items() if name != "_sd"}
        if "..." in result:
            raise NotVerified("digest", "... stands in an object")
        digests = value.get("_sd", [])
        if not isinstance(digests, list):
            raise NotVerified("digest", "_sd must be an array")
        for digest in cast(list[object], digests):
            content = self._take(digest, 3)
            if content is None:
                continue
            name = content[1]
            if not isinstance(name, str) or name in ("_sd", "...") or name in result or (top and name in _NEVER_HIDDEN):
                raise NotVerified("digest", "a disclosure names a claim that is reserved or there already")
            result[name] = self.value(content[2])
        return result

    def _array(self, value: list[Any]) -> list[Any]:
        result: list[Any] = []
        for element in value:
            if isinstance(element, dict) and "..." in element:
                if len(cast(dict[str, Any], element)) != 1:
                    raise NotVerified("digest", "an array digest stands alone in its object")
                content = self._take(cast(dict[str, Any], element)["..."], 2)
                if content is not None:
                    result.append(self.value(content[1]))
            else:
                result.append(self.value(element))
        return result


def token_status(claims: Mapping[str, Any]) -> tuple[StatusEntry, ...]:
    """The Token Status List reference in ``status.status_list``, if any."""
    status = claims.get("status")
    if status is None:
        return ()
    reference = cast(Mapping[str, Any], status).get("status_list") if isinstance(status, Mapping) else None
    if not isinstance(reference, Mapping):
        return ()
    index, uri = cast(Mapping[str, Any], reference).get("idx"), cast(Mapping[str, Any], reference).get("uri")
    if isinstance(index, bool) or not isinstance(index, int) or index < 0 or not isinstance(uri, str):
        raise NotVerified("status", "status_list needs idx (a number) and uri")
    return (StatusEntry("TokenStatusList", uri, index),)
