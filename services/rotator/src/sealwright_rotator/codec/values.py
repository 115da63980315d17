"""Small values: enums, times, intervals, page tokens."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.common.v1 import interval_pb2, keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright_common.domain.errors import InvalidArgument, Reason
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.issuers import IssuerState
from sealwright_common.domain.keys import KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_common.domain.schedule import ScheduleMode

from sealwright_rotator.usecases.recording import Kind

E = TypeVar("E", bound=StrEnum)


class EnumMap(Generic[E]):
    """A StrEnum and its proto enum, whose values are the members' names behind a prefix."""

    def __init__(self, domain: type[E], proto: Any, prefix: str) -> None:
        known = set(proto.keys())
        self._to_proto = {m: proto.Value(f"{prefix}_{m.name}") for m in domain if f"{prefix}_{m.name}" in known}
        self._to_domain = {number: member for member, number in self._to_proto.items()}

    def proto(self, member: E) -> Any:
        """The proto value of a member."""
        return self._to_proto[member]

    def domain(self, number: int) -> E | None:
        """The member of a proto value; None for UNSPECIFIED."""
        return self._to_domain.get(number)


ALGORITHM = EnumMap(KeyAlgorithm, keys_pb2.KeyAlgorithm, "KEY_ALGORITHM")
PURPOSE = EnumMap(KeyPurpose, keys_pb2.KeyPurpose, "KEY_PURPOSE")
PROTECTION = EnumMap(Protection, keys_pb2.Protection, "PROTECTION")
KEY_STATE = EnumMap(KeyState, keys_pb2.KeyState, "KEY_STATE")
ISSUER_STATE = EnumMap(IssuerState, resources_pb2.IssuerState, "ISSUER_STATE")
MODE = EnumMap(ScheduleMode, resources_pb2.ScheduleMode, "SCHEDULE_MODE")
KIND = EnumMap(Kind, resources_pb2.KeyLogEntryType, "KEY_LOG_ENTRY_TYPE")


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A moment as a Timestamp; None stays None."""
    if moment is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def moment(message: Any, field: str, path: str) -> datetime | None:
    """The Timestamp in ``field`` as a moment in UTC, None if absent; InvalidArgument naming ``path`` if it is none."""
    if not message.HasField(field):
        return None
    try:
        return getattr(message, field).ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument.of(path, "a time between the years 1 and 9999") from None


def duration(span: timedelta) -> Duration:
    """A span as a Duration."""
    message = Duration()
    message.FromTimedelta(span)
    return message


def span(message: Any, field: str, path: str) -> timedelta | None:
    """The Duration in ``field``, None if absent; InvalidArgument naming ``path`` if it is none."""
    if not message.HasField(field):
        return None
    try:
        return getattr(message, field).ToTimedelta()
    except (ValueError, OverflowError):
        raise InvalidArgument.of(path, "a duration of less than 10000 years") from None


def interval(window: Interval) -> interval_pb2.Interval:
    """An interval as its message."""
    return interval_pb2.Interval(start_time=timestamp(window.start), end_time=timestamp(window.end))


def interval_of(message: interval_pb2.Interval, path: str) -> Interval:
    """The interval in a request."""
    start = moment(message, "start_time", f"{path}.start_time")
    end = moment(message, "end_time", f"{path}.end_time")
    if start is None or end is None or end <= start:
        raise InvalidArgument.of(f"{path}.end_time", "a time after start_time")
    return Interval(start, end)


def page_token(*parts: object) -> str:
    """An opaque page token over ``parts``, none of which holds a line feed."""
    return urlsafe_b64encode("\n".join(map(str, parts)).encode()).decode()


def page_parts(token: str, count: int) -> list[str] | None:
    """The parts of a page token; None for an empty one. InvalidArgument PAGE_TOKEN_INVALID otherwise."""
    if not token:
        return None
    try:
        parts = urlsafe_b64decode(token.encode()).decode().split("\n")
    except (ValueError, UnicodeError):
        parts = []
    if len(parts) != count:
        raise _bad_token()
    return parts


def key_after(parts: list[str]) -> tuple[int, tuple[UUID, int, int]]:
    """Position and (issuer id, cohort, slot) in the parts of a key page token."""
    try:
        return int(parts[0]), (UUID(parts[1]), int(parts[2]), int(parts[3]))
    except ValueError:
        raise _bad_token() from None


def slot_after(parts: list[str]) -> int:
    """The slot in the parts of a preview page token."""
    try:
        return max(0, int(parts[0]))
    except ValueError:
        raise _bad_token() from None


def audit_head_after(parts: list[str]) -> tuple[str, int, bytes]:
    """(service, row, hash) in the parts of a page token of audit heads."""
    try:
        after = parts[0], int(parts[1]), bytes.fromhex(parts[2])
    except ValueError:
        raise _bad_token() from None
    if not 0 <= after[1] < 1 << 63:
        raise _bad_token()
    return after


def _bad_token() -> InvalidArgument:
    return InvalidArgument.of("page_token", "the next_page_token of the page before", reason=Reason.PAGE_TOKEN_INVALID)
