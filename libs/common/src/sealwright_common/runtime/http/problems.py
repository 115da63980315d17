"""Problems as RFC 9457 problem+json."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import orjson
from starlette.responses import Response

from sealwright_common.domain.errors import Code, Problem

STATUS: dict[Code, int] = {
    Code.INVALID_ARGUMENT: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.FAILED_PRECONDITION: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.INTERNAL: 500,
    Code.DATA_LOSS: 500,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""HTTP status of each code, after google.rpc.Code; FAILED_PRECONDITION is 409, as it is about a state."""

SOON = timedelta(seconds=1)
"""Retry-After of a 429 or 503 whose problem names no time."""


def problem_document(problem: Problem, status: int) -> dict[str, Any]:
    """The members of the problem+json document."""
    document: dict[str, Any] = {
        "type": f"urn:sealwright:problem:{problem.reason.value.lower().replace('_', '-')}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": problem.message,
        "reason": problem.reason.value,
    }
    if problem.fields:
        document["errors"] = [{"field": field.path, "expected": field.expected} for field in problem.fields]
    if problem.metadata:
        document["metadata"] = dict(problem.metadata)
    return document


def plain_problem(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The problem+json answer of a bare HTTP status, such as 404 for a path that no route has."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return Response(orjson.dumps(body), status, headers=dict(headers or {}), media_type="application/problem+json")


def retry_after(problem: Problem) -> int:
    """Whole seconds until a repeat makes sense, at least one."""
    return max(1, math.ceil((problem.retry_after or SOON).total_seconds()))


def problem_response(problem: Problem, status: int | None = None) -> Response:
    """The problem+json answer of a problem; ``status`` overrides the table where a protocol asks for another one."""
    status = STATUS[problem.code] if status is None else status
    headers = {"cache-control": "no-store"}
    # Whoever is told to come back is told when.
    if problem.retry_after is not None or status in (429, 503):
        headers["retry-after"] = str(retry_after(problem))
    return Response(
        orjson.dumps(problem_document(problem, status)), status, headers=headers, media_type="application/problem+json"
    )
