"""Rules: what must hold of the claims before a credential is issued, and why it did not.

A rule is a registered type and a configuration. This file has the type ``expression`` and the combinators around it:
``{"claim": "onboarding.signedDocuments", "operator": "eq", "value": true}`` and ``{"and": [...]}``, ``{"or": [...]}``,
``{"not": {...}}``. Values are compared by type: numbers with numbers (1 equals 1.0), text with text, booleans with
booleans, and nothing else is comparable. A missing claim fails every operator but ``exists``, so that ``eq`` and
``neq`` are never both true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeAlias

from sealwright_common.domain import patterns
from sealwright_common.domain.json_values import Json, JsonObject, Missing, Segment, find, kind, parse_path

MAX_DEPTH = 16
"""Deepest nesting of combinators."""

MAX_KEPT = 4096
"""Most rules that a registry keeps ready."""

OPERATORS = ("eq", "neq", "gt", "geq", "lt", "leq", "in", "nin", "exists", "matches", "before", "after")
"""The operators of ``expression``."""


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """A rule as it stands in a definition."""

    type: str
    configuration: JsonObject


class RuleOutcome(NamedTuple):
    """What a rule said of some claims, and why. Explanations name types, never values of claims."""

    type: str
    passed: bool
    explanation: str
    parts: tuple[RuleOutcome, ...] = ()


class Rule(Protocol):
    """A rule ready to be asked."""

    def evaluate(self, claims: JsonObject) -> RuleOutcome:
        """The outcome for ``claims``; never raises."""
        ...


class RuleFactory(Protocol):
    """Makes the rules of one type."""

    @property
    def type(self) -> str:
        """The type's name."""
        ...

    def problems(self, configuration: JsonObject) -> list[str]:
        """What is wrong with a configuration, as expectations; empty if nothing is."""
        ...

    def create(self, configuration: JsonObject) -> Rule:
        """The rule of a configuration that has no problems."""
        ...


class RuleRegistry:
    """The rule types that definitions may use."""

    def __init__(self, *factories: RuleFactory) -> None:
        self._factories: dict[str, RuleFactory] = {factory.type: factory for factory in factories}
        self._made: dict[int, tuple[RuleDefinition, Rule]] = {}

    def register(self, factory: RuleFactory) -> None:
        """Adds or replaces a type."""
        self._factories[factory.type] = factory
        self._made.clear()

    @property
    def types(self) -> tuple[str, ...]:
        """Registered types, sorted."""
        return tuple(sorted(self._factories))

    def problems(self, definition: RuleDefinition) -> list[str]:
        """What is wrong with a rule definition."""
        factory = self._factories.get(definition.type)
        if factory is None:
            return [f"a registered rule type: {', '.join(self.types)}"]
        return factory.problems(definition.configuration)

    def create(self, definition: RuleDefinition) -> Rule:
        """The rule of a definition without problems; kept by identity, because what is stored never changes."""
        known = self._made.get(id(definition))
        if known is not None and known[0] is definition:
            return known[1]
        if len(self._made) >= MAX_KEPT:
            self._made.clear()
        rule = self._factories[definition.type].create(definition.configuration)
        # The definition is kept with it, so that its identity cannot become another's.
        self._made[id(definition)] = definition, rule
        return rule


def evaluate_all(
    registry: RuleRegistry, rules: tuple[RuleDefinition, ...], claims: JsonObject
) -> tuple[RuleOutcome, ...]:
    """Every rule's outcome, also after one failed, so that all reasons are known."""
    return tuple(registry.create(rule).evaluate(claims) for rule in rules)


# ---- typed comparison


_Comparable: TypeAlias = "Decimal | str | bool | None"


def _comparable(value: Json | Missing) -> tuple[str, _Comparable] | None:
    """The value with its kind of comparison; None for what cannot be compared (lists, objects, missing)."""
    match value:
        case bool():
            return "boolean", value
        case int() | float():
            return "number", Decimal(str(value))
        case str():
            return "string", value
        case None:
            return "null", None
        case _:
            return None


def equal(left: Json | Missing, right: Json | Missing) -> bool:
    """Whether two values are the same by type and value; lists and objects item by item."""
    if isinstance(left, (str, bool)) and type(left) is type(right):
        return left == right
    if isinstance(left, Missing) or isinstance(right, Missing):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    return (pair := _comparable(left)) is not None and pair == _comparable(right)


def _order(left: Json | Missing, right: Json) -> int | None:
    """-1, 0 or 1 for two numbers or two texts; None if they cannot be ordered."""
    match left, right:
        case bool(), _:
            return None
        case _, bool():
            return None
        case int() | float(), int() | float():
            a, b = Decimal(str(left)), Decimal(str(right))
            return (a > b) - (a < b)
        case str(), str():
            return (left > right) - (left < right)
        case _:
            return None


def moment(value: Json | Missing) -> datetime | None:
    """The moment in UTC that an ISO 8601 date or date-time text names (no offset: UTC); None if it names none."""
    if not isinstance(value, str):
        return None
    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _ordered(accept: Callable[[int], bool]) -> Callable[[Json | Missing, Json], bool]:
    def test(found: Json | Missing, value: Json) -> bool:
        order = _order(found, value)
        return order is not None and accept(order)

    return test


def _dated(accept: Callable[[datetime, datetime], bool]) -> Callable[[Json | Missing, Json], bool]:
    def test(found: Json | Missing, value: Json) -> bool:
        a, b = moment(found), moment(value)
        return a is not None and b is not None and accept(a, b)

    return test


def _within(found: Json | Missing, value: Json) -> bool:
    return isinstance(value, list) and any(equal(found, item) for item in value)


def _matches(found: Json | Missing, value: Json) -> bool:
    return isinstance(found, str) and isinstance(value, str) and patterns.matches(value, found)


_TESTS: Mapping[str, Callable[[Json | Missing, Json], bool]] = {
    "eq": equal,
    "neq": lambda found, value: not equal(found, value),
    "gt": _ordered(lambda order: order > 0),
    "geq": _ordered(lambda order: order >= 0),
    "lt": _ordered(lambda order: order < 0),
    "leq": _ordered(lambda order: order <= 0),
    "in": _within,
    "nin": lambda found, value: isinstance(value, list) and not _within(found, value),
    "matches": _matches,
    "before": _dated(lambda a, b: a < b),
    "after": _dated(lambda a, b: a > b),
}


@dataclass(frozen=True, slots=True)
class Expression:
    """One comparison of one claim."""

    path: tuple[Segment, ...]
    claim: str
    operator: str
    value: Json

    def evaluate(self, claims: JsonObject) -> RuleOutcome:
        found = find(claims, self.path)
        if self.operator == "exists":
            passed = isinstance(found, Missing) is (self.value is False)
        else:
            passed = not isinstance(found, Missing) and _TESTS[self.operator](found, self.value)
        expected = "" if self.operator == "exists" else f" a value of type {kind(self.value)}"
        verdict = "holds" if passed else "does not hold"
        return RuleOutcome(
            "expression",
            passed,
            f"{self.claim} {self.operator}{expected}: {verdict}; the claim is of type {kind(found)}",
        )


@dataclass(frozen=True, slots=True)
class Combination:
    """``and``, ``or`` or ``not`` over other rules; every part is evaluated, so that all reasons are known."""

    operator: str
    parts: tuple[Expression | Combination, ...]

    def evaluate(self, claims: JsonObject) -> RuleOutcome:
        outcomes = tuple(part.evaluate(claims) for part in self.parts)
        match self.operator:
            case "and":
                passed = all(outcome.passed for outcome in outcomes)
            case "or":
                passed = any(outcome.passed for outcome in outcomes)
            case _:
                passed = not outcomes[0].passed
        held = sum(outcome.passed for outcome in outcomes)
        return RuleOutcome("expression", passed, f"{self.operator}: {held} of {len(outcomes)} parts hold", outcomes)


# ---- the type "expression"


class ExpressionFactory:
    """Makes ``expression`` rules."""

    type = "expression"

    def problems(self, configuration: JsonObject) -> list[str]:
        """What is wrong with a configuration, as expectations."""
        return _problems(configuration, 0)

    def create(self, configuration: JsonObject) -> Rule:
        """The rule of a checked configuration."""
        return _build(configuration)


def _problems(configuration: Json, depth: int) -> list[str]:
    if not isinstance(configuration, dict):
        return ["a rule object {claim, operator, value} or one of and, or, not"]
    if depth > MAX_DEPTH:
        return [f"combinators nested at most {MAX_DEPTH} deep"]
    for combinator in ("and", "or", "not"):
        if combinator in configuration:
            if len(configuration) != 1:
                return [f"{combinator} to stand alone in its object"]
            inner = configuration[combinator]
            if combinator == "not":
                return _problems(inner, depth + 1)
            if not isinstance(inner, list) or not inner:
                return [f"a non-empty list of rules under {combinator}"]
            return [problem for part in inner for problem in _problems(part, depth + 1)]
    return _expression_problems(configuration)


def _expression_problems(configuration: JsonObject) -> list[str]:
    problems = [f"no member {name!r}" for name in configuration.keys() - {"claim", "operator", "value"}]
    claim, operator = configuration.get("claim"), configuration.get("operator")
    if not isinstance(claim, str):
        problems.append("claim: a path such as onboarding.signedDocuments")
    else:
        try:
            parse_path(claim)
        except ValueError as error:
            problems.append(f"claim: {error}")
    if operator not in OPERATORS:
        problems.append(f"operator: one of {', '.join(OPERATORS)}")
    elif problem := _value_problem(str(operator), configuration):
        problems.append(f"value: {problem}")
    return problems


def _value_problem(operator: str, configuration: JsonObject) -> str | None:
    value = configuration.get("value", Missing())
    match operator:
        case "exists":
            return None if isinstance(value, bool | Missing) else "true, false or absent"
        case _ if isinstance(value, Missing):
            return "a value to compare with"
        case "in" | "nin":
            return None if isinstance(value, list) and value else "a non-empty list"
        case "matches":
            return patterns.problem_of(value)
        case "before" | "after":
            return None if moment(value) else "an ISO 8601 date or date-time"
        case "gt" | "geq" | "lt" | "leq":
            ordered = isinstance(value, int | float | str) and not isinstance(value, bool)
            return None if ordered else "a number or a text"
        case _:
            return None


def _build(configuration: Json) -> Expression | Combination:
    assert isinstance(configuration, dict)
    for combinator in ("and", "or", "not"):
        inner = configuration.get(combinator)
        if inner is not None:
            return Combination(
                combinator, tuple(_build(part) for part in (inner if isinstance(inner, list) else [inner]))
            )
    claim, operator = str(configuration["claim"]), str(configuration["operator"])
    return Expression(parse_path(claim), claim, operator, configuration.get("value"))
