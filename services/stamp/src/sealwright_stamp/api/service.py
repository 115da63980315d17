"""StampService: decode, call, encode."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import Certificate, Recipient
from sealwright_common.domain.ids import parse_id
from sealwright_common.runtime.faults import fault_point
from sealwright_common.runtime.grpc import answer

from sealwright_stamp.codec import certificates as codec
from sealwright_stamp.codec import imports as import_codec
from sealwright_stamp.usecases.doors import StampUseCases


class StampServicer:
    """One method per RPC."""

    def __init__(self, usecases: StampUseCases) -> None:
        self._do = usecases

    async def CreateRecipient(self, request: pb.CreateRecipientRequest, call: Call) -> pb.CreateRecipientResponse:
        """Creates a recipient."""

        def encode(value: Recipient) -> pb.CreateRecipientResponse:
            return pb.CreateRecipientResponse(recipient=codec.recipient(value))

        return await answer(call, self._do.create_recipient, codec.endpoint(request.wallet_endpoint), encode)

    async def GetRecipient(self, request: pb.GetRecipientRequest, call: Call) -> pb.GetRecipientResponse:
        """Reads one recipient."""
        found = await self._do.get_recipient(call, parse_id(request.recipient_id, "recipient_id"))
        return pb.GetRecipientResponse(recipient=codec.recipient(found))

    async def ListRecipients(self, request: pb.ListRecipientsRequest, call: Call) -> pb.ListRecipientsResponse:
        """Lists recipients."""
        return codec.list_recipients_response(await self._do.list_recipients(call, codec.recipients_page(request)))

    async def StampCertificate(self, request: pb.StampCertificateRequest, call: Call) -> pb.StampCertificateResponse:
        """Accepts one certificate."""
        order = codec.order(request.certificate)
        return await answer(call, self._do.accept.one, order, codec.stamp_certificate_response)

    async def StampCertificates(self, request: pb.StampCertificatesRequest, call: Call) -> pb.StampCertificatesResponse:
        """Accepts up to 500 certificates."""
        orders = codec.orders(request.certificates)
        response = await answer(call, self._do.accept, orders, codec.stamp_certificates_response)
        fault_point("stamp.accepted")
        return response

    async def GetCertificate(self, request: pb.GetCertificateRequest, call: Call) -> pb.GetCertificateResponse:
        """Reads one certificate."""
        found = await self._do.get_certificate(call, codec.ref(request))
        return pb.GetCertificateResponse(certificate=codec.certificate(found))

    async def ListCertificates(self, request: pb.ListCertificatesRequest, call: Call) -> pb.ListCertificatesResponse:
        """Lists certificates."""
        return codec.list_certificates_response(await self._do.list_certificates(call, codec.page_request(request)))

    async def GetCertificateHistory(
        self, request: pb.GetCertificateHistoryRequest, call: Call
    ) -> pb.GetCertificateHistoryResponse:
        """Tells every step."""
        entries = await self._do.history(call, codec.ref(request))
        return pb.GetCertificateHistoryResponse(entries=[codec.history_entry(entry) for entry in entries])

    async def WatchCertificate(
        self, request: pb.WatchCertificateRequest, call: Call
    ) -> AsyncIterator[pb.WatchCertificateResponse]:
        """Streams steps."""
        async for entry, delivery in self._do.watch(call, codec.ref(request)):
            yield codec.watch_response(entry, delivery)

    async def WithdrawCertificate(
        self, request: pb.WithdrawCertificateRequest, call: Call
    ) -> pb.WithdrawCertificateResponse:
        """Asks for a withdrawal."""

        def encode(value: Certificate) -> pb.WithdrawCertificateResponse:
            return pb.WithdrawCertificateResponse(certificate=codec.certificate(value))

        return await answer(call, self._do.withdraw, codec.ref(request), encode)

    async def ListWithdrawn(self, request: pb.ListWithdrawnRequest, call: Call) -> pb.ListWithdrawnResponse:
        """Reads the feed."""
        page = await self._do.list_withdrawn(call, (request.after_id, 0, request.page_size or codec.PAGE_SIZE))
        return codec.list_withdrawn_response(page)

    async def ResumeCertificate(self, request: pb.ResumeCertificateRequest, call: Call) -> pb.ResumeCertificateResponse:
        """Makes a stuck certificate go on."""

        def encode(value: Certificate) -> pb.ResumeCertificateResponse:
            return pb.ResumeCertificateResponse(certificate=codec.certificate(value))

        return await answer(call, self._do.resume, codec.ref(request), encode)

    async def RedeliverToWallet(self, request: pb.RedeliverToWalletRequest, call: Call) -> pb.RedeliverToWalletResponse:
        """Posts an undeliverable slice again."""

        def encode(value: Certificate) -> pb.RedeliverToWalletResponse:
            return pb.RedeliverToWalletResponse(certificate=codec.certificate(value))

        return await answer(call, self._do.redeliver, codec.ref(request), encode)

    async def ImportMeasurements(
        self, requests: AsyncIterator[pb.ImportMeasurementsRequest], call: Call
    ) -> AsyncIterator[pb.ImportMeasurementsResponse]:
        """Turns meter readings into certificates."""
        plan = await import_codec.plan(requests)
        chunks = import_codec.chunks(requests)
        async for progress, refused in self._do.import_measurements(call, plan, chunks):
            yield import_codec.response(progress, refused)
