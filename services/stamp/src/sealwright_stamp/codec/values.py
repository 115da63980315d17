"""Small values shared by the codecs: enums and times."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.stamp.v1 import resources_pb2 as pb
from sealwright_common.domain.certificates import CertificateState, CertificateType, DeliveryState, OnClash
from sealwright_common.domain.errors import InvalidArgument

TYPE_TO_PROTO = {
    CertificateType.CONSUMPTION: pb.CERTIFICATE_TYPE_CONSUMPTION,
    CertificateType.PRODUCTION: pb.CERTIFICATE_TYPE_PRODUCTION,
}
TYPE_FROM_PROTO = {number: value for value, number in TYPE_TO_PROTO.items()}
STATE_TO_PROTO = {
    CertificateState.STORED: pb.CERTIFICATE_STATE_STORED,
    CertificateState.SENT: pb.CERTIFICATE_STATE_SENT,
    CertificateState.COMMITTED: pb.CERTIFICATE_STATE_COMMITTED,
    CertificateState.ISSUED: pb.CERTIFICATE_STATE_ISSUED,
    CertificateState.FAILED: pb.CERTIFICATE_STATE_FAILED,
    CertificateState.STUCK: pb.CERTIFICATE_STATE_STUCK,
    CertificateState.WITHDRAWING: pb.CERTIFICATE_STATE_WITHDRAWING,
    CertificateState.WITHDRAWN: pb.CERTIFICATE_STATE_WITHDRAWN,
}
STATE_FROM_PROTO = {number: value for value, number in STATE_TO_PROTO.items()}
DELIVERY_TO_PROTO = {
    DeliveryState.NONE: pb.DELIVERY_STATE_UNSPECIFIED,
    DeliveryState.PENDING: pb.DELIVERY_STATE_PENDING,
    DeliveryState.DELIVERED: pb.DELIVERY_STATE_DELIVERED,
    DeliveryState.UNDELIVERABLE: pb.DELIVERY_STATE_UNDELIVERABLE,
}
DELIVERY_FROM_PROTO = {number: value for value, number in DELIVERY_TO_PROTO.items() if value is not DeliveryState.NONE}
ON_CLASH_FROM_PROTO = {
    pb.ON_CLASH_UNSPECIFIED: OnClash.OTHER_LANE,
    pb.ON_CLASH_OTHER_LANE: OnClash.OTHER_LANE,
    pb.ON_CLASH_REJECT: OnClash.REJECT,
}


def timestamp(moment: datetime) -> Timestamp:
    """A moment as a Timestamp."""
    value = Timestamp()
    value.FromDatetime(moment)
    return value


def moment(value: Timestamp, path: str) -> datetime:
    """A Timestamp as a moment. Raises InvalidArgument naming ``path`` outside of years 1 to 9999."""
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument.of(path, "a time from year 1 to 9999") from None
