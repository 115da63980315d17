"""The holder's Credential Service: deliveries, refusals and offers."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import orjson
from sealwright_common.domain.credentials import IssuedCredential
from sealwright_common.domain.errors import FailedPrecondition, Reason, Unavailable
from sealwright_common.domain.issuance import IssuanceProcess
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.runtime.egress import Egress, Reply
from sealwright_common.runtime.faults import fault_point

from sealwright_certify.adapters.dcp.own_tokens import OwnTokens
from sealwright_certify.codec import dcp
from sealwright_certify.ports import (
    Delivered,
    DeliveryOutcome,
    DidResolver,
    Offer,
    Refused,
    Store,
    Tenant,
    TryAgain,
)
from sealwright_certify.usecases.definitions import scopes_of

SERVICE = "CredentialService"

_PERMANENT = frozenset({403, 405, 406, 410, 413, 415, 422, 451, 501})
"""Answers that will not change."""

_SHORTLY = frozenset({400, 401, 404, 409})
"""Answers that may: real holders give 400, 404 and 409 until they have stored their request, and 401 while our DID
document cannot be had or the one they keep lacks our youngest key."""

_SHORT_ATTEMPTS = 8
"""Attempts after which these are taken at their word; with the back-off about a minute."""


class DcpGateway:
    """Speaks DCP to holders."""

    def __init__(
        self, store: Store, egress: Egress, dids: DidResolver, tokens: OwnTokens, schema_uri: dcp.SchemaUri
    ) -> None:
        self._store = store
        self._egress = egress
        self._dids = dids
        self._tokens = tokens
        self._schema_uri = schema_uri

    async def deliver(
        self,
        issuer: Tenant,
        process: IssuanceProcess,
        credentials: Awaitable[Sequence[IssuedCredential]],
        token: str | None,
    ) -> DeliveryOutcome:
        """Posts the CredentialMessage: the stored payloads, byte for byte."""
        way = await self._way(issuer, process.holder_did, token)
        if not isinstance(way, _Way):
            return way
        message = dcp.credential_message(process, await credentials)
        fault_point("certify.generated")
        outcome = await self._post(way, "/credentials", message)
        fault_point("certify.delivered")
        if not isinstance(outcome, _Answered):
            return outcome
        if outcome.status == 409 and process.outcome_unknown:
            # It has these very ids already: an earlier post arrived although its answer did not.
            return Delivered()
        return _judge(outcome, process.attempts)

    async def refuse(self, issuer: Tenant, process: IssuanceProcess, token: str | None) -> DeliveryOutcome:
        """Posts the CredentialMessage with status REJECTED."""
        way = await self._way(issuer, process.holder_did, token)
        if not isinstance(way, _Way):
            return way
        outcome = await self._post(way, "/credentials", dcp.rejection_message(process))
        return _judge(outcome, process.attempts) if isinstance(outcome, _Answered) else outcome

    async def offer(self, issuer: Tenant, offer: Offer) -> DeliveryOutcome:
        """Posts the CredentialOfferMessage over what of the offer still exists."""
        async with self._store.read() as work:
            found = await work.definitions.latest(offer.tenant, offer.definition_ids)
            definitions = [found[id_] for id_ in offer.definition_ids if id_ in found]
            scopes = await scopes_of(work, offer.tenant, definitions)
        if not definitions:
            return Refused("the offered definitions are gone")
        way = await self._way(issuer, offer.holder_did, None)
        if not isinstance(way, _Way):
            return way
        message = dcp.offer_message(issuer, offer, definitions, self._schema_uri, scopes)
        outcome = await self._post(way, "/offers", message)
        return _judge(outcome, offer.attempts) if isinstance(outcome, _Answered) else outcome

    async def _way(self, issuer: Tenant, holder_did: str, token: str | None) -> _Way | DeliveryOutcome:
        """The holder's endpoint and a token for one message to it."""
        try:
            document = await self._dids.resolve(holder_did)
        except FailedPrecondition as problem:
            return _unresolvable(problem)
        endpoint = document.services.get(SERVICE)
        if endpoint is None:
            return TryAgain(f"the DID document has no {SERVICE}", unknown=False)
        return _Way(endpoint.rstrip("/"), await self._tokens.make(issuer, holder_did, token))

    async def _post(self, way: _Way, path: str, message: JsonObject) -> DeliveryOutcome | _Answered:
        try:
            reply = await self._egress.post(
                way.endpoint + path,
                orjson.dumps(message),
                headers={"authorization": f"Bearer {way.bearer}", "accept": "application/json"},
                whole=False,  # what a holder says to it does not change what it did
            )
        except FailedPrecondition as problem:
            return Refused(f"{problem.reason}: {problem.message}")
        except Unavailable as problem:
            # No answer does not mean that it did not arrive.
            return TryAgain(f"{problem.reason}: {problem.message}", unknown=True)
        return _Answered(reply)


@dataclass(frozen=True, slots=True)
class _Way:
    """How to reach a holder with one message."""

    endpoint: str
    bearer: str


class _Answered(DeliveryOutcome):
    """The holder answered."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        after = reply.headers.get("retry-after", "")
        self.after = timedelta(seconds=min(int(after), 3600)) if after.isdecimal() else None


def _judge(answer: _Answered, attempts: int) -> DeliveryOutcome:
    status = answer.status
    if 200 <= status < 300:
        return Delivered()
    detail = f"the holder answered {status}"
    if status in _PERMANENT or (status in _SHORTLY and attempts >= _SHORT_ATTEMPTS) or 300 <= status < 400:
        return Refused(detail)
    return TryAgain(detail, unknown=status >= 500, after=answer.after)


def _unresolvable(problem: FailedPrecondition) -> DeliveryOutcome:
    """A DID that cannot be resolved may be one that is being moved; a forbidden address stays forbidden."""
    detail = f"{problem.reason}: {problem.message}"
    if problem.reason is Reason.EGRESS_REFUSED:
        return Refused(detail)
    return TryAgain(detail, unknown=False)
