"""Problems as google.rpc.Status with ErrorInfo, BadRequest and RetryInfo, and back.

This is the only place that decides what of an error a caller gets to see.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc import aio

from sealwright_common.domain import errors
from sealwright_common.domain.errors import Code, FieldProblem, Problem, Reason

DOMAIN = "sealwright"
"""ErrorInfo domain of every error of ours."""
DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata key of the serialized google.rpc.Status."""

MAX_FIELDS = 20
MAX_TEXT = 500
MAX_DETAILS = 4500
"""Limits of what one error says, in fields and bytes: all of it, in base64, is trailing metadata, of which peers accept
8 KiB."""

STATUS: dict[Code, grpc.StatusCode] = {code: grpc.StatusCode[code.name] for code in Code}
_PROBLEMS: dict[str, type[Problem]] = {
    cls.code.value: cls
    for cls in (
        errors.InvalidArgument,
        errors.OutOfRange,
        errors.NotFound,
        errors.AlreadyExists,
        errors.FailedPrecondition,
        errors.Aborted,
        errors.PermissionDenied,
        errors.Unauthenticated,
        errors.ResourceExhausted,
        errors.DeadlineExceeded,
        errors.Unavailable,
        errors.DataLoss,
        errors.Internal,
    )
}


def status_of(problem: Problem) -> status_pb2.Status:
    """The google.rpc.Status of a problem."""
    status = status_pb2.Status(code=STATUS[problem.code].value[0], message=_clip(problem.message))
    info = error_details_pb2.ErrorInfo(
        reason=problem.reason.value,
        domain=DOMAIN,
        metadata={_clip(key, 64): _clip(value) for key, value in list(problem.metadata.items())[:5]},
    )
    retry = error_details_pb2.RetryInfo()
    if problem.retry_after is not None:
        retry.retry_delay.FromTimedelta(problem.retry_after)
    fields = problem.fields[:MAX_FIELDS]
    while True:
        del status.details[:]
        status.details.add().Pack(info)
        if fields:
            bad = error_details_pb2.BadRequest()
            for wrong in fields:
                bad.field_violations.add(field=_clip(wrong.path, 200), description=_clip(wrong.expected, 200))
            status.details.add().Pack(bad)
        if problem.retry_after is not None:
            status.details.add().Pack(retry)
        if status.ByteSize() <= MAX_DETAILS:
            return status
        # The first fields say most; what was too long to say goes first of all.
        if len(fields) > 1:
            fields = fields[: len(fields) // 2]
        else:
            info.metadata.clear()


def problem_from_status(status: status_pb2.Status) -> Problem:
    """The problem a google.rpc.Status says; unknown reasons become INTERNAL_ERROR of the same code."""
    info = _unpack(status.details, error_details_pb2.ErrorInfo) or error_details_pb2.ErrorInfo()
    bad = _unpack(status.details, error_details_pb2.BadRequest)
    retry = _unpack(status.details, error_details_pb2.RetryInfo)
    code = grpc.StatusCode.UNKNOWN
    for candidate in grpc.StatusCode:
        if candidate.value[0] == status.code:
            code = candidate
    return _problem(
        code,
        info.reason if info.domain == DOMAIN else "",
        status.message,
        fields=[FieldProblem(v.field, v.description) for v in bad.field_violations] if bad else (),
        metadata=dict(info.metadata),
        retry_after=retry.retry_delay.ToTimedelta() if retry else None,
    )


def problem_from_rpc_error(error: aio.AioRpcError) -> Problem:
    """The problem a peer's answer, or its absence, means; a peer that cannot be reached is Unavailable."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            status = status_pb2.Status()
            try:
                status.ParseFromString(value)
            except Exception:  # noqa: BLE001 - a peer's malformed details must not hide its status
                break
            if status.code == error.code().value[0]:
                return problem_from_status(status)
    return _problem(error.code(), "", error.details() or error.code().name)


_FALLBACK_REASON = {
    grpc.StatusCode.UNAVAILABLE: Reason.PEER_UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: Reason.DEADLINE_PASSED,
    grpc.StatusCode.INVALID_ARGUMENT: Reason.FIELD_INVALID,
    grpc.StatusCode.UNAUTHENTICATED: Reason.CALLER_UNKNOWN,
    grpc.StatusCode.PERMISSION_DENIED: Reason.CALLER_NOT_ALLOWED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Reason.REQUEST_TOO_LARGE,
    grpc.StatusCode.ABORTED: Reason.CONFLICT,
}


def _problem(
    code: grpc.StatusCode,
    reason: str,
    message: str,
    *,
    fields: Iterable[FieldProblem] = (),
    metadata: dict[str, str] | None = None,
    retry_after: timedelta | None = None,
) -> Problem:
    kind = _PROBLEMS.get(code.name, errors.Internal)
    known = Reason(reason) if reason in Reason.__members__ else _FALLBACK_REASON.get(code, Reason.INTERNAL_ERROR)
    return kind(known, message, fields=fields, metadata=metadata, retry_after=retry_after)


def _unpack(details: Iterable[any_pb2.Any], kind: type):
    for detail in details:
        if detail.Is(kind.DESCRIPTOR):
            found = kind()
            detail.Unpack(found)
            return found
    return None


def _clip(text: str, limit: int = MAX_TEXT) -> str:
    raw = text.encode("utf-8", "replace")
    return text if len(raw) <= limit else raw[: limit - 3].decode("utf-8", "ignore") + "…"
