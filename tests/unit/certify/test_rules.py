"""R22: rules with typed comparison, combinators, CEL; every outcome explained."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sealwright_certify.adapters.cel import CelFactory
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.rules import ExpressionFactory, RuleDefinition, RuleRegistry, evaluate_all

REGISTRY = RuleRegistry(ExpressionFactory(), CelFactory())
CLAIMS: JsonObject = {
    "company": {
        "level": 3,
        "share": 0.5,
        "name": "Ørsted",
        "tags": ["a", "b"],
        "since": "2020-05-01",
        "ok": True,
        "n": None,
    }
}


def _holds(claim: str, operator: str, value: Any = ..., claims: JsonObject = CLAIMS) -> bool:
    configuration: JsonObject = {"claim": claim, "operator": operator}
    if value is not ...:
        configuration["value"] = value
    rule = RuleDefinition("expression", configuration)
    assert REGISTRY.problems(rule) == []
    return evaluate_all(REGISTRY, (rule,), claims)[0].passed


@pytest.mark.parametrize(
    ("claim", "operator", "value", "expected"),
    [
        ("company.level", "eq", 3, True),
        ("company.level", "eq", 3.0, True),
        ("company.level", "eq", "3", False),
        ("company.level", "neq", "3", True),
        ("company.ok", "eq", 1, False),
        ("company.level", "gt", 2, True),
        ("company.level", "gt", 3, False),
        ("company.level", "geq", 3, True),
        ("company.level", "lt", 3.5, True),
        ("company.level", "leq", 2, False),
        ("company.share", "lt", 1, True),
        ("company.level", "gt", "2", False),
        ("company.name", "gt", "A", True),
        ("company.level", "in", [1, 3], True),
        ("company.level", "in", ["3"], False),
        ("company.level", "nin", [1, 2], True),
        ("company.tags[1]", "eq", "b", True),
        ("company.tags", "eq", ["a", "b"], True),
        ("company.n", "eq", None, True),
        ("company.n", "exists", True, True),
        ("company.missing", "exists", False, True),
        ("company.missing", "exists", True, False),
        ("company.name", "matches", "Ø.*", True),
        ("company.name", "matches", "rsted", False),
        ("company.since", "before", "2021-01-01", True),
        ("company.since", "after", "2020-04-30T23:59:59+00:00", True),
        ("company.since", "after", "2020-05-01T01:00:00+02:00", True),
        ("company.name", "before", "2021-01-01", False),
    ],
)
def test_r22_operators_compare_by_type(claim: str, operator: str, value: Any, expected: bool) -> None:
    """Numbers with numbers, text with text; dates by moment."""
    assert _holds(claim, operator, value) is expected


@pytest.mark.parametrize("operator", ["eq", "neq", "gt", "geq", "lt", "leq", "in", "nin", "matches", "before", "after"])
def test_r22_a_missing_claim_fails_everything_but_exists(operator: str) -> None:
    """Also neq and nin."""
    value: Any = {"in": [1], "nin": [1], "before": "2020-01-01", "after": "2020-01-01"}.get(operator, "1")
    assert not _holds("nothing.here", operator, value)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(left=scalars, right=scalars)
def test_r22_eq_and_neq_are_never_both_true(left: Any, right: Any) -> None:
    """For any two values exactly one of them holds."""
    claims: JsonObject = {"c": left}
    assert _holds("c", "eq", right, claims) is not _holds("c", "neq", right, claims)


def test_r22_combinators_evaluate_and_explain_every_part() -> None:
    """and, or, not; parts after a failed one are evaluated, too."""
    low: JsonObject = {"claim": "company.level", "operator": "lt", "value": 1}
    fine: JsonObject = {"claim": "company.ok", "operator": "eq", "value": True}
    outcome = evaluate_all(
        REGISTRY, (RuleDefinition("expression", {"and": [low, {"or": [low, fine]}, {"not": low}]}),), CLAIMS
    )[0]
    assert not outcome.passed
    assert [part.passed for part in outcome.parts] == [False, True, True]
    assert "Ørsted" not in str(outcome)


RUNAWAY = [
    "(a+)+",
    "(a|a)*b",
    "(?:a|ab)+c",
    "(a?){30}b",
    "((a|b)c){2,}",
    "(x(a*)y)*",
    "a*a*a*a*b",
    "a{1,9}b{1,9}c{1,9}d{1,9}",
    "a?" * 40 + "a" * 40,
    "(?=a)b",
    "(?P<n>a)",
    "(?i)a",
    "(a)\\1",
    "a" * 257,
]
"""Patterns that can take for ever, or that nobody can tell of."""


@pytest.mark.parametrize(
    ("pattern", "text", "holds"),
    [
        ("DK-[0-9]{3}", "DK-123", True),
        ("DK-[0-9]{3}", "xDK-123", False),
        ("[A-Z]{2}(-[0-9]+)?", "DK", True),
        ("(DK|SE|NO)-.+", "SE-1", True),
        (r"[^@]+@[^@]+\.[a-z]{2,}", "a@b.example", True),
        (r"\(a\)\*+[(*+?|]", "(a)**|", True),
        (r"[\]a*+?{3}]+", "]a{", True),
        (r"[]*]{2}", "]*", True),
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", "2026-01-01T00:00:00Z", True),
        (".*", "x" * 257, False),
    ],
)
def test_r22_patterns_that_end_soon_are_taken(pattern: str, text: str, holds: bool) -> None:
    """The whole text has to match; one of more than 256 characters never does."""
    configuration: JsonObject = {"claim": "c", "operator": "matches", "value": pattern}
    assert REGISTRY.problems(RuleDefinition("expression", configuration)) == []
    assert _holds("c", "matches", pattern, {"c": text}) is holds


def test_r22_the_slowest_pattern_that_is_taken_ends_soon() -> None:
    """All the choices that are allowed, on the longest text, with no match."""
    pattern = "a?a?a?a?a*a*a*b"
    assert (
        REGISTRY.problems(RuleDefinition("expression", {"claim": "c", "operator": "matches", "value": pattern})) == []
    )
    begun = time.process_time()
    assert not _holds("c", "matches", pattern, {"c": "a" * 256})
    assert time.process_time() - begun < 30


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"claim": "a"},
        {"claim": "a", "operator": "like", "value": 1},
        {"claim": "a", "operator": "eq"},
        {"claim": "a..b", "operator": "eq", "value": 1},
        {"claim": "a[x]", "operator": "eq", "value": 1},
        {"claim": 7, "operator": "eq", "value": 1},
        {"claim": "a", "operator": "in", "value": 1},
        {"claim": "a", "operator": "gt", "value": True},
        {"claim": "a", "operator": "matches", "value": "("},
        *({"claim": "a", "operator": "matches", "value": pattern} for pattern in RUNAWAY),
        {"claim": "a", "operator": "matches", "value": "(a)\\1"},
        {"claim": "a", "operator": "before", "value": "soon"},
        {"claim": "a", "operator": "eq", "value": 1, "colour": 2},
        {"and": []},
        {"not": []},
        {"and": [{"claim": "a", "operator": "exists"}], "or": []},
    ],
)
def test_r22_wrong_configurations_are_refused_when_stored(configuration: JsonObject) -> None:
    """Nothing unknown is taken, no pattern that can run away."""
    assert REGISTRY.problems(RuleDefinition("expression", configuration))


def test_r22_the_registry_names_its_types() -> None:
    """An unknown type is refused with what there is."""
    assert REGISTRY.types == ("cel", "expression")
    assert REGISTRY.problems(RuleDefinition("magic", {})) == ["a registered rule type: cel, expression"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("claims.company.level >= 3 && 'a' in claims.company.tags", True),
        ("claims.company.level > 3", False),
        ("claims.company.missing == 1", False),
        ("claims.company.name", False),
        ("timestamp('2024-01-01T00:00:00Z') < timestamp('2025-01-01T00:00:00Z')", True),
        ("1 / 0 == 1", False),
        ("has(claims.company.ok)", True),
    ],
)
def test_cel_holds_only_for_true(expression: str, expected: bool) -> None:
    """Errors and other values are a no."""
    rule = RuleDefinition("cel", {"expression": expression})
    assert REGISTRY.problems(rule) == []
    outcome = evaluate_all(REGISTRY, (rule,), CLAIMS)[0]
    assert outcome.passed is expected
    assert "Ørsted" not in outcome.explanation


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"expression": 1},
        {"expression": "1 +"},
        {"expression": "other.x == 1"},
        {"expression": "true", "more": 1},
        {"expression": "[1].all(a, [1].all(b, [1].all(c, true)))"},
        {"expression": "'" + "x" * 5000 + "' == ''"},
    ],
)
def test_cel_configurations_are_checked(configuration: JsonObject) -> None:
    """Syntax, variables, size and nesting of loops."""
    assert REGISTRY.problems(RuleDefinition("cel", configuration))
