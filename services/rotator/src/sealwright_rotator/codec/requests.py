"""Requests to commands, answers to responses."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.issuers import Issuer
from sealwright_common.domain.keys import KeyPurpose
from sealwright_common.domain.schedule import Schedule, ScheduleMode

from sealwright_rotator.codec import resources, values
from sealwright_rotator.usecases.create_issuer import CreatedIssuer
from sealwright_rotator.usecases.mark_compromised import Compromised
from sealwright_rotator.usecases.queries import ActiveKeys, KeyPage, Preview
from sealwright_rotator.usecases.rotate_now import Rotated

_PATHS = {
    "schedule.valid_from": "schedule.valid_from_time",
    "schedule.expires_at": "schedule.expire_time",
    "schedule.publish_lead": "schedule.publish_lead_duration",
    "expires_at": "schedule.expire_time",
    "buffer": "schedule.buffer",
}


def schedule_of(message: resources_pb2.Schedule, now: datetime) -> Schedule:
    """The schedule in a request; InvalidArgument with every wrong field."""
    try:
        return Schedule.checked(
            valid_from=values.moment(message, "valid_from_time", "schedule.valid_from_time") or now,
            duration=CalendarDuration.parse(message.duration, "schedule.duration"),
            buffer=message.buffer or 1,
            overlap=message.overlap,
            mode=values.MODE.domain(message.mode) or ScheduleMode.WINDOW,
            expires_at=values.moment(message, "expire_time", "schedule.expire_time"),
            publish_lead=values.span(message, "publish_lead_duration", "schedule.publish_lead_duration"),
            path="schedule",
        )
    except InvalidArgument as problem:
        raise problem.as_sent(_PATHS) from None


def wanted_issuer(request: pb.CreateIssuerRequest, id: UUID, tenant: str, now: datetime) -> Issuer:
    """The issuer a request asks for."""
    try:
        return Issuer.checked(
            id=id,
            tenant=tenant,
            issuer_type=request.issuer_type,
            cohorts=request.cohorts,
            max_tokens=request.max_tokens or None,
            schedule=schedule_of(request.schedule, now),
            algorithm=values.ALGORITHM.domain(request.algorithm),
            purpose=values.PURPOSE.domain(request.purpose) or KeyPurpose.BLIND_SIGNATURE,
            protection=values.PROTECTION.domain(request.protection),
            verify_for=values.span(request, "verify_duration", "verify_duration"),
            destroy_delay=values.span(request, "destroy_delay_duration", "destroy_delay_duration"),
            allow_legacy_protocol=request.allow_legacy_protocol,
            now=now,
        )
    except InvalidArgument as problem:
        raise problem.as_sent(_PATHS) from None


def cohort_of(request: Any) -> int:
    """The cohort a request names; 1 by default."""
    return request.cohort if request.HasField("cohort") else 1


def created(value: CreatedIssuer) -> pb.CreateIssuerResponse:
    """The answer of CreateIssuer."""
    return pb.CreateIssuerResponse(
        issuer=resources.issuer_message(value.issuer), keys=[resources.key_message(key) for key in value.keys]
    )


def rotated(value: Rotated) -> pb.RotateNowResponse:
    """The answer of RotateNow."""
    return pb.RotateNowResponse(key=resources.key_message(value.key), rotated=value.rotated)


def compromised(value: Compromised) -> pb.MarkCompromisedResponse:
    """The answer of MarkCompromised."""
    successor = None if value.successor is None else resources.key_message(value.successor)
    return pb.MarkCompromisedResponse(key=resources.key_message(value.key), successor=successor)


def key_page(value: KeyPage) -> pb.ListKeysResponse:
    """The answer of ListKeys."""
    return pb.ListKeysResponse(
        keys=[resources.key_message(key) for key in value.keys],
        issuers=[resources.issuer_message(issuer) for issuer in value.issuers],
        next_page_token=values.page_token(value.position, *value.after) if value.after else "",
        position=value.position,
    )


def active_keys(value: ActiveKeys) -> pb.GetActiveKeysResponse:
    """The answer of GetActiveKeys."""
    return pb.GetActiveKeysResponse(
        keys=[resources.key_message(key) for key in value.active],
        signing_keys=[resources.key_message(key) for key in value.signing],
    )


def preview(value: Preview) -> pb.PreviewScheduleResponse:
    """The answer of PreviewSchedule."""
    return pb.PreviewScheduleResponse(
        schedule=resources.schedule_message(value.schedule),
        slots=[resources.slot_message(value.schedule, slot) for slot in value.slots],
        next_page_token="" if value.next_slot is None else values.page_token(value.next_slot),
        modulus=value.schedule.modulus,
        active=value.schedule.active,
    )
