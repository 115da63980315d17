"""Access tokens of external authorization servers: JWTs by RFC 9068, checked with the server's published keys."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.domain.oid4vci import AuthorizationServer, Issuer
from sealwright_common.domain.oid4vci_grants import Access
from sealwright_common.verify.jws import Jws, moment, parse, within
from sealwright_common.verify.keys import PublicKey, from_jwk
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

from sealwright_certify.usecases.oid4vci.errors import TokenRefused

FetchJson = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Gets a JSON document by its URL, through the egress guard. Raises Unavailable."""

_SKEW = 60
_CACHE = timedelta(minutes=10)
_FORCED = timedelta(seconds=30)


class ServerTokens:
    """Checks tokens; keeps each server's keys for ten minutes, and asks again for an unknown ``kid`` at most every
    30 seconds."""

    def __init__(self, fetch: FetchJson) -> None:
        self._fetch = fetch
        self._keys: dict[str, tuple[datetime, Mapping[str, PublicKey]]] = {}

    async def check(self, token: str, issuer: Issuer, identifier: str, now: datetime) -> Access | None:
        """The access; None if the token is of no server of this issuer. TokenRefused if it is bad."""
        try:
            jws = parse(token, "at+jwt", "application/at+jwt")
            claims = jws.claims
            server = next((entry for entry in issuer.authorization_servers if entry.issuer == claims.get("iss")), None)
            if server is None:
                return None
            jws.verify(await self._key(server, jws, now))
            return _access(claims, server, issuer, identifier, now)
        except NotVerified as error:
            raise TokenRefused("invalid_token", "the access token is not good here") from error

    async def _key(self, server: AuthorizationServer, jws: Jws, now: datetime) -> PublicKey:
        kid = jws.header.get("kid")
        fetched, keys = self._keys.get(
            server.issuer, (datetime.min.replace(tzinfo=UTC), cast(Mapping[str, PublicKey], {}))
        )
        stale = now - fetched
        if stale > _CACHE or (kid not in keys and stale > _FORCED):
            document = server.jwks if server.jwks is not None else await self._fetch(cast(str, server.jwks_uri))
            keys = _usable(document)
            self._keys[server.issuer] = (now, keys)
        return Trust(keys=keys).key(kid if isinstance(kid, str) else None)


def _usable(document: Mapping[str, Any]) -> dict[str, PublicKey]:
    """The keys of a JWK set by kid; entries we cannot use are left out, as RFC 7517 section 5 says."""
    entries: object = document.get("keys")
    if not isinstance(entries, list):
        raise Unavailable(Reason.PEER_UNAVAILABLE, "the authorization server published no JWK set")
    keys: dict[str, PublicKey] = {}
    for entry in cast(list[Any], entries):
        try:
            keys[str(entry["kid"])] = from_jwk(entry)
        except (NotVerified, KeyError, TypeError):
            continue
    return keys


def _access(
    claims: Mapping[str, Any], server: AuthorizationServer, issuer: Issuer, identifier: str, now: datetime
) -> Access:
    audience = claims.get("aud")
    if identifier not in (audience if isinstance(audience, list) else [audience]):
        raise NotVerified("proof", "aud")
    end = moment(claims, "exp")
    if end is None:
        raise NotVerified("expired", "exp")
    within(now, moment(claims, "nbf"), end, _SKEW)
    subject, client = claims.get(server.subject_claim), claims.get("client_id")
    if not isinstance(subject, str) or not subject:
        raise NotVerified("proof", "subject")
    configurations, identifiers = _granted(claims, issuer)
    confirmation = claims.get("cnf")
    thumbprint = cast(Mapping[str, Any], confirmation).get("jkt") if isinstance(confirmation, Mapping) else None
    if confirmation is not None and not isinstance(thumbprint, str):
        raise NotVerified("key", "cnf")
    grant = hashlib.sha256("\n".join((server.issuer, subject, str(client or ""))).encode()).digest()
    return Access(
        grant=grant,
        tenant=issuer.tenant,
        issuer=issuer.path,
        configuration_ids=configurations,
        expires=end + timedelta(seconds=_SKEW),
        identifiers=identifiers,
        client_id=client if isinstance(client, str) else None,
        thumbprint=thumbprint,
        subject=subject,
    )


def _granted(claims: Mapping[str, Any], issuer: Issuer) -> tuple[tuple[str, ...], dict[str, str]]:
    """The configurations that scope and authorization_details name."""
    scope = claims.get("scope")
    scopes: frozenset[str] = frozenset(scope.split()) if isinstance(scope, str) else frozenset()
    found = [configuration.id for configuration in issuer.by_scope(scopes)]
    identifiers: dict[str, str] = {}
    details: object = claims.get("authorization_details", [])
    for item in cast(list[Any], details) if isinstance(details, list) else []:
        if not isinstance(item, dict) or cast(dict[str, Any], item).get("type") != "openid_credential":
            continue
        detail = cast(dict[str, Any], item)
        id_ = detail.get("credential_configuration_id")
        if isinstance(id_, str) and id_ in issuer.configurations:
            found.append(id_)
            for name in cast(list[Any], detail.get("credential_identifiers") or []):
                identifiers[str(name)] = id_
    return tuple(dict.fromkeys(found)), identifiers
