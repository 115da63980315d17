"""Domain values to protobuf and back: keys and signing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.common.v1 import errors_pb2, interval_pb2, keys_pb2
from sealwright.signer.v1 import events_pb2, key_service_pb2, resources_pb2, signing_service_pb2
from sealwright_common.domain.errors import InvalidArgument, Problem, Reason
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import (
    DESTRUCTION_DELAY,
    Key,
    KeyAlgorithm,
    KeyPurpose,
    KeySlot,
    KeyState,
    Protection,
)
from sealwright_common.runtime.db import EventRecord

from sealwright_signer.crypto.public_keys import FORMATS
from sealwright_signer.ports import InputKind, KeyEvent, KeyFilter, SignatureFormat
from sealwright_signer.usecases.change_keys import CondemnCommand, DestroyCommand, KeyStep
from sealwright_signer.usecases.create_keys import KeySpec
from sealwright_signer.usecases.read_keys import DEFAULT_PAGE, KeyPage, ListKeysQuery
from sealwright_signer.usecases.sign import IssuerName, SignCommand, Signed

E = TypeVar("E", bound=StrEnum)


class EnumMap:
    """A StrEnum and its proto enum, whose values are the members' names behind a prefix."""

    def __init__(self, domain: type[StrEnum], proto: Any, prefix: str) -> None:
        self.to_proto: dict[StrEnum, Any] = {member: proto.Value(f"{prefix}_{member.name}") for member in domain}
        self.to_domain: dict[int, Any] = {number: member for member, number in self.to_proto.items()}


ALGORITHM = EnumMap(KeyAlgorithm, keys_pb2.KeyAlgorithm, "KEY_ALGORITHM")
PURPOSE = EnumMap(KeyPurpose, keys_pb2.KeyPurpose, "KEY_PURPOSE")
PROTECTION = EnumMap(Protection, keys_pb2.Protection, "PROTECTION")
STATE = EnumMap(KeyState, keys_pb2.KeyState, "KEY_STATE")
KIND = EnumMap(InputKind, resources_pb2.InputKind, "INPUT_KIND")
FORM = EnumMap(SignatureFormat, resources_pb2.SignatureFormat, "SIGNATURE_FORMAT")


def timestamp(moment: datetime) -> Timestamp:
    """A moment as a Timestamp."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def moment(stamp: Timestamp, path: str) -> datetime:
    """A Timestamp as a moment in UTC. InvalidArgument naming ``path`` if it is none."""
    try:
        return stamp.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise InvalidArgument.of(path, "a time between the years 1 and 9999") from None


@lru_cache(maxsize=4096)
def interval(window: Interval) -> interval_pb2.Interval:
    """An interval as its message, to be put into others: all who ask for the same get the same one."""
    return interval_pb2.Interval(start_time=timestamp(window.start), end_time=timestamp(window.end))


def reason_value(reason: Reason) -> Any:
    """The proto value of a reason."""
    return errors_pb2.ErrorReason.Value(f"ERROR_REASON_{reason.name}")


def reason(problem: Problem) -> Any:
    """The proto value of a problem's reason."""
    return reason_value(problem.reason)


# -- keys --


def slot(message: resources_pb2.KeySlot, path: str) -> KeySlot:
    """The slot in a request."""
    start = moment(message.window.start_time, f"{path}.window.start_time")
    end = moment(message.window.end_time, f"{path}.window.end_time")
    if end <= start:
        raise InvalidArgument.of(f"{path}.window.end_time", "a time after start_time")
    return KeySlot(message.issuer_type, message.issuer_cohort, message.slot, Interval(start, end))


def slot_message(place: KeySlot) -> resources_pb2.KeySlot:
    """A slot as its message."""
    return resources_pb2.KeySlot(
        issuer_type=place.issuer_type, issuer_cohort=place.cohort, slot=place.slot, window=interval(place.window)
    )


def key_message(key: Key, now: datetime) -> resources_pb2.Key:
    """A key as its message, in the state that holds at ``now``."""
    return resources_pb2.Key(
        id=str(key.id),
        tenant=key.tenant,
        algorithm=ALGORITHM.to_proto[key.algorithm],
        purpose=PURPOSE.to_proto[key.purpose],
        protection=PROTECTION.to_proto[key.protection],
        state=STATE.to_proto[key.state_at(now)],
        disabled=key.disabled,
        slot=None if key.slot is None else slot_message(key.slot),
        labels=dict(key.labels),
        public_key=key.public_key,
        create_time=timestamp(key.created_time),
        destroy_time=None if key.destroy_time is None else timestamp(key.destroy_time),
        version=key.version,
        token_key_id=key.token_key_id,
    )


def key_specs(request: key_service_pb2.CreateKeysRequest) -> list[KeySpec]:
    """The specifications in a request."""
    return [
        KeySpec(
            algorithm=ALGORITHM.to_domain[spec.algorithm],
            purpose=PURPOSE.to_domain[spec.purpose],
            protection=PROTECTION.to_domain.get(spec.protection, Protection.HSM),
            state=STATE.to_domain.get(spec.state, KeyState.PENDING),
            slot=slot(spec.slot, f"keys[{position}].slot") if spec.HasField("slot") else None,
            labels=dict(spec.labels),
            rsa_bits=spec.rsa_bits,
        )
        for position, spec in enumerate(request.keys)
    ]


def list_query(request: key_service_pb2.ListKeysRequest) -> ListKeysQuery:
    """The query in a request. InvalidArgument PAGE_TOKEN_INVALID for a token that is none of ours."""
    before: UUID | None = None
    if request.page_token:
        try:
            before = parse_id(request.page_token, "page_token")
        except InvalidArgument:
            raise InvalidArgument.of(
                "page_token", "the next_page_token of the page before", reason=Reason.PAGE_TOKEN_INVALID
            ) from None
    which = KeyFilter(
        purpose=PURPOSE.to_domain.get(request.purpose),
        state=STATE.to_domain.get(request.state),
        algorithm=ALGORITHM.to_domain.get(request.algorithm),
        issuer_type=request.issuer_type,
        cohort=request.issuer_cohort,
    )
    return ListKeysQuery(which, before, request.page_size or DEFAULT_PAGE)


def list_response(page: KeyPage, now: datetime) -> key_service_pb2.ListKeysResponse:
    """A page as its message."""
    return key_service_pb2.ListKeysResponse(
        keys=[key_message(key, now) for key in page.keys], next_page_token="" if page.next is None else str(page.next)
    )


def public_key_response(key: Key, form: Any) -> key_service_pb2.GetPublicKeyResponse:
    """A public key in the format asked for."""
    encoded = FORMATS[resources_pb2.PublicKeyFormat.Name(form).removeprefix("PUBLIC_KEY_FORMAT_")](key)
    return key_service_pb2.GetPublicKeyResponse(
        key_id=str(key.id), public_key=encoded.data, media_type=encoded.media_type
    )


def key_steps(request: key_service_pb2.ScheduleKeysRequest) -> list[KeyStep]:
    """The steps in a request."""
    return [
        KeyStep(
            parse_id(step.key_id, f"steps[{position}].key_id"),
            STATE.to_domain[step.state],
            slot(step.slot, f"steps[{position}].slot") if step.HasField("slot") else None,
        )
        for position, step in enumerate(request.steps)
    ]


def destroy_command(request: key_service_pb2.ScheduleKeyDestructionRequest) -> DestroyCommand:
    """The command in a request; the default wait if none is named."""
    delay: timedelta = DESTRUCTION_DELAY
    if request.HasField("delay_duration"):
        delay = request.delay_duration.ToTimedelta()
    return DestroyCommand(parse_id(request.key_id, "key_id"), delay)


def condemn_command(request: key_service_pb2.MarkKeyCompromisedRequest) -> CondemnCommand:
    """The command in a request."""
    return CondemnCommand(parse_id(request.key_id, "key_id"), request.note)


# -- signing --

_Sign = signing_service_pb2.SignRequest | signing_service_pb2.SignBatchRequest | signing_service_pb2.SignStreamRequest


def sign_command(request: signing_service_pb2.SignRequest | signing_service_pb2.SignStreamRequest) -> SignCommand:
    """The command in a request for one signature."""
    return _sign_command(request, (request.input,))


def sign_batch_command(request: signing_service_pb2.SignBatchRequest) -> SignCommand:
    """The command in a request for many signatures."""
    return _sign_command(request, list(request.inputs))


def _sign_command(request: _Sign, inputs: Sequence[bytes]) -> SignCommand:
    if request.WhichOneof("signer") == "issuer":
        signer: UUID | IssuerName = IssuerName(request.issuer.issuer_type, request.issuer.issuer_cohort or 1)
    else:
        signer = parse_id(request.key_id, "key_id")
    return SignCommand(
        signer,
        PURPOSE.to_domain[request.purpose],
        inputs,
        ALGORITHM.to_domain.get(request.algorithm),
        KIND.to_domain.get(request.input_kind, InputKind.MESSAGE),
        FORM.to_domain.get(request.format, SignatureFormat.RAW),
    )


def _window(key: Key) -> interval_pb2.Interval | None:
    return None if key.slot is None else interval(key.slot.window)


def sign_response(signed: Signed) -> signing_service_pb2.SignResponse:
    """One signature as its message."""
    return signing_service_pb2.SignResponse(
        signature=signed.signatures[0],
        key_id=str(signed.key.id),
        algorithm=ALGORITHM.to_proto[signed.key.algorithm],
        window=_window(signed.key),
    )


def sign_batch_response(signed: Signed) -> signing_service_pb2.SignBatchResponse:
    """Many signatures as their message."""
    return signing_service_pb2.SignBatchResponse(
        signatures=signed.signatures,
        key_id=str(signed.key.id),
        algorithm=ALGORITHM.to_proto[signed.key.algorithm],
        window=_window(signed.key),
    )


def sign_stream_response(correlation_id: str, signed: Signed) -> signing_service_pb2.SignStreamResponse:
    """One signature as its message on the stream."""
    return signing_service_pb2.SignStreamResponse(
        correlation_id=correlation_id,
        signature=signed.signatures[0],
        key_id=str(signed.key.id),
        algorithm=ALGORITHM.to_proto[signed.key.algorithm],
        window=_window(signed.key),
    )


def sign_stream_refusal(correlation_id: str, problem: Problem) -> signing_service_pb2.SignStreamResponse:
    """A refusal as its message on the stream."""
    return signing_service_pb2.SignStreamResponse(
        correlation_id=correlation_id, error_reason=reason(problem), error_message=problem.message
    )


# -- events --


def key_event(event: KeyEvent) -> EventRecord:
    """A key event as it is published."""
    message = getattr(events_pb2, event.kind.value)(key=key_message(event.key, event.key.created_time))
    message.key.state = STATE.to_proto[event.key.state]
    return EventRecord(message, str(event.key.id), event.key.version, event.key.tenant)
