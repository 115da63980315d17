"""protovalidate's rules as InvalidArgument with field paths."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import Message
from protovalidate import Validator

from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason
from sealwright_common.runtime.grpc.errors import MAX_FIELDS

_validator = Validator()


def validate(message: Message) -> None:
    """Check ``message`` against the rules in its proto. Raises InvalidArgument with one entry per broken rule."""
    violations = _validator.collect_violations(message)
    if violations:
        fields = [
            FieldProblem(_path(violation.proto), violation.proto.message or violation.proto.rule_id)
            for violation in violations[:MAX_FIELDS]
        ]
        raise InvalidArgument(
            Reason.FIELD_INVALID, "; ".join(f"{field.path} {field.expected}" for field in fields), fields=fields
        )


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
