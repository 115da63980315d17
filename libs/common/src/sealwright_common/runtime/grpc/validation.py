"""protovalidate's rules as InvalidArgument with field paths."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from protovalidate import Validator

from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason
from sealwright_common.runtime.grpc.errors import MAX_FIELDS

MAX_RULES = 2000
"""Fields that a wrong message may have, all inner messages counted, to have every one of them named."""

_validator = Validator()


def validate(message: Message) -> None:
    """Check ``message`` against the rules in its proto. Raises InvalidArgument with one entry per broken rule.

    A message that could break more rules than anybody wants to read is answered with the first one: listing half a
    million of them takes seconds, in which nobody else is served.
    """
    violations = _validator.collect_violations(message, fail_fast=True)
    if not violations:
        return
    if _rules_left(message, MAX_RULES) > 0:
        violations = _validator.collect_violations(message)
    fields = [
        FieldProblem(_path(violation.proto), violation.proto.message or violation.proto.rule_id)
        for violation in violations[:MAX_FIELDS]
    ]
    raise InvalidArgument(
        Reason.FIELD_INVALID, "; ".join(f"{field.path} {field.expected}" for field in fields), fields=fields
    )


def _rules_left(message: Message, budget: int) -> int:
    """``budget`` less the fields that ``message`` and all messages in it have; stops counting at 0."""
    budget -= len(message.DESCRIPTOR.fields)
    for field, value in message.ListFields():
        if budget <= 0:
            break
        if not field.is_repeated:
            if field.message_type is not None:
                budget = _rules_left(value, budget)
            continue
        budget -= len(value)
        if field.message_type is None:
            continue
        for item in value.values() if field.message_type.GetOptions().map_entry else value:
            if budget <= 0:
                break
            if isinstance(item, Message):
                budget = _rules_left(item, budget)
    return budget


def malformed(message: str) -> InvalidArgument:
    """The refusal of bytes that are no message of the declared type."""
    return InvalidArgument(
        Reason.FIELD_INVALID, f"the request is not a {message}; check that client and server use the same protos"
    )


def _path(violation: Any) -> str:
    """``items[3].digest``; map keys in quotes. A rule of the whole message has no path."""
    path = ""
    for element in violation.field.elements if violation.field is not None else ():
        path += ("." if path else "") + element.field_name
        if element.subscript is not None:
            key = element.subscript.value
            path += f'["{key}"]' if isinstance(key, str) else f"[{key}]"
    return path or "(request)"
