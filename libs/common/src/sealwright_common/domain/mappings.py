"""Mappings: which claim goes where in a credential, and as what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from sealwright_common.domain.errors import FieldProblem
from sealwright_common.domain.json_values import MISSING, Json, JsonObject, Missing, find, kind, parse_path, place
from sealwright_common.domain.rules import moment

TYPES = ("", "string", "integer", "number", "boolean", "date", "date-time")
"""Types a mapping can turn a value into; the empty one leaves it as it is."""

OUTPUT_ROOTS = frozenset(
    {"credentialSubject", "expirationDate", "validUntil", "name", "description", "evidence", "termsOfUse"}
)
"""Members of a credential that a mapping may fill; all others are set by certify and data cannot override them."""

PROTECTED_OUTPUTS = frozenset({("credentialSubject", "id")})
"""Paths below them that certify sets: the subject is always the verified holder."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """One claim and its place in the credential."""

    input: str
    output: str
    required: bool = False
    default: Json | Missing = MISSING
    """Used when the claim is missing; MISSING for none."""
    type: str = ""


class Mapped(NamedTuple):
    """What mappings made of some claims."""

    document: JsonObject
    problems: tuple[str, ...]
    """What kept a required or present claim out, one line each; empty if all went well."""


def convert(value: Json, type_: str) -> Json:
    """``value`` as ``type_``; ValueError if it cannot be said without loss."""
    match type_, value:
        case "", _:
            return value
        case "string", str():
            return value
        case "string", bool():
            return "true" if value else "false"
        case "string", int() | float():
            return str(value)
        case "boolean", bool():
            return value
        case "boolean", "true" | "false":
            return value == "true"
        case (("integer" | "number"), str() | int() | float()) if not isinstance(value, bool):
            return _number(value, type_)
        case (("date" | "date-time"), str()):
            parsed = moment(value)
            if parsed is None:
                raise ValueError("an ISO 8601 date or date-time")
            utc = parsed.astimezone(UTC)
            return utc.date().isoformat() if type_ == "date" else utc.isoformat().replace("+00:00", "Z")
        case _:
            raise ValueError(f"a value that can be read as {type_}, not {kind(value)}")


def _number(value: str | int | float, type_: str) -> int | float:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"a value that can be read as {type_}") from None
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise ValueError("a finite number")
    if number == number.to_integral_value():
        return int(number)
    if type_ == "integer":
        raise ValueError("a whole number")
    return float(number)


def problems(mappings: Iterable[Mapping], path: str = "mappings") -> list[FieldProblem]:
    """What is wrong with mappings when a definition is stored."""
    found: list[FieldProblem] = []
    outputs: set[tuple[str | int, ...]] = set()
    for position, mapping in enumerate(mappings):
        here = f"{path}[{position}]"
        try:
            parse_path(mapping.input)
        except ValueError as error:
            found.append(FieldProblem(f"{here}.input", str(error)))
        try:
            output = parse_path(mapping.output)
        except ValueError as error:
            found.append(FieldProblem(f"{here}.output", str(error)))
            continue
        if output[0] not in OUTPUT_ROOTS or output[:2] in PROTECTED_OUTPUTS or output == ("credentialSubject",):
            roots = ", ".join(sorted(OUTPUT_ROOTS))
            found.append(FieldProblem(f"{here}.output", f"a place under {roots}; certify sets the rest itself"))
        if output in outputs:
            found.append(FieldProblem(f"{here}.output", "a place no other mapping fills"))
        outputs.add(output)
        if mapping.type not in TYPES:
            found.append(FieldProblem(f"{here}.type", f"one of {', '.join(TYPES[1:])}, or empty"))
        elif not isinstance(mapping.default, Missing):
            try:
                convert(mapping.default, mapping.type)
            except ValueError as error:
                found.append(FieldProblem(f"{here}.default", str(error)))
    if not any(output[0] == "credentialSubject" for output in outputs):
        found.append(FieldProblem(path, "at least one mapping into credentialSubject"))
    return found


def apply(mappings: Iterable[Mapping], claims: JsonObject) -> Mapped:
    """The credential content that ``mappings`` make of ``claims``. Missing optional claims leave their place absent."""
    document: JsonObject = {}
    wrong: list[str] = []
    for mapping in mappings:
        value = find(claims, parse_path(mapping.input))
        if isinstance(value, Missing):
            value = mapping.default
        if isinstance(value, Missing):
            if mapping.required:
                wrong.append(f"{mapping.input}: required and missing")
            continue
        try:
            place(document, parse_path(mapping.output), convert(value, mapping.type))
        except ValueError as error:
            wrong.append(f"{mapping.input} -> {mapping.output}: expected {error}")
    return Mapped(document, tuple(wrong))
