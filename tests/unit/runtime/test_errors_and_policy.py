"""The error catalogue both ways, and the policy table."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import quote

import grpc
import pytest
from google.rpc import status_pb2
from grpc import aio
from sealwright_common.domain import errors
from sealwright_common.domain.errors import Code, FieldProblem, Internal, InvalidArgument, Problem, Reason, Unavailable
from sealwright_common.runtime.grpc.errors import (
    DETAILS_KEY,
    STATUS,
    problem_from_rpc_error,
    problem_from_status,
    status_of,
)
from sealwright_common.runtime.grpc.policy import Policy
from sealwright_common.runtime.http.problems import STATUS as HTTP_STATUS
from sealwright_common.runtime.http.problems import problem_document, problem_response

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, Problem) and kind is not Problem
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_problem_goes_there_and_back(kind: type[Problem]) -> None:
    problem = kind(
        Reason.CONFLICT,
        "what to do next",
        fields=[FieldProblem("a.b[3]", "a number")],
        metadata={"id": "5"},
        retry_after=timedelta(milliseconds=1500),
    )
    status = status_pb2.Status.FromString(status_of(problem).SerializeToString())
    back = problem_from_status(status)
    assert type(back) is kind
    assert (back.reason, back.message, back.fields) == (problem.reason, problem.message, problem.fields)
    assert (back.metadata, back.retry_after) == (problem.metadata, problem.retry_after)


def test_every_code_has_a_status_in_both_worlds() -> None:
    assert STATUS.keys() == HTTP_STATUS.keys() == set(Code)
    assert {kind.code for kind in KINDS} == set(Code)


def test_an_error_fits_into_trailing_metadata_whatever_it_says() -> None:
    problem = InvalidArgument(
        Reason.FIELD_INVALID,
        "ä" * 100_000,
        fields=[FieldProblem("p" * 1000, "e" * 1000) for _ in range(1000)],
        metadata={f"{n}" * 100: "v" * 10_000 for n in range(3)},
    )
    status = status_of(problem)
    assert len(base64.b64encode(status.SerializeToString())) + len(quote(status.message)) < 8000
    assert len(problem_from_status(status).fields) >= 5


def test_a_peer_s_error_without_details_is_still_a_problem() -> None:
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            problem = problem_from_rpc_error(aio.AioRpcError(code, aio.Metadata(), aio.Metadata(), "why"))
            assert problem.code.value == (code.name if code.name in Code.__members__ else "INTERNAL")
    broken = aio.Metadata((DETAILS_KEY, b"\xff\xff"))
    error = aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, aio.Metadata(), broken, "away")
    assert isinstance(problem_from_rpc_error(error), Unavailable)


def test_a_problem_over_http() -> None:
    problem = InvalidArgument(
        Reason.FIELD_INVALID, "m", fields=[FieldProblem("a", "b")], retry_after=timedelta(seconds=1.2)
    )
    assert problem_document(problem, 400) == {
        "type": "urn:sealwright:problem:field-invalid",
        "title": "Bad Request",
        "status": 400,
        "detail": "m",
        "reason": "FIELD_INVALID",
        "errors": [{"field": "a", "expected": "b"}],
    }
    response = problem_response(problem)
    assert (response.status_code, response.headers["retry-after"]) == (400, "2")
    assert response.headers["content-type"] == "application/problem+json"
    assert problem_response(Internal(Reason.INTERNAL_ERROR, "x"), 502).status_code == 502


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"callers": ()}, "nobody could ever call"),
        ({"callers": {"root"}}, "unknown roles"),
        ({"callers": {"stamp"}, "rate": "fast"}, "unknown rate class"),
        ({"callers": {"stamp"}, "deadline": timedelta(0)}, "positive"),
    ],
)
def test_a_policy_refuses_nonsense(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Policy(**values)  # pyright: ignore[reportArgumentType]
