"""Self-issued ID tokens of holders (DCP 1.0): every check, cheap ones first, the replay mark and the count last."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NoReturn

import structlog
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Problem, Reason, Unauthenticated, Unavailable
from sealwright_common.runtime.collector import Collector
from sealwright_common.verify.jws import Jws, moment, parse
from sealwright_common.verify.keys import PublicKey
from sealwright_common.verify.outcome import NotVerified

from sealwright_certify.ports import (
    DcpPolicy,
    DidDocument,
    DidResolver,
    HolderIdentity,
    HolderRates,
    Store,
    Tenant,
)

log = structlog.get_logger(__name__)

LEEWAY = timedelta(seconds=60)
"""How long after its end a token is still taken: clocks differ, and messages are on their way for a while."""

AHEAD = timedelta(seconds=30)
"""How far a token may be ahead of our clock. Less than LEEWAY: nothing but a clock explains it, and the compatibility
kit of dataspaces has tokens refused that are a minute ahead, cut to whole seconds."""

LONGEST = timedelta(hours=24)
"""Longest life of a token: it bounds how long its id has to be remembered."""

_FOREIGN = frozenset({"vc", "vp"})
"""Claims of other things that a holder signs, sometimes for us: a presentation is no request."""

_DID = re.compile(r"did:web:[!-~]{1,2040}")


class SelfIssuedTokens:
    """Checks tokens."""

    def __init__(self, store: Store, dids: DidResolver, clock: Clock) -> None:
        self._store = store
        self._dids = dids
        self._clock = clock
        self.collector: Collector[tuple[str, str, datetime], bool] = Collector(
            "token marks", self._mark, max_wait=timedelta(0), in_flight=1
        )
        """The part to add to the app: tokens that come at the same moment are marked by one commit."""

    async def verify(self, token: str, issuer: Tenant, rates: HolderRates) -> HolderIdentity:
        """Who sent ``token`` to ``issuer``. Unauthenticated with one message for every reason, to help nobody."""
        try:
            jws = parse(token)
            did, jti, expires = self._claims(jws, issuer.did)
            rates.demand(did)
            await self._demand_known(did, issuer)
            document = await self._document(did, jws)
            key = _key(jws, document, issuer.dcp)
            jws.verify(key)
        except NotVerified as error:
            _refuse(error.reason)
        await self._once(did, jti, expires)
        await rates.take(did)
        access = jws.claims.get("token")
        return HolderIdentity(did, access if isinstance(access, str) and access else None)

    async def forget(self) -> bool:
        """Deletes marks of tokens that expired; True if there may be more."""
        async with self._store.begin_system("token") as work:
            return await work.tokens.forget(work.now, 5000) == 5000

    def _claims(self, jws: Jws, audience: str) -> tuple[str, str, datetime]:
        """Everything that can be told without asking anybody."""
        claims, now = jws.claims, self._clock.now()
        typ = jws.header.get("typ", "JWT")
        if not isinstance(typ, str) or typ.upper() != "JWT" or not _FOREIGN.isdisjoint(claims):
            _refuse("typ")
        did = claims.get("sub")
        if not isinstance(did, str) or not _DID.fullmatch(did) or claims.get("iss") != did:
            _refuse("iss")
        if not _addressed(claims, audience):
            _refuse("aud")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 1 <= len(jti) <= 256 or not jti.isprintable():
            _refuse("jti")
        expires, issued, start = moment(claims, "exp"), moment(claims, "iat"), moment(claims, "nbf")
        if expires is None or now >= expires + LEEWAY or expires - now > LONGEST:
            _refuse("exp")
        if issued is None or issued > now + AHEAD:
            _refuse("iat")
        if start is not None and start > now + AHEAD:
            _refuse("nbf")
        kid = jws.header.get("kid")
        if kid is not None and (not isinstance(kid, str) or kid.split("#")[0] not in ("", did)):
            _refuse("kid")
        return did, jti, expires

    async def _demand_known(self, did: str, issuer: Tenant) -> None:
        """One look into the database, before the sender's host is asked anything."""
        if issuer.dcp.allow_unknown_holders:
            return
        async with self._store.read() as work:
            if await work.holders.get(issuer.name, did) is None:
                _refuse("holder")

    async def _document(self, did: str, jws: Jws) -> DidDocument:
        """The sender's document; looked up anew if it lacks the key, because keys change under the same DID."""
        kid = jws.header.get("kid")
        try:
            document = await self._dids.resolve(did)
            if kid is not None and _absolute(did, kid) not in document.listed:
                document = await self._dids.resolve(did, anew=True)
        except Unavailable:
            raise
        except Problem as problem:
            _refuse(problem.reason)
        return document

    async def _once(self, did: str, jti: str, expires: datetime) -> None:
        """Marks the token used, in a transaction of its own: a token that was checked is spent, whatever follows."""
        if not await self.collector.submit((did, jti, expires + LEEWAY)):
            _refuse("replay")

    async def _mark(self, tokens: Sequence[tuple[str, str, datetime]]) -> list[bool]:
        """Which tokens were fresh; of two that are the same, the first."""
        async with self._store.begin_system("token") as work:
            fresh = await work.tokens.use(tokens)
        first: list[bool] = []
        for did, jti, _ in tokens:
            first.append((did, jti) in fresh)
            fresh.discard((did, jti))
        return first


def _key(jws: Jws, document: DidDocument, policy: DcpPolicy) -> PublicKey:
    kid = jws.header.get("kid")
    if kid is None:
        if len(document.listed) != 1:
            _refuse("kid")
        method = next(iter(document.listed))
    else:
        method = _absolute(document.id, kid)
    if method not in document.relationships["capabilityInvocation"] and not policy.allow_any_relationship:
        _refuse("capabilityInvocation")
    key = document.methods.get(method)
    if not isinstance(key, PublicKey):
        _refuse("key")
    return key


def _addressed(claims: Mapping[str, Any], audience: str) -> bool:
    named = claims.get("aud")
    return named == audience or named == [audience]


def _absolute(did: str, kid: str) -> str:
    return did + kid if kid.startswith("#") else kid


def _refuse(why: str) -> NoReturn:
    log.info("token refused", why=why)
    raise Unauthenticated(Reason.TOKEN_REFUSED, "the self-issued token was not accepted")
