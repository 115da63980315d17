"""``presentation``: credentials of other issuers that the holder shows, so that one issuer can build on another.

Configuration: ``scopes`` (what to ask for), ``trustedIssuers`` (DIDs that are believed), ``outputClaim``, ``required``.
The claims are the credential subjects by credential type. A presentation counts only if the holder signed it for us
under ``authentication``, and a credential in it only if its issuer is trusted, signed it under ``assertionMethod``, it
is valid now, not revoked or suspended, and about the holder. One credential of a trusted issuer that is not makes the
whole presentation invalid (DCP 1.0, Presentation Validation); those of other issuers are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson
import structlog
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import FailedPrecondition, PermissionDenied, Reason, Unavailable
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.status_lists import decode_list, is_set
from sealwright_common.runtime.egress import Egress
from sealwright_common.verify.jws import Jws, moment, parse, within
from sealwright_common.verify.jwt_vc import issuer_of, verify_jwt_vc
from sealwright_common.verify.keys import PublicKey
from sealwright_common.verify.outcome import NotVerified, StatusEntry, Verified
from sealwright_common.verify.trust import Trust

from sealwright_certify.adapters.dcp.gateway import SERVICE
from sealwright_certify.adapters.dcp.own_tokens import OwnTokens
from sealwright_certify.adapters.sources.configuration import common_problems
from sealwright_certify.codec import dcp
from sealwright_certify.ports import (
    AttestationContext,
    AttestationDefinition,
    AttestationSource,
    DidResolver,
    Store,
)
from sealwright_certify.usecases.tenants import tenant_of

log = structlog.get_logger(__name__)

MOST = 16
"""Most presentations and credentials in each that are looked at."""


class PresentationFactory:
    """Makes sources that ask the holder's Credential Service."""

    type = "presentation"

    def __init__(self, store: Store, egress: Egress, dids: DidResolver, tokens: OwnTokens, clock: Clock) -> None:
        self._verifier = PresentationVerifier(egress, dids, clock)
        self._store = store
        self._egress = egress
        self._dids = dids
        self._tokens = tokens

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        found = common_problems(definition.configuration, ["scopes", "trustedIssuers"])
        for member, example in (("scopes", "org.eclipse.dspace.dcp.vc.type:..."), ("trustedIssuers", "did:web:...")):
            if not _texts(definition.configuration, member):
                found.append(f"{member}: a non-empty list of texts such as {example}")
        return found

    def create(self, definition: AttestationDefinition) -> AttestationSource:
        return _Presented(self, definition)

    async def ask(self, definition: AttestationDefinition, context: AttestationContext) -> JsonObject | None:
        """What the holder shows; None without an access token, because then it did not let us ask."""
        if context.access_token is None:
            return None
        async with self._store.read() as work:
            issuer = await tenant_of(work, context.tenant)
        try:
            document = await self._dids.resolve(context.holder_did)
        except FailedPrecondition as problem:
            raise PermissionDenied(Reason.ATTESTATION_MISSING, "the holder's DID does not resolve") from problem
        endpoint = document.services.get(SERVICE)
        if endpoint is None:
            return None
        bearer = await self._tokens.make(issuer, context.holder_did, context.access_token)
        query = dcp.presentation_query(_texts(definition.configuration, "scopes"))
        try:
            reply = await self._egress.post(
                endpoint.rstrip("/") + "/presentations/query",
                orjson.dumps(query),
                headers={"authorization": f"Bearer {bearer}"},
            )
        except FailedPrecondition as problem:
            raise PermissionDenied(Reason.ATTESTATION_MISSING, "the holder's service may not be called") from problem
        if reply.status >= 500 or reply.status == 429:
            raise Unavailable(Reason.PROVIDER_FAILED, "the holder's Credential Service does not answer now")
        if not 200 <= reply.status < 300:
            return None
        trusted = frozenset(_texts(definition.configuration, "trustedIssuers"))
        return await self._verifier.claims(reply.body, context.holder_did, issuer.did, trusted)


class _Presented:
    def __init__(self, factory: PresentationFactory, definition: AttestationDefinition) -> None:
        self._factory = factory
        self._definition = definition

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        return await self._factory.ask(self._definition, context)


class PresentationVerifier:
    """Verifies presentation responses."""

    def __init__(self, egress: Egress, dids: DidResolver, clock: Clock) -> None:
        self._egress = egress
        self._dids = dids
        self._clock = clock

    async def claims(self, body: bytes, holder: str, audience: str, trusted: frozenset[str]) -> JsonObject | None:
        """The subjects of the credentials in good presentations by type; None if there is none. Others are logged."""
        claims: JsonObject = {}
        for text in dcp.presentations(body)[:MOST]:
            try:
                jws = parse(text)
                await self._verify_presentation(jws, holder, audience)
                claims |= await self._shown(jws, holder, trusted)
            except NotVerified as error:
                log.info("presentation left out", reason=error.reason, problem=error.message)
        return claims or None

    async def _shown(self, jws: Jws, holder: str, trusted: frozenset[str]) -> JsonObject:
        """What the trusted issuers of a presentation's credentials say, by credential type."""
        shown: JsonObject = {}
        for credential in _credentials(jws):
            issuer = issuer_of(credential)
            if issuer not in trusted:
                log.info("credential left out", reason="issuer", problem="its issuer is not trusted here")
                continue
            verified = await self._verify_credential(credential, issuer, holder)
            subject = {name: value for name, value in verified.claims.items() if name != "id"}
            shown[_own_type(verified)] = cast(JsonObject, subject)
        return shown

    async def _verify_presentation(self, jws: Jws, holder: str, audience: str) -> None:
        claims = jws.claims
        if claims.get("iss") != holder:
            raise NotVerified("holder", "the presentation is somebody else's")
        if audience not in (claims.get("aud"), *_listed(claims.get("aud"))):
            raise NotVerified("holder", "the presentation is for somebody else")
        within(self._clock.now(), moment(claims, "nbf") or moment(claims, "iat"), moment(claims, "exp"), 60)
        jws.verify(await self._key(holder, jws.header.get("kid"), "authentication"))

    async def _verify_credential(self, text: str, issuer: str, holder: str) -> Verified:
        kid = parse(text).header.get("kid")
        key = await self._key(issuer, kid, "assertionMethod")
        verified = verify_jwt_vc(text, Trust(keys={cast(str, kid): key}), self._clock.now())
        if verified.subject != holder:
            raise NotVerified("holder", "the credential is about somebody else")
        for entry in verified.status:
            await self._demand_unset(entry, issuer)
        return verified

    async def _demand_unset(self, entry: StatusEntry, issuer: str) -> None:
        """Raises unless the entry's list can be had, is the issuer's own, and says no."""
        try:
            reply = await self._egress.get(entry.uri, headers={"accept": "application/vc+jwt"})
            text = reply.body.decode()
            kid = parse(text).header.get("kid")
            key = await self._key(issuer, kid, "assertionMethod")
            listed = verify_jwt_vc(text, Trust(keys={cast(str, kid): key}), self._clock.now())
            bits = decode_list(listed.claims["encodedList"])
            purposes = listed.claims.get("statusPurpose")
            purpose_fits = entry.purpose in (purposes, *_listed(purposes))
            if listed.issuer != issuer or not purpose_fits or is_set(bits, entry.index):
                raise NotVerified("status", "the credential is revoked or suspended")
        except (FailedPrecondition, Unavailable, KeyError, TypeError, ValueError) as error:
            raise NotVerified("status", "the credential's status cannot be told") from error

    async def _key(self, did: str, kid: object, relationship: str) -> PublicKey:
        if not isinstance(kid, str):
            raise NotVerified("key", "the token names no key")
        method = did + kid if kid.startswith("#") else kid
        try:
            document = await self._dids.resolve(did)
            if method not in document.listed:
                document = await self._dids.resolve(did, anew=True)
        except (FailedPrecondition, Unavailable) as error:
            raise NotVerified("key", "the signer's DID does not resolve") from error
        key = document.methods.get(method)
        if method not in document.relationships[relationship] or not isinstance(key, PublicKey):
            raise NotVerified("key", f"the key is not listed under {relationship}")
        return key


def _own_type(verified: Verified) -> str:
    """The type that says what a credential is, wherever the general one stands."""
    return next((name for name in reversed(verified.types) if name != "VerifiableCredential"), verified.types[-1])


def _texts(configuration: JsonObject, name: str) -> list[str]:
    value = configuration.get(name)
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, str)]


def _listed(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _credentials(jws: Jws) -> list[str]:
    """The credentials of a presentation: JWTs inside ``vp`` (1.1), or enveloped as data URLs (2.0)."""
    claims = jws.claims
    presentation = claims.get("vp", claims)
    held = (
        cast(Mapping[str, Any], presentation).get("verifiableCredential", [])
        if isinstance(presentation, Mapping)
        else []
    )
    texts: list[str] = []
    for entry in held if isinstance(held, list) else [held]:
        if isinstance(entry, str):
            texts.append(entry)
        elif isinstance(entry, Mapping) and isinstance(entry.get("id"), str):
            texts.append(cast(str, entry["id"]).partition(",")[2])
    return texts[:MOST]
