"""Certificates between the gRPC door and the domain."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.stamp.v1 import resources_pb2 as pb
from sealwright.stamp.v1 import stamp_service_pb2 as service
from sealwright_common.domain.certificates import (
    Attribute,
    Certificate,
    CertificateOrder,
    CertificateRef,
    DeliveryState,
    EndpointKey,
    HistoryEntry,
    Recipient,
    WalletEndpoint,
    Withdrawn,
)
from sealwright_common.domain.errors import Code, FieldProblem, InvalidArgument, Problem, Reason
from sealwright_common.domain.ids import parse_id

from sealwright_stamp.codec.values import (
    DELIVERY_FROM_PROTO,
    DELIVERY_TO_PROTO,
    ON_CLASH_FROM_PROTO,
    STATE_FROM_PROTO,
    STATE_TO_PROTO,
    TYPE_FROM_PROTO,
    TYPE_TO_PROTO,
    moment,
    timestamp,
)
from sealwright_stamp.ports import CertificateFilter
from sealwright_stamp.usecases.accept import Accepted, Outcome, Refused
from sealwright_stamp.usecases.look import Page, PageRequest
from sealwright_stamp.usecases.withdraw import FeedPage

PAGE_SIZE = 100
STATUS_NUMBERS = {
    Code.INVALID_ARGUMENT: 3, Code.DEADLINE_EXCEEDED: 4, Code.NOT_FOUND: 5, Code.ALREADY_EXISTS: 6,
    Code.PERMISSION_DENIED: 7, Code.RESOURCE_EXHAUSTED: 8, Code.FAILED_PRECONDITION: 9, Code.ABORTED: 10,
    Code.OUT_OF_RANGE: 11, Code.INTERNAL: 13, Code.UNAVAILABLE: 14, Code.DATA_LOSS: 15, Code.UNAUTHENTICATED: 16,
}  # fmt: skip


def endpoint(message: pb.WalletEndpoint) -> WalletEndpoint:
    """A wallet endpoint. Raises InvalidArgument if its key is none."""
    return wallet_endpoint(message.endpoint, message.public_key, "wallet_endpoint.public_key")


def wallet_endpoint(url: str, key: bytes, path: str) -> WalletEndpoint:
    """A wallet endpoint of its parts. Raises InvalidArgument naming ``path`` if the key is none."""
    try:
        return WalletEndpoint(url, EndpointKey(key))
    except ValueError as error:
        raise InvalidArgument.of(path, str(error)) from None


def recipient(value: Recipient) -> pb.Recipient:
    """A recipient."""
    return pb.Recipient(
        id=str(value.id),
        wallet_endpoint=pb.WalletEndpoint(version=1, endpoint=value.endpoint.url, public_key=value.endpoint.key.raw),
        create_time=timestamp(value.create_time),
    )


def recipients_page(request: service.ListRecipientsRequest) -> tuple[UUID | None, int]:
    """Which page of recipients is asked for."""
    if not request.page_token:
        return None, request.page_size or PAGE_SIZE
    try:
        return UUID(request.page_token), request.page_size or PAGE_SIZE
    except ValueError:
        raise _bad_page_token() from None


def list_recipients_response(page: tuple[list[Recipient], UUID | None]) -> service.ListRecipientsResponse:
    """A page of recipients."""
    found, following = page
    return service.ListRecipientsResponse(
        recipients=[recipient(value) for value in found], next_page_token=str(following) if following else ""
    )


def ref(message: service.GetCertificateRequest | service.WithdrawCertificateRequest | service.ResumeCertificateRequest
        | service.RedeliverToWalletRequest | service.GetCertificateHistoryRequest
        | service.WatchCertificateRequest) -> CertificateRef:  # fmt: skip
    """The certificate a request names."""
    return CertificateRef(message.registry, parse_id(message.certificate_id, "certificate_id"))


def order(message: pb.CertificateOrder) -> CertificateOrder:
    """An order. Raises InvalidArgument for what cannot be read; what it says is judged by the domain."""
    if message.type not in TYPE_FROM_PROTO:
        raise InvalidArgument.of("type", "CERTIFICATE_TYPE_CONSUMPTION or CERTIFICATE_TYPE_PRODUCTION")
    if message.on_clash not in ON_CLASH_FROM_PROTO:
        raise InvalidArgument.of("on_clash", "ON_CLASH_OTHER_LANE or ON_CLASH_REJECT")
    return CertificateOrder(
        parse_id(message.recipient_id, "recipient_id"),
        message.registry,
        parse_id(message.certificate_id, "certificate_id"),
        message.metering_point_id,
        TYPE_FROM_PROTO[message.type],
        message.quantity,
        _required(message.HasField("start_time"), message.start_time, "start_time"),
        _required(message.HasField("end_time"), message.end_time, "end_time"),
        message.grid_area,
        attributes(message.clear_text_attributes),
        attributes(message.hashed_attributes),
        ON_CLASH_FROM_PROTO[message.on_clash],
        message.allow_clear_text_quantity,
    )


def orders(messages: Sequence[pb.CertificateOrder]) -> list[CertificateOrder | Refused]:
    """The orders of a batch; one that cannot be read is refused in its place."""
    return [_order_or_refusal(message) for message in messages]


def attributes(messages: Sequence[pb.Attribute]) -> tuple[Attribute, ...]:
    """Attributes."""
    return tuple(Attribute(message.key, message.value) for message in messages)


def certificate(value: Certificate) -> pb.Certificate:
    """A certificate."""
    return pb.Certificate(
        registry=value.order.registry,
        certificate_id=str(value.order.certificate_id),
        recipient_id=str(value.order.recipient_id),
        metering_point_id=value.order.metering_point_id,
        type=TYPE_TO_PROTO[value.order.type],
        quantity=value.order.quantity,
        start_time=timestamp(value.order.start),
        end_time=timestamp(value.order.end),
        grid_area=value.order.grid_area,
        clear_text_attributes=[pb.Attribute(key=a.key, value=a.value) for a in value.order.clear_text],
        hashed_attributes=[pb.Attribute(key=a.key, value=a.value) for a in value.order.hashed],
        state=STATE_TO_PROTO[value.state],
        reason=value.reason,
        wallet_position=value.position,
        transaction_id=value.transaction_id,
        signing_key_id=value.signing_key_id,
        delivery_state=DELIVERY_TO_PROTO[value.delivery],
        delivery_reason=value.delivery_reason,
        delivery_attempts=value.delivery_attempts,
        version=value.version,
        create_time=timestamp(value.create_time),
        update_time=timestamp(value.update_time),
    )


def stamp_certificate_response(value: Certificate) -> service.StampCertificateResponse:
    """The accepted certificate."""
    return service.StampCertificateResponse(certificate=certificate(value))


def stamp_certificates_response(outcomes: Sequence[Outcome]) -> service.StampCertificatesResponse:
    """One outcome per order."""
    return service.StampCertificatesResponse(outcomes=[_outcome(outcome) for outcome in outcomes])


def refusal(problem: Problem) -> service.Refusal:
    """A problem as it is told within a batch."""
    return service.Refusal(
        code=STATUS_NUMBERS[problem.code],
        reason=problem.reason.value,
        message=problem.message,
        field=problem.fields[0].path if problem.fields else "",
    )


def page_request(request: service.ListCertificatesRequest) -> PageRequest:
    """Which page of which certificates is asked for."""
    if request.page_token and not (request.page_token.isascii() and request.page_token.isdigit()):
        raise _bad_page_token()
    wanted = CertificateFilter(
        STATE_FROM_PROTO.get(request.state),
        DELIVERY_FROM_PROTO.get(request.delivery_state),
        parse_id(request.recipient_id, "recipient_id") if request.recipient_id else None,
        request.metering_point_id,
        request.grid_area,
        moment(request.from_time, "from_time") if request.HasField("from_time") else None,
        moment(request.until_time, "until_time") if request.HasField("until_time") else None,
    )
    return PageRequest(wanted, min(int(request.page_token or 0), 2**62), request.page_size or PAGE_SIZE)


def list_certificates_response(page: Page) -> service.ListCertificatesResponse:
    """A page of certificates."""
    return service.ListCertificatesResponse(
        certificates=[certificate(value) for value in page.certificates],
        next_page_token=str(page.next_after) if page.next_after else "",
    )


def history_entry(value: HistoryEntry) -> pb.HistoryEntry:
    """One step."""
    return pb.HistoryEntry(
        version=value.version,
        state=STATE_TO_PROTO[value.state],
        event=value.event,
        reason=value.reason,
        time=timestamp(value.time),
    )


def watch_response(entry: HistoryEntry, delivery: DeliveryState) -> service.WatchCertificateResponse:
    """One step of a watched certificate."""
    return service.WatchCertificateResponse(entry=history_entry(entry), delivery_state=DELIVERY_TO_PROTO[delivery])


def withdrawn(value: Withdrawn) -> pb.WithdrawnCertificate:
    """A row of the feed."""
    return pb.WithdrawnCertificate(
        id=value.id,
        registry=value.ref.registry,
        certificate_id=str(value.ref.certificate_id),
        withdraw_time=timestamp(value.time),
    )


def list_withdrawn_response(page: FeedPage) -> service.ListWithdrawnResponse:
    """A page of the feed."""
    return service.ListWithdrawnResponse(withdrawn=[withdrawn(row) for row in page.rows], total_count=page.total)


def _outcome(outcome: Outcome) -> service.StampOutcome:
    name = str(outcome.ref.certificate_id)
    if isinstance(outcome, Accepted):
        accepted = service.Acceptance(
            state=STATE_TO_PROTO[outcome.state], repeated=outcome.repeated, wallet_position=outcome.position
        )
        return service.StampOutcome(certificate_id=name, accepted=accepted)
    return service.StampOutcome(certificate_id=name, refused=refusal(outcome.problem))


def _order_or_refusal(message: pb.CertificateOrder) -> CertificateOrder | Refused:
    try:
        return order(message)
    except InvalidArgument as problem:
        try:
            name = UUID(message.certificate_id)
        except ValueError:
            name = UUID(int=0)
        return Refused(CertificateRef(message.registry, name), problem)


def _required(present: bool, value: Timestamp, path: str) -> datetime:
    if not present:
        raise InvalidArgument.of(path, "a time")
    return moment(value, path)


def _bad_page_token() -> InvalidArgument:
    return InvalidArgument(
        Reason.PAGE_TOKEN_INVALID,
        "page_token is none that a page gave; begin without it",
        fields=(FieldProblem("page_token", "the next_page_token of the page before"),),
    )
