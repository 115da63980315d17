"""JSON-e templates inside a budget.

The template is data, and so is what it is filled with: values are put in whole and never read as template again. The
library itself has no limits, so this module runs a private copy of its renderer with an interpreter that counts steps,
looks at the clock and refuses operations whose result grows without bound. Expressions are parsed once.
"""

from __future__ import annotations

import importlib.util
import time
from functools import lru_cache
from types import ModuleType
from typing import Any

from jsone.builtins import build
from jsone.interpreter import Interpreter
from jsone.shared import DeleteMarker, JSONTemplateError
from sealwright_common.domain.errors import InvalidArgument, Reason, ResourceExhausted
from sealwright_common.domain.json_values import Json, JsonObject

MAX_SECONDS = 0.05
MAX_BYTES = 256 * 1024
MAX_STEPS = 20_000
MAX_DEPTH = 64

_BUDGET = "\0budget"
"""Under this name the budget travels in the context: no expression can name it."""

CONTENT_MEMBERS = frozenset(
    {"credentialSubject", "name", "description", "evidence", "termsOfUse", "expirationDate", "validUntil"}
)
"""Members a template may make at its top. Everything else of a credential is certify's to set."""


class _Budget:
    """What one rendering may still spend."""

    def __init__(self) -> None:
        self._steps = 0
        # The thread's own time: a busy machine must not make a good template fail.
        self._end = time.thread_time() + MAX_SECONDS

    def step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS or (self._steps & 31 == 0 and time.thread_time() > self._end):
            raise _Spent

    @staticmethod
    def size(count: int) -> None:
        if count > MAX_BYTES:
            raise _Spent


class _Spent(Exception):
    """The budget is used up."""


class _Frugal(Interpreter):
    """Evaluates expressions within the budget."""

    def visit(self, node: Any) -> Any:
        self.context[_BUDGET].step()
        return super().visit(node)

    def visit_BinOp(self, node: Any) -> Any:
        operator = node.token.kind
        if operator == "**":
            raise JSONTemplateError("the operator ** is not available")
        value = super().visit_BinOp(node)
        if isinstance(value, str):
            self.context[_BUDGET].size(len(value))
        elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 64:
            raise JSONTemplateError("a number beyond 64 bits")
        return value


def _renderer() -> ModuleType:
    """A copy of the library's renderer of our own, with the frugal interpreter and parsed expressions kept."""
    spec = importlib.util.find_spec("jsone.render")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    parser, tokenizer, unexpected = module.Parser, module.tokenizer, module.SyntaxError.unexpected
    render_value = module.renderValue

    @lru_cache(maxsize=4096)
    def parsed(source: str) -> tuple[Any, Any]:
        reader = parser(source, tokenizer)
        return reader.parse(), reader.current_token

    def parse(source: str, context: dict[str, Any]) -> Any:
        tree, rest = parsed(source)
        if rest is not None:
            raise unexpected(rest)
        return _Frugal(context).interpret(tree)

    def parse_until_terminator(source: str, context: dict[str, Any], terminator: str) -> tuple[Any, int]:
        tree, rest = parsed(source)
        if rest is None:
            raise JSONTemplateError("unterminated ${..} expression")
        if rest.kind != terminator:
            raise unexpected(rest)
        return _Frugal(context).interpret(tree), rest.start

    def counted(template: Any, context: dict[str, Any]) -> Any:
        context[_BUDGET].step()
        return render_value(template, context)

    # Rendering must not read the clock; without its operator the name is refused as reserved.
    module.operators.pop("$fromNow")
    vars(module).update(parse=parse, parse_until_terminator=parse_until_terminator, renderValue=counted)
    return module


_RENDERER = _renderer()


def _range(start: Any, stop: Any, step: Any = 1) -> list[int]:
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in (start, stop, step)) or step == 0:
        raise JSONTemplateError("range: expected whole numbers and a step")
    _Budget.size(len(range(start, stop, step)))
    return list(range(start, stop, step))


def _join(items: Any, separator: Any) -> str:
    if not isinstance(items, list):
        raise JSONTemplateError("join: expected a list")
    texts = [str(item) for item in items]
    _Budget.size(sum(map(len, texts)) + len(str(separator)) * len(texts))
    return str(separator).join(texts)


# What reads the clock is left out, so that the same claims always give the same content; what grows is bounded.
_BUILTINS: dict[str, Any] = {
    name: function for name, function in build().items() if name not in ("fromNow", "range", "join")
} | {"range": _range, "join": _join}


class JsonETemplates:
    """Renders JSON-e templates."""

    def problems(self, template: Json) -> list[str]:
        """What is wrong with a template when it is stored: its shape and members it may not set."""
        if not isinstance(template, dict):
            return ["an object with credentialSubject"]
        if depth_of(template) > MAX_DEPTH:
            return [f"nesting of at most {MAX_DEPTH}"]
        if any(name.startswith("$") for name in template):
            return []  # its members are known only when it is rendered
        found: list[str] = []
        if reserved := sorted(template.keys() - CONTENT_MEMBERS):
            found.append(f"no member {', '.join(reserved)}; certify sets the rest of a credential itself")
        if "credentialSubject" not in template:
            found.append("a member credentialSubject")
        return found

    def render(self, template: Json, context: JsonObject) -> JsonObject:
        """The content; reserved members and a subject id that the template or data brought are refused or dropped."""
        full: dict[str, Any] = {**_BUILTINS, **context, _BUDGET: _Budget()}
        try:
            made = _RENDERER.renderValue(template, full)
            if made is not DeleteMarker:
                _measure(made)
        except _Spent:
            raise ResourceExhausted(
                Reason.TEMPLATE_BUDGET,
                f"the template needs more than {int(MAX_SECONDS * 1000)} ms, {MAX_STEPS} steps or {MAX_BYTES} bytes",
            ) from None
        except (JSONTemplateError, RecursionError, ValueError, TypeError, KeyError, OverflowError) as error:
            # The message can hold data; the class and the template's own place cannot.
            raise InvalidArgument.of(
                "template", f"a template that fits the claims ({type(error).__name__})", reason=Reason.TEMPLATE_INVALID
            ) from error
        if not isinstance(made, dict):
            raise InvalidArgument.of("template", "an object as result", reason=Reason.TEMPLATE_INVALID)
        if reserved := sorted(made.keys() - CONTENT_MEMBERS):
            raise InvalidArgument.of(
                f"template.{reserved[0]}", "no member that certify sets itself", reason=Reason.TEMPLATE_INVALID
            )
        return made


def depth_of(value: Json) -> int:
    """How deep a value is nested."""
    deepest, todo = 0, [(value, 1)]
    while todo:
        current, depth = todo.pop()
        deepest = max(deepest, depth)
        children = current.values() if isinstance(current, dict) else current if isinstance(current, list) else ()
        todo += [(child, depth + 1) for child in children]
    return deepest


def _measure(value: Any) -> None:
    """Counts the bytes the result would have, stopping at the limit: shared parts count each time they occur."""
    spent, todo = 0, [(value, 1)]
    while todo:
        current, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise _Spent
        if isinstance(current, str):
            spent += len(current) + 2
        elif isinstance(current, dict):
            spent += 2 + sum(len(name) + 4 for name in current)
            todo += [(child, depth + 1) for child in current.values()]
        elif isinstance(current, list):
            spent += 2 + len(current)
            todo += [(child, depth + 1) for child in current]
        elif current is None or isinstance(current, int | float):
            spent += 8
        else:
            raise JSONTemplateError("a function that was not called")
        _Budget.size(spent)
