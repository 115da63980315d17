"""CredentialIssuerService: the operator's side of OpenID4VCI."""

from __future__ import annotations

from urllib.parse import quote

from sealwright.certify.v1 import credential_issuer_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import NotFound, Reason
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.oid4vci_grants import TransactionState
from sealwright_common.runtime.grpc import answer

from sealwright_certify.codec import credential_issuers as codec
from sealwright_certify.codec.values import page_size
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.operator import Operator


class CredentialIssuerServicer:
    """Issuer documents, offers, deferred issuances, certificates."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    async def StoreCredentialIssuer(
        self, request: pb.StoreCredentialIssuerRequest, call: Call
    ) -> pb.StoreCredentialIssuerResponse:
        response = await answer(call, self._operator.store_issuer, codec.document(request), codec.stored)
        self._operator.forget(response.path)
        return response

    async def GetCredentialIssuer(
        self, request: pb.GetCredentialIssuerRequest, call: Call
    ) -> pb.GetCredentialIssuerResponse:
        async with self._operator.store.read(call) as work:
            found = await work.issuers.document(call.tenant, request.path)
        if found is None:
            raise NotFound(Reason.ISSUER_NOT_FOUND, f"no issuer at {request.path!r}; see ListCredentialIssuers")
        return codec.shown(found)

    async def ListCredentialIssuers(
        self, request: pb.ListCredentialIssuersRequest, call: Call
    ) -> pb.ListCredentialIssuersResponse:
        limit = page_size(request.page_size)
        async with self._operator.store.read(call) as work:
            rows = await work.issuers.page(call.tenant, request.page_token or None, limit)
        paths = [path for path, _, _ in rows]
        token = paths[-1] if len(paths) == limit else ""
        return pb.ListCredentialIssuersResponse(paths=paths, next_page_token=token)

    async def CreateCredentialOffer(
        self, request: pb.CreateCredentialOfferRequest, call: Call
    ) -> pb.CreateCredentialOfferResponse:
        return await answer(call, self._operator.create_offer, codec.offer_command(request), codec.offer_made)

    async def GetCredentialOffer(
        self, request: pb.GetCredentialOfferRequest, call: Call
    ) -> pb.GetCredentialOfferResponse:
        async with self._operator.store.read(call) as work:
            offer = await work.offers.get(call.tenant, parse_id(request.id, "id"))
        if offer is None:
            raise NotFound(Reason.OFFER_NOT_FOUND, f"offer {request.id} does not exist; see ListCredentialOffers")
        address = f"{issuer_identifier(self._operator.public_url, offer.issuer)}/offers/{offer.id}"
        link = f"openid-credential-offer://?credential_offer_uri={quote(address, safe='')}"
        return codec.offer_shown(offer, link, self._operator.clock.now())

    async def ListCredentialOffers(
        self, request: pb.ListCredentialOffersRequest, call: Call
    ) -> pb.ListCredentialOffersResponse:
        limit = page_size(request.page_size)
        async with self._operator.store.read(call) as work:
            offers = await work.offers.page(call.tenant, codec.before(request.page_token), limit)
        return codec.offers_page(offers, limit)

    async def CancelCredentialOffer(
        self, request: pb.CancelCredentialOfferRequest, call: Call
    ) -> pb.CancelCredentialOfferResponse:
        return await answer(call, self._operator.cancel_offer, parse_id(request.id, "id"), codec.cancelled)

    async def ListDeferredIssuances(
        self, request: pb.ListDeferredIssuancesRequest, call: Call
    ) -> pb.ListDeferredIssuancesResponse:
        limit = page_size(request.page_size)
        state = TransactionState.PENDING if request.pending_only else None
        async with self._operator.store.read(call) as work:
            found = await work.transactions.page(call.tenant, state, codec.before(request.page_token), limit)
        return codec.deferred_page(found, limit)

    async def DecideDeferredIssuance(
        self, request: pb.DecideDeferredIssuanceRequest, call: Call
    ) -> pb.DecideDeferredIssuanceResponse:
        id_ = parse_id(request.id, "id")

        async def decide(call: Call, approve: bool):
            return await self._operator.decide_deferred(call, id_, approve)

        return await answer(call, decide, request.approve, codec.decided)

    async def CreateCertificateRequest(
        self, request: pb.CreateCertificateRequestRequest, call: Call
    ) -> pb.CreateCertificateRequestResponse:
        command, now = codec.certificate_command(request), self._operator.clock.now()
        text, key_id = await self._operator.certificates.request(call, command, now)
        return pb.CreateCertificateRequestResponse(certificate_request_pem=text, key_id=key_id)

    async def ImportCertificates(
        self, request: pb.ImportCertificatesRequest, call: Call
    ) -> pb.ImportCertificatesResponse:
        now = self._operator.clock.now()

        async def take(call: Call, chain: str):
            return await self._operator.certificates.import_chain(call, request.key_issuer, chain, now)

        return await answer(call, take, request.chain_pem, codec.imported)
