"""The error catalogue: one list in the domain, the same list in the contract."""

from __future__ import annotations

from sealwright.common.v1.errors_pb2 import ErrorReason
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Problem, Reason


def test_every_reason_of_the_domain_stands_in_the_contract_and_no_other() -> None:
    """Programs match on reasons: the enum in the contract and the one in the domain may not drift apart."""
    in_contract = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert in_contract == {reason.value for reason in Reason}


def test_every_problem_class_has_its_own_code() -> None:
    """A status code belongs to one exception, so that ``except NotFound`` means NOT_FOUND."""
    codes = [problem.code for problem in Problem.__subclasses__()]
    assert len(set(codes)) == len(codes) == 13


def test_wrong_fields_are_all_named_with_what_was_expected() -> None:
    """A person mends every field at once, not one a try."""
    problem = InvalidArgument.of_all([FieldProblem("a.b", "a number"), FieldProblem("c[1]", "32 bytes")])
    assert problem.message == "a.b: expected a number; c[1]: expected 32 bytes"
    assert [field.path for field in problem.fields] == ["a.b", "c[1]"]
