"""Offers: made by an operator, fetched by a wallet, cancelled."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, FieldProblem, InvalidArgument, NotFound, Reason
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.domain.oid4vci_grants import Offer, OfferState, TransactionCode, secret_hash

from sealwright_certify.usecases.oid4vci.events import OfferCreated, OfferSettled
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.ports import Oid4vciStore

PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
MAX_LIFETIME = timedelta(days=7)
_TEXT_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class OfferCommand:
    """What is to be offered."""

    issuer: str
    configuration_ids: tuple[str, ...]
    lifetime: timedelta = timedelta(minutes=10)
    pre_authorized: bool = True
    """False: the wallet logs in at an external authorization server."""
    code_length: int = 0
    """Length of the transaction code, 4 to 8; 0 for none."""
    code_text: bool = False
    """Whether the transaction code has letters too."""
    code_description: str = ""
    claims: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Pushed claims per dataset."""
    subject: str | None = None
    """Who the data provider is asked about; with an external server the token's subject wins."""


@dataclass(frozen=True, slots=True)
class OfferMade:
    """A new offer, with the secrets that are never shown again."""

    offer: Offer
    by_reference: str
    """``openid-credential-offer://?credential_offer_uri=...``: short, for QR codes."""
    by_value: str
    """``openid-credential-offer://?credential_offer=...``."""
    transaction_code: str | None
    """For the user by another way than the offer."""


@dataclass(frozen=True, slots=True)
class CreateOffer:
    """Makes an offer."""

    store: Oid4vciStore
    public_url: str

    async def __call__(self, call: Call, command: OfferCommand) -> OfferMade:
        """The offer with its codes. NotFound without such an issuer, InvalidArgument for what it cannot offer."""
        async with self.store.begin(call) as work:
            issuer = await work.issuers.by_path(command.issuer)
            if issuer is None or issuer.tenant != call.tenant:
                raise NotFound(
                    Reason.ISSUER_NOT_FOUND, f"issuer {command.issuer!r} does not exist; store it with StoreIssuer"
                )
            _check(command, issuer)
            made = self._make(command, issuer, work.now)
            await work.offers.insert(made.offer)
            work.emit(OfferCreated(made.offer.id, issuer.path, made.offer.configuration_ids))
            work.audit("oid4vci.offer.create", str(made.offer.id), issuer=issuer.path)
            return work.answer(made)

    def _make(self, command: OfferCommand, issuer: Issuer, now: datetime) -> OfferMade:
        identifier = issuer_identifier(self.public_url, issuer.path)
        id_, secret = new_id(now), secrets.token_urlsafe(32)
        pin, transaction_code = _transaction_code(command)
        server = issuer.authorization_servers[0].issuer if issuer.authorization_servers else None
        if command.pre_authorized:
            grant: dict[str, Any] = {"pre-authorized_code": secret}
            if transaction_code is not None:
                grant["tx_code"] = {"input_mode": transaction_code.input_mode, "length": transaction_code.length}
                if transaction_code.description:
                    grant["tx_code"]["description"] = transaction_code.description
            if server is not None:
                grant["authorization_server"] = identifier
            grants = {PRE_AUTHORIZED: grant}
        else:
            grants = {"authorization_code": {"issuer_state": secret}}
            if server is not None:
                grants["authorization_code"]["authorization_server"] = server
        document = {
            "credential_issuer": identifier,
            "credential_configuration_ids": list(command.configuration_ids),
            "grants": grants,
        }
        offer = Offer(
            id=id_,
            tenant=issuer.tenant,
            issuer=issuer.path,
            configuration_ids=command.configuration_ids,
            expires=now + command.lifetime,
            code_hash=secret_hash(secret) if command.pre_authorized else None,
            document=document,
            transaction_code=transaction_code,
            claims=command.claims,
            subject=command.subject,
            issuer_state_hash=None if command.pre_authorized else secret_hash(secret),
        )
        uri = f"{identifier}/offers/{id_}"
        scheme = "openid-credential-offer://?"
        return OfferMade(
            offer,
            f"{scheme}credential_offer_uri={quote(uri, safe='')}",
            f"{scheme}credential_offer={quote(json.dumps(document, separators=(',', ':')), safe='')}",
            pin,
        )


def _transaction_code(command: OfferCommand) -> tuple[str | None, TransactionCode | None]:
    if not command.code_length:
        return None, None
    alphabet = _TEXT_ALPHABET if command.code_text else "0123456789"
    pin = "".join(secrets.choice(alphabet) for _ in range(command.code_length))
    salt = secrets.token_bytes(16)
    hashed = hashlib.sha256(salt + pin.encode()).digest()
    mode = "text" if command.code_text else "numeric"
    return pin, TransactionCode(mode, command.code_length, salt, hashed, command.code_description)


def _check(command: OfferCommand, issuer: Issuer) -> None:
    problems: list[FieldProblem] = []
    ids = command.configuration_ids
    unknown = [id_ for id_ in ids if id_ not in issuer.configurations]
    if not ids or len(set(ids)) != len(ids) or unknown:
        problems.append(
            FieldProblem("configuration_ids", f"one or more of {', '.join(issuer.configurations)}, each once")
        )
    if not timedelta(seconds=30) <= command.lifetime <= MAX_LIFETIME:
        problems.append(FieldProblem("lifetime", "30 seconds to 7 days"))
    if command.code_length and not 4 <= command.code_length <= 8:
        problems.append(FieldProblem("code_length", "4 to 8, or 0 for none"))
    if len(command.code_description) > 300:
        problems.append(FieldProblem("code_description", "at most 300 characters"))
    if command.code_length and not command.pre_authorized:
        problems.append(FieldProblem("code_length", "0 where the wallet logs in"))
    if not command.pre_authorized and not issuer.authorization_servers:
        problems.append(FieldProblem("pre_authorized", "true, as the issuer has no authorization server to log in at"))
    offered = {issuer.configurations[id_].dataset for id_ in ids if id_ in issuer.configurations}
    for name in command.claims:
        if name not in offered or issuer.datasets[name].source.type != "pushed":
            problems.append(FieldProblem(f"claims.{name}", "claims for an offered dataset whose source is pushed"))
    for name in sorted(offered):
        if issuer.datasets[name].source.type == "pushed" and name not in command.claims:
            problems.append(FieldProblem(f"claims.{name}", "the claims of this dataset, as its source is pushed"))
    if problems:
        raise InvalidArgument.of_all(problems)


@dataclass(frozen=True, slots=True)
class FetchOffer:
    """Shows the offer object to a wallet."""

    store: Oid4vciStore

    async def __call__(self, issuer: str, id_: UUID, now: datetime) -> Mapping[str, Any]:
        """The offer object while it can be redeemed; NotFound afterwards."""
        async with self.store.read() as work:
            document = await work.offers.public(id_, now)
        if document is None or not str(document["credential_issuer"]).endswith(issuer):
            raise NotFound(Reason.OFFER_NOT_FOUND, "no such offer; it may be spent, cancelled or expired")
        return document


@dataclass(frozen=True, slots=True)
class CancelOffer:
    """Takes back an offer that nobody redeemed yet."""

    store: Oid4vciStore

    async def __call__(self, call: Call, id_: UUID) -> Offer:
        """The cancelled offer. NotFound, or FailedPrecondition if it was redeemed; a second time changes nothing."""
        async with self.store.begin(call) as work:
            offer = await work.offers.get(call.tenant, id_)
            if offer is None:
                raise NotFound(Reason.OFFER_NOT_FOUND, f"offer {id_} does not exist; list offers with ListOffers")
            code = offer.code_hash
            locked = (await work.offers.lock_by_codes([code])).get(code) if code else offer
            if locked is None or locked.state is OfferState.REDEEMED:
                raise FailedPrecondition(
                    Reason.OFFER_NOT_FOUND, "the offer was redeemed; revoke the credential instead"
                )
            if locked.state is not OfferState.CANCELLED:
                await work.offers.update([(id_, OfferState.CANCELLED, 0)])
                work.emit(OfferSettled(id_, OfferState.CANCELLED))
                work.audit("oid4vci.offer.cancel", str(id_))
            return work.answer(replace(locked, state=OfferState.CANCELLED))
