"""CredentialIssuerService: commands and answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sealwright.certify.v1 import credential_issuer_service_pb2 as pb
from sealwright_common.domain.definition_json import parse_json_object
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.domain.oid4vci_grants import Offer, OfferState, Transaction

from sealwright_certify.codec.values import timestamp
from sealwright_certify.usecases.oid4vci.certificates import CertificateRequestCommand
from sealwright_certify.usecases.oid4vci.offers import OfferCommand, OfferMade

_DEFAULT_LIFETIME = timedelta(minutes=10)


def document(request: pb.StoreCredentialIssuerRequest) -> Mapping[str, Any]:
    """The issuer document of a request."""
    return parse_json_object(request.document_json, "document_json")


def stored(issuer: Issuer) -> pb.StoreCredentialIssuerResponse:
    """What was stored."""
    return pb.StoreCredentialIssuerResponse(path=issuer.path, version=issuer.version)


def shown(found: tuple[Mapping[str, Any], int]) -> pb.GetCredentialIssuerResponse:
    """An issuer document."""
    return pb.GetCredentialIssuerResponse(document_json=json.dumps(found[0]), version=found[1])


def offer_command(request: pb.CreateCredentialOfferRequest) -> OfferCommand:
    """What is to be offered."""
    claims = parse_json_object(request.claims_json, "claims_json") if request.claims_json else {}
    for name, value in claims.items():
        if not isinstance(value, dict):
            raise InvalidArgument.of(f"claims_json.{name}", "an object of claims")
    given = request.HasField("lifetime_duration")
    return OfferCommand(
        issuer=request.issuer,
        configuration_ids=tuple(request.configuration_ids),
        lifetime=request.lifetime_duration.ToTimedelta() if given else _DEFAULT_LIFETIME,
        pre_authorized=not request.authorization_code,
        code_length=request.transaction_code_length,
        code_text=request.transaction_code_text,
        code_description=request.transaction_code_description,
        claims=cast(Mapping[str, Mapping[str, Any]], claims),
        subject=request.subject or None,
    )


def offer_made(made: OfferMade) -> pb.CreateCredentialOfferResponse:
    """A new offer with its links and codes."""
    return pb.CreateCredentialOfferResponse(
        offer=offer_message(made.offer),
        offer_uri=made.by_reference,
        offer_value_uri=made.by_value,
        transaction_code=made.transaction_code or "",
    )


def offer_message(offer: Offer) -> pb.CredentialOffer:
    """An offer without its codes."""
    return pb.CredentialOffer(
        id=str(offer.id),
        issuer=offer.issuer,
        configuration_ids=offer.configuration_ids,
        state=f"CREDENTIAL_OFFER_STATE_{offer.state.value}",
        expire_time=timestamp(offer.expires),
        has_transaction_code=offer.transaction_code is not None,
        tries_left=offer.tries_left,
    )


def offer_shown(offer: Offer, link: str, now: datetime) -> pb.GetCredentialOfferResponse:
    """One offer, with its link while it can be redeemed."""
    open_ = offer.state is OfferState.PENDING and offer.expires > now
    return pb.GetCredentialOfferResponse(offer=offer_message(offer), offer_uri=link if open_ else "")


def offers_page(offers: Sequence[Offer], limit: int) -> pb.ListCredentialOffersResponse:
    """One page of offers."""
    token = str(offers[-1].id) if len(offers) == limit else ""
    return pb.ListCredentialOffersResponse(offers=[offer_message(offer) for offer in offers], next_page_token=token)


def cancelled(offer: Offer) -> pb.CancelCredentialOfferResponse:
    """A cancelled offer."""
    return pb.CancelCredentialOfferResponse(offer=offer_message(offer))


def deferred_message(transaction: Transaction) -> pb.DeferredIssuance:
    """A deferred issuance."""
    return pb.DeferredIssuance(
        id=str(transaction.id),
        issuer=transaction.issuer,
        configuration_id=transaction.configuration_id,
        count=max(1, len(transaction.keys)),
        state=transaction.state.value,
        create_time=timestamp(transaction.created),
        expire_time=timestamp(transaction.expires),
    )


def deferred_page(transactions: Sequence[Transaction], limit: int) -> pb.ListDeferredIssuancesResponse:
    """One page of deferred issuances."""
    token = str(transactions[-1].id) if len(transactions) == limit else ""
    return pb.ListDeferredIssuancesResponse(
        issuances=[deferred_message(transaction) for transaction in transactions], next_page_token=token
    )


def decided(transaction: Transaction) -> pb.DecideDeferredIssuanceResponse:
    """A deferred issuance after its decision."""
    return pb.DecideDeferredIssuanceResponse(issuance=deferred_message(transaction))


def certificate_command(request: pb.CreateCertificateRequestRequest) -> CertificateRequestCommand:
    """For which key, in whose name."""
    return CertificateRequestCommand(
        request.key_issuer, request.key_id, request.common_name, request.organization, request.country
    )


def imported(result: tuple[str, datetime]) -> pb.ImportCertificatesResponse:
    """What was stored."""
    return pb.ImportCertificatesResponse(key_id=result[0], expire_time=timestamp(result[1]))


def before(token: str) -> UUID | None:
    """The id a page ends before; None for the first page."""
    return parse_id(token, "page_token") if token else None
