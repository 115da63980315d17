"""Rules of the type ``cel``: Common Expression Language over ``claims``."""

from __future__ import annotations

import re
from functools import lru_cache

import cel
from sealwright_common.domain.json_values import JsonObject
from sealwright_common.domain.rules import Rule, RuleOutcome

MAX_LENGTH = 4096
MAX_LOOPS = 2
"""Most comprehension macros of one expression; their nesting multiplies the work."""

_LOOP = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(")


@lru_cache(maxsize=1024)
def _program(expression: str) -> cel.Program:
    return cel.compile(expression)


class CelFactory:
    """Makes ``cel`` rules: ``{"expression": "claims.onboarding.level >= 3"}``."""

    type = "cel"

    def problems(self, configuration: JsonObject) -> list[str]:
        """What is wrong with a configuration, as expectations."""
        expression = configuration.get("expression")
        if configuration.keys() != {"expression"} or not isinstance(expression, str):
            return ["one member, expression, with a CEL expression as text"]
        if len(expression) > MAX_LENGTH:
            return [f"an expression of at most {MAX_LENGTH} characters"]
        if len(_LOOP.findall(expression)) > MAX_LOOPS:
            return [f"at most {MAX_LOOPS} of the macros all, exists, exists_one, map and filter"]
        try:
            program = _program(expression)
        except ValueError as error:
            return [f"a CEL expression ({str(error).splitlines()[0][:200]})"]
        if unknown := sorted(set(program.variables()) - {"claims"}):
            return [f"no variable but claims; {', '.join(unknown)} is unknown"]
        return []

    def create(self, configuration: JsonObject) -> Rule:
        """The rule of a checked configuration."""
        return _CelRule(str(configuration["expression"]))


class _CelRule:
    def __init__(self, expression: str) -> None:
        self._expression = expression

    def evaluate(self, claims: JsonObject) -> RuleOutcome:
        """Holds only if the expression gives true; an error, such as a missing claim, is a no with its reason."""
        try:
            value = _program(self._expression).execute({"claims": claims})
        except (KeyError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:
            # The library's own message may hold a claim's value; its class says enough.
            return RuleOutcome("cel", False, f"{self._expression}: cannot be evaluated ({type(error).__name__})")
        passed = value is True
        verdict = "holds" if passed else "does not hold" if value is False else "gives no boolean"
        return RuleOutcome("cel", passed, f"{self._expression}: {verdict}")
