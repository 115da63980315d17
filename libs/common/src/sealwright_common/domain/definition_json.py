"""The credential definition's JSON form, with the names of the architecture document.

``{"credentialType", "dataModel", "schema", "validityPeriod" | "validity", "format", "attestations", "rules",
"mappings" | "mappingDefinitions"}`` and the members certify adds. ``validityPeriod`` is in milliseconds,
``validity`` in seconds. ``format`` is a profile alias or format name; where it is empty ``dataModel``
decides, and a pair that contradicts itself is refused.
"""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import cast

from sealwright_common.domain.credentials import (
    MAX_VALIDITY,
    CredentialDefinition,
    CredentialFormat,
    Display,
    ReissuePolicy,
    StatusPurpose,
)
from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason
from sealwright_common.domain.json_values import MISSING, Json, JsonObject, as_object
from sealwright_common.domain.mappings import Mapping
from sealwright_common.domain.rules import RuleDefinition

_DATA_MODELS = {
    "1.1": CredentialFormat.VC11_SL2021_JWT,
    "V_1_1": CredentialFormat.VC11_SL2021_JWT,
    "2.0": CredentialFormat.VC20_BSSL_JWT,
    "V_2_0": CredentialFormat.VC20_BSSL_JWT,
}
_EDC_FORMATS = {"VC1_0_JWT": CredentialFormat.VC11_SL2021_JWT, "VC2_0_JOSE": CredentialFormat.VC20_BSSL_JWT}
MANY = 1000
"""More than any count may be: what is beyond is as wrong as this."""

_MEMBERS = frozenset(
    {
        *("id", "credentialType", "dataModel", "schema", "jsonSchema", "validityPeriod", "validity", "neverExpires"),
        *("format", "attestations", "rules", "mappings", "mappingDefinitions", "template", "display"),
        *("approvalsRequired", "approvalWindow", "onReissue", "additionalContext", "statusPurposes", "formatOptions"),
    }
)


def parse_json_object(text: str, path: str) -> JsonObject:
    """The JSON object written in ``text``; InvalidArgument naming ``path`` otherwise (NaN, repeated names, texts that
    are none)."""

    def unique(pairs: list[tuple[str, Json]]) -> JsonObject:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("each name once in an object")
        return made

    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"a number, not {text[:20]}")
        return number

    try:
        value: object = json.loads(text, object_pairs_hook=unique, parse_constant=finite, parse_float=finite)
        if "\\u" in text:
            # Half a surrogate pair can be escaped in JSON, and cannot be written anywhere afterwards.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidArgument.of(path, f"a JSON object ({error})") from None
    made = as_object(value)
    if made is None:
        raise InvalidArgument.of(path, "a JSON object")
    return made


class _Reader:
    """Reads members of one object and gathers what is wrong with them."""

    def __init__(self, body: JsonObject, problems: list[FieldProblem], path: str = "") -> None:
        self.body, self.problems, self.path = body, problems, path

    def wrong(self, name: str, expected: str) -> None:
        self.problems.append(FieldProblem(f"{self.path}{name}", expected))

    def text(self, name: str, default: str = "") -> str:
        value = self.body.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            self.wrong(name, "a text")
            return default
        return value

    def flag(self, name: str) -> bool:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "true or false")
        return value is True

    def whole(self, name: str) -> int | None:
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            self.wrong(name, "a whole number, 0 or greater and below 2^53")
            return None
        return value

    def span(self, name: str, unit: timedelta) -> timedelta | None:
        """A number of units as a duration; of what is longer than any duration may be, it is said."""
        value = self.whole(name)
        if value is None:
            return None
        if value > MAX_VALIDITY // unit:
            self.wrong(name, "at most 100 years")
            return None
        return value * unit

    def object(self, name: str) -> JsonObject | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, dict):
            self.wrong(name, "an object")
            return None
        return value

    def one_of(self, name: str, other: str) -> str:
        """Which of two names of one thing is used; both at once are wrong."""
        if name in self.body and other in self.body:
            self.wrong(other, f"{name} under one name")
        return name if name in self.body else other

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.body.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(name, "a list of texts")
            return ()
        return tuple(cast("list[str]", value))

    def objects(self, name: str) -> list[_Reader]:
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(name, "a list of objects")
            return []
        readers: list[_Reader] = []
        for position, item in enumerate(value):
            if isinstance(item, dict):
                readers.append(_Reader(item, self.problems, f"{self.path}{name}[{position}]."))
            else:
                self.wrong(f"{name}[{position}]", "an object")
        return readers

    def refuse_others(self, known: frozenset[str]) -> None:
        for name in sorted(self.body.keys() - known):
            self.wrong(name, "no such member")


def definition_from_json(text: str) -> CredentialDefinition:
    """The definition written in ``text``; InvalidArgument naming every wrong member."""
    body = parse_json_object(text, "definition_json")
    problems: list[FieldProblem] = []
    reader = _Reader(body, problems)
    reader.refuse_others(_MEMBERS)
    credential_type = reader.text("credentialType")
    definition = CredentialDefinition(
        id=reader.text("id") or credential_type,
        credential_type=credential_type,
        format=_format(reader),
        attestations=reader.texts("attestations"),
        schema=_schema(reader),
        validity=_validity(reader),
        never_expires=reader.flag("neverExpires"),
        rules=tuple(_rule(rule) for rule in reader.objects("rules")),
        mappings=tuple(_mapping(mapping) for mapping in _mappings(reader)),
        template=body.get("template"),
        display=tuple(_display(display) for display in reader.objects("display")),
        approvals_required=min(reader.whole("approvalsRequired") or 0, MANY),
        approval_window=reader.span("approvalWindow", timedelta(seconds=1)),
        on_reissue=ReissuePolicy.REVOKE_PREVIOUS if _reissue(reader) else ReissuePolicy.KEEP,
        additional_contexts=reader.texts("additionalContext"),
        status_purposes=_purposes(reader),
        format_options=reader.object("formatOptions"),
    )
    if problems:
        raise InvalidArgument.of_all(problems, reason=Reason.DEFINITION_INVALID)
    return definition


def _format(reader: _Reader) -> CredentialFormat:
    name, model = reader.text("format"), reader.text("dataModel")
    implied = _DATA_MODELS.get(model, CredentialFormat.VC11_SL2021_JWT)
    if model and model not in _DATA_MODELS:
        reader.wrong("dataModel", f"one of {', '.join(_DATA_MODELS)}")
    if not name:
        return implied
    try:
        format_ = _EDC_FORMATS.get(name) or CredentialFormat(name)
    except ValueError:
        reader.wrong("format", f"one of {', '.join(CredentialFormat)}")
        return implied
    if model and format_.dcp and format_ is not implied:
        reader.wrong("dataModel", f"the data model of format {format_}, or none")
    return format_


def _validity(reader: _Reader) -> timedelta | None:
    period = reader.span("validityPeriod", timedelta(milliseconds=1))
    validity = reader.span("validity", timedelta(seconds=1))
    if period is not None and validity is not None:
        reader.wrong("validity", "either validity (seconds) or validityPeriod (milliseconds)")
    return validity if period is None else period


def _schema(reader: _Reader) -> JsonObject | None:
    value = reader.body.get(reader.one_of("schema", "jsonSchema"))
    if value is None or value == "":
        return None
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        reader.wrong("schema", "a JSON Schema, as text or object")
        return None
    try:
        return parse_json_object(value, "schema")
    except InvalidArgument as problem:
        reader.problems.extend(problem.fields)
        return None


def _rule(reader: _Reader) -> RuleDefinition:
    reader.refuse_others(frozenset({"type", "configuration"}))
    configuration = as_object(reader.body.get("configuration"))
    if configuration is None:
        reader.wrong("configuration", "an object")
    return RuleDefinition(reader.text("type"), configuration or {})


def _mappings(reader: _Reader) -> list[_Reader]:
    return reader.objects(reader.one_of("mappings", "mappingDefinitions"))


def _mapping(reader: _Reader) -> Mapping:
    reader.refuse_others(frozenset({"input", "output", "required", "default", "type"}))
    return Mapping(
        input=reader.text("input"),
        output=reader.text("output"),
        required=reader.flag("required"),
        default=reader.body.get("default", MISSING),
        type=reader.text("type"),
    )


def _display(reader: _Reader) -> Display:
    names = ("name", "locale", "description", "logoUri", "logoAltText", "backgroundColor", "textColor")
    reader.refuse_others(frozenset(names))
    return Display(*(reader.text(name) for name in names))


def _reissue(reader: _Reader) -> bool:
    value = reader.text("onReissue", "keep")
    if value not in ("keep", "revokePrevious"):
        reader.wrong("onReissue", "keep or revokePrevious")
    return value == "revokePrevious"


def _purposes(reader: _Reader) -> tuple[StatusPurpose, ...]:
    names = reader.texts("statusPurposes")
    if not names:
        return (StatusPurpose.REVOCATION,)
    if any(name not in tuple(StatusPurpose) for name in names):
        reader.wrong("statusPurposes", f"some of {', '.join(StatusPurpose)}")
        return ()
    return tuple(StatusPurpose(name) for name in names)
