"""The token endpoint: a pre-authorized code, and its transaction code, for a short access token.

A wrong transaction code costs one of five tries and never the code; the code is claimed in the same transaction that
finds the transaction code right, so of any number of parallel redemptions exactly one gets a token. Requests that come
at the same time share a transaction.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sealwright_common.domain.call import Call
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.domain.oid4vci_grants import Access, Offer, OfferState, secret_hash

from sealwright_certify.usecases.oid4vci.errors import ProtocolError, invalid_grant, invalid_request
from sealwright_certify.usecases.oid4vci.events import OfferSettled
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.offers import PRE_AUTHORIZED
from sealwright_certify.usecases.oid4vci.ports import AttestedWallet, DpopProof, Oid4vciStore, Oid4vciWork, OnceClaim


@dataclass(frozen=True, slots=True)
class TokenGranted:
    """The token response."""

    token: str
    access: Access
    lifetime: int
    authorization_details: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Redemption:
    """A token request whose form is in order."""

    call: Call
    issuer: Issuer
    form: Mapping[str, str]
    dpop: DpopProof | None
    wallet: AttestedWallet | None = None

    @property
    def once(self) -> list[OnceClaim]:
        """What the request may be used once for."""
        return [proof.once for proof in (self.dpop, self.wallet) if proof is not None]

    @property
    def client_id(self) -> str | None:
        """Who asks, as its provider says or else as it says itself."""
        return self.wallet.client_id if self.wallet else self.form.get("client_id")

    @property
    def code_hash(self) -> bytes:
        """What the offer is found by."""
        return secret_hash(self.form["pre-authorized_code"])


@dataclass(frozen=True, slots=True)
class RedeemCode:
    """Grants access tokens."""

    store: Oid4vciStore
    public_url: str

    async def __call__(self, items: Sequence[Redemption]) -> list[TokenGranted | Exception]:
        """A token or a refusal for each request, all in one transaction, taken in order: of two requests for one code
        the second finds it spent. ProtocolError with a code of RFC 6749, RFC 9396 or RFC 9449."""
        async with self.store.begin_system("oid4vci tokens") as work:
            proofs = [proof for item in items for proof in item.once]
            unused = iter(await work.once.use(proofs) if proofs else [])
            offers = await work.offers.lock_by_codes([item.code_hash for item in items])
            results: list[TokenGranted | Exception] = []
            for item in items:
                with work.acting_for(item.call):
                    repeated = [proof.kind for proof in item.once if not next(unused)]
                    results.append(_used(repeated[0]) if repeated else self._redeem(work, item, offers))
            granted = [result for result in results if isinstance(result, TokenGranted)]
            if granted:
                await work.access.insert([(secret_hash(result.token), result.access) for result in granted])
            if offers:
                await work.offers.update([(offer.id, offer.state, offer.tries_left) for offer in offers.values()])
            return results

    def _redeem(self, work: Oid4vciWork, item: Redemption, offers: dict[bytes, Offer]) -> TokenGranted | ProtocolError:
        """The token or the refusal of one request; the offer as it is then replaces the one in ``offers``."""
        offer = offers.get(item.code_hash)
        if offer is None or offer.issuer != item.issuer.path or offer.expires <= work.now:
            return invalid_grant("the code is unknown, used or expired; ask for a new offer")
        if offer.state is not OfferState.PENDING:
            return invalid_grant("the code is unknown, used or expired; ask for a new offer")
        given, expected = item.form.get("tx_code"), offer.transaction_code
        if expected is None and given is not None:
            return invalid_request("tx_code was sent and none is expected")
        if expected is not None and given is None:
            return invalid_request("tx_code is missing; the user got one with the offer")
        if expected is not None and given is not None and not expected.fits(given):
            offers[item.code_hash] = self._spend_try(work, offer)
            return invalid_grant("the transaction code is wrong")
        try:
            granted = self._grant(work, item, offer)
        except ProtocolError as refusal:
            return refusal
        offers[item.code_hash] = replace(offer, state=OfferState.REDEEMED)
        return granted

    def _spend_try(self, work: Oid4vciWork, offer: Offer) -> Offer:
        left = offer.tries_left - 1
        state = OfferState.LOCKED if left <= 0 else OfferState.PENDING
        if state is OfferState.LOCKED:
            work.emit(OfferSettled(offer.id, state))
        work.audit("oid4vci.offer.wrong_code", str(offer.id), tries_left=left)
        return replace(offer, state=state, tries_left=left)

    def _grant(self, work: Oid4vciWork, item: Redemption, offer: Offer) -> TokenGranted:
        issuer, form, dpop = item.issuer, item.form, item.dpop
        details = self._details(issuer, offer, form.get("authorization_details"))
        identifiers = {
            id_: detail["credential_configuration_id"] for detail in details for id_ in detail["credential_identifiers"]
        }
        token = secrets.token_urlsafe(32)
        access = Access(
            grant=offer.id.bytes,
            tenant=issuer.tenant,
            issuer=issuer.path,
            configuration_ids=tuple(identifiers.values()) or offer.configuration_ids,
            expires=work.now + issuer.token_lifetime,
            identifiers=identifiers,
            client_id=item.client_id,
            thumbprint=dpop.thumbprint if dpop else None,
            subject=offer.subject,
            offer_id=offer.id,
        )
        work.emit(OfferSettled(offer.id, OfferState.REDEEMED))
        work.audit("oid4vci.token.grant", str(offer.id), dpop=dpop is not None)
        return TokenGranted(token, access, int(issuer.token_lifetime.total_seconds()), details)

    def _details(self, issuer: Issuer, offer: Offer, text: str | None) -> list[dict[str, Any]]:
        """The authorization details of the answer, each with its credential identifiers (section 6.2)."""
        if text is None:
            return []
        wrong = ProtocolError(
            "invalid_authorization_details", "expected openid_credential objects for offered configurations"
        )
        try:
            given: Any = json.loads(text)
        except ValueError as error:
            raise wrong from error
        answer: list[dict[str, Any]] = []
        for item in cast(list[Any], given) if isinstance(given, list) else [None]:
            detail = cast(dict[str, Any], item) if isinstance(item, dict) else {}
            configuration = detail.get("credential_configuration_id")
            if detail.get("type") != "openid_credential" or configuration not in offer.configuration_ids:
                raise wrong
            locations = detail.get("locations")
            here = issuer_identifier(self.public_url, issuer.path)
            if (locations is None and issuer.authorization_servers) or (locations is not None and locations != [here]):
                raise ProtocolError(
                    "invalid_authorization_details", "locations must be the credential issuer identifier"
                )
            answer.append({**detail, "credential_identifiers": [f"{configuration}.1"]})
        return answer


def _used(kind: str) -> ProtocolError:
    if kind == "dpop":
        return ProtocolError("invalid_dpop_proof", "this DPoP proof was used before; make a new one")
    return ProtocolError("invalid_client_attestation", "this proof of possession was used before; make a new one", 401)


def redemption(
    call: Call, issuer: Issuer, form: Mapping[str, str], dpop: DpopProof | None, wallet: AttestedWallet | None = None
) -> Redemption:
    """A token request as :class:`RedeemCode` takes it. ProtocolError for a form that is not in order; unknown
    parameters are ignored."""
    if "grant_type" not in form:
        raise invalid_request("grant_type is missing")
    if form["grant_type"] != PRE_AUTHORIZED:
        raise ProtocolError("unsupported_grant_type", "only the pre-authorized code is redeemed here")
    if not form.get("pre-authorized_code"):
        raise invalid_request("pre-authorized_code is missing")
    if wallet is None and issuer.wallet_attestation is not None and issuer.wallet_attestation.required:
        raise ProtocolError("invalid_client", "this issuer serves only wallets with a wallet attestation", 401)
    if wallet is not None and form.get("client_id", wallet.client_id) != wallet.client_id:
        raise ProtocolError("invalid_client", "client_id is another one than the wallet attestation's", 401)
    if wallet is None and not issuer.anonymous and not form.get("client_id"):
        raise ProtocolError("invalid_client", "client_id is missing; this issuer serves no anonymous wallets", 401)
    if not (form.get("client_id") or "x").isprintable():
        raise invalid_request("client_id holds a character that none may have")
    if issuer.dpop_required and dpop is None:
        raise ProtocolError("invalid_dpop_proof", "this issuer wants DPoP; send a DPoP proof")
    return Redemption(call, issuer, form, dpop, wallet)
