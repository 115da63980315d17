"""R13, R14, R23: the definition's JSON, mappings, process states."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sealwright_common.domain.credentials import CredentialDefinition, CredentialFormat, DefinitionRef, problems
from sealwright_common.domain.definition_json import definition_from_json, parse_json_object
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, PermissionDenied
from sealwright_common.domain.issuance import (
    IssuanceError,
    IssuanceProcess,
    IssuanceState,
    Phase,
    Protocol,
    approvals_needed,
)
from sealwright_common.domain.json_values import JsonObject, find, parse_path, place
from sealwright_common.domain.mappings import Mapping, apply
from sealwright_common.domain.mappings import problems as mapping_problems
from sealwright_common.domain.rules import ExpressionFactory, RuleRegistry

from tests.support.certify import SEED

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _read(**members: Any) -> CredentialDefinition:
    return definition_from_json(json.dumps({**SEED, **members}))


def _wrong(**members: Any) -> str:
    with pytest.raises(InvalidArgument) as refused:
        _read(**members)
    return refused.value.message


def test_r13_the_seed_has_no_problems() -> None:
    """The definition of the document, as it stands."""
    definition = _read()
    assert definition.format is CredentialFormat.VC11_SL2021_JWT
    assert definition.schema is None
    assert definition.validity == timedelta(seconds=1000)
    assert problems(definition, RuleRegistry(ExpressionFactory())) == []


@pytest.mark.parametrize(
    ("members", "format_"),
    [
        ({"dataModel": "2.0"}, CredentialFormat.VC20_BSSL_JWT),
        ({"dataModel": "V_1_1"}, CredentialFormat.VC11_SL2021_JWT),
        ({"dataModel": "2.0", "format": "vc20-bssl/jwt"}, CredentialFormat.VC20_BSSL_JWT),
        ({"dataModel": "", "format": "VC2_0_JOSE"}, CredentialFormat.VC20_BSSL_JWT),
        ({"dataModel": "", "format": "dc+sd-jwt"}, CredentialFormat.DC_SD_JWT),
    ],
)
def test_r13_one_format_with_the_data_model_as_legacy(members: dict[str, Any], format_: CredentialFormat) -> None:
    """dataModel decides where format is silent."""
    assert _read(**members).format is format_


def test_nothing_that_is_given_is_ignored() -> None:
    """One thing under two names, an option of another type, a number no count can be."""
    assert "jsonSchema" in _wrong(jsonSchema="{}")
    assert "mappingDefinitions" in _wrong(mappingDefinitions=[])
    assert "formatOptions" in _wrong(formatOptions=[1])
    assert "formatOptions" in _wrong(formatOptions="none")
    registry = RuleRegistry(ExpressionFactory())
    assert problems(_read(approvalsRequired=2**40), registry)


def test_r13_contradictions_are_refused() -> None:
    """A data model that is not the format's, both names of mappings, unknown members, duplicate members."""
    assert "dataModel" in _wrong(dataModel="2.0", format="vc11-sl2021/jwt")
    assert "format" in _wrong(format="vc10-sl2021/jwt")
    assert "mappings" in _wrong(mappingDefinitions=[])
    assert "colour" in _wrong(colour="red")
    with pytest.raises(InvalidArgument):
        definition_from_json('{"credentialType":"A","credentialType":"B"}')


def test_r14_units_of_validity() -> None:
    """validityPeriod in milliseconds, validity in seconds, not both; a hundred years at most; no end only if said."""
    registry = RuleRegistry(ExpressionFactory())
    definition = definition_from_json(
        json.dumps({**{k: v for k, v in SEED.items() if k != "validityPeriod"}, "validity": 60})
    )
    assert definition.validity == timedelta(minutes=1)
    assert "validity" in _wrong(validity=60)
    assert "100 years" in _wrong(validityPeriod=2**52)
    assert "2^53" in _wrong(validityPeriod=10**30)
    assert "100 years" in _wrong(approvalWindow=2**52)
    for wrong in (
        replace(definition, validity=timedelta(days=36526)),
        replace(definition, validity=None),
        replace(definition, validity=timedelta(0)),
        replace(definition, validity=timedelta(milliseconds=1)),
        replace(definition, validity=timedelta(milliseconds=1500)),
        replace(definition, never_expires=True),
    ):
        assert problems(wrong, registry)
    assert not problems(replace(definition, validity=None, never_expires=True), registry)


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        (r"a\.b.c", ("a.b", "c")),
        ("a[0].b[12]", ("a", 0, "b", 12)),
        (r"a\[0\]", ("a[0]",)),
        ("a[0][1]", ("a", 0, 1)),
    ],
)
def test_paths(text: str, segments: tuple[str | int, ...]) -> None:
    """Dots, escapes, list indices."""
    assert parse_path(text) == segments


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "[0]", "a[0]b", "a\\", "a.[0]"])
def test_paths_that_are_none(text: str) -> None:
    """Each is refused."""
    with pytest.raises(ValueError, match="a"):
        parse_path(text)


def test_mappings_place_convert_and_default() -> None:
    """R26b: nested places, list items, types, defaults; optional and missing leaves the place absent."""
    claims: JsonObject = {"n": "12", "when": "2024-01-01T01:00:00+01:00", "names": [{"v": "x"}], "t.x": True}
    mapped = apply(
        (
            Mapping("n", "credentialSubject.number", type="integer"),
            Mapping("when", "credentialSubject.day", type="date"),
            Mapping("names[0].v", "credentialSubject.list[0].name"),
            Mapping(r"t\.x", "credentialSubject.flag", type="string"),
            Mapping("missing", "credentialSubject.missing"),
            Mapping("missing", "credentialSubject.default", default=7),
        ),
        claims,
    )
    assert mapped.problems == ()
    assert mapped.document == {
        "credentialSubject": {"number": 12, "day": "2024-01-01", "list": [{"name": "x"}], "flag": "true", "default": 7}
    }


def test_mappings_say_what_is_missing_without_values() -> None:
    """Required and missing, and a value that does not convert."""
    mapped = apply(
        (Mapping("a", "credentialSubject.a", required=True), Mapping("b", "credentialSubject.b", type="integer")),
        {"b": "secret"},
    )
    assert len(mapped.problems) == 2
    assert "secret" not in "".join(mapped.problems)


@pytest.mark.parametrize(
    "output", ["issuer", "@context", "id", "credentialStatus.id", "credentialSubject.id", "credentialSubject", "proof"]
)
def test_mappings_never_touch_reserved_members(output: str) -> None:
    """What certify sets is refused as a place when the definition is stored."""
    assert mapping_problems([Mapping("a", "credentialSubject.x"), Mapping("a", output)])


def test_place_refuses_to_overwrite_structure() -> None:
    """A scalar on the way, or a hole in a list."""
    target: JsonObject = {"a": 1}
    with pytest.raises(ValueError, match="object"):
        place(target, ("a", "b"), 1)
    with pytest.raises(ValueError, match="order"):
        place(target, ("l", 1), 1)
    assert find(target, ("a",)) == 1


def _process(**changes: Any) -> IssuanceProcess:
    base = IssuanceProcess(
        id=uuid4(),
        tenant="default",
        state=IssuanceState.SUBMITTED,
        protocol=Protocol.DCP,
        protocol_version="1.0",
        holder_did="did:web:h",
        holder_pid="p",
        definitions=(DefinitionRef("d", 1),),
        claims={},
        create_time=NOW,
        update_time=NOW,
        approvals_required=1,
    )
    return replace(base, **changes)


def test_r23_r26_r30_states_move_forward_only() -> None:
    """SUBMITTED, APPROVED, DELIVERED; ERRORED and DELIVERED are terminal; versions grow by one."""
    approved = _process().approve("a", NOW)
    assert (approved.state, approved.phase, approved.version) == (IssuanceState.APPROVED, Phase.GENERATE, 2)
    generated = approved.generated(NOW)
    delivered = generated.delivered(NOW)
    assert (delivered.state, delivered.version, delivered.phase) == (IssuanceState.DELIVERED, 4, None)
    for ended in (delivered, approved.fail(IssuanceError.DELIVERY_EXPIRED, "late", NOW)):
        for move in (
            lambda p: p.approve("b", NOW),
            lambda p: p.reject("no", NOW),
            lambda p: p.fail(IssuanceError.REJECTED, "", NOW),
            lambda p: p.delivered(NOW),
        ):
            with pytest.raises(FailedPrecondition):
                move(ended)


def test_r24_approvals() -> None:
    """Four eyes: different people, not the submitter; not past the deadline; the strictest definition decides."""
    process = _process(approvals_required=2, submitter="s")
    once = process.approve("a", NOW)
    assert once.state is IssuanceState.SUBMITTED
    with pytest.raises(PermissionDenied):
        once.approve("a", NOW)
    with pytest.raises(PermissionDenied):
        process.approve("s", NOW)
    assert once.approve("b", NOW).state is IssuanceState.APPROVED
    with pytest.raises(FailedPrecondition):
        _process(approval_deadline=NOW).approve("a", NOW)
    lenient, strict = _read(), _read(approvalsRequired=2, approvalWindow=60)
    assert approvals_needed((lenient,)) == (0, None)
    assert approvals_needed((lenient, strict)) == (2, timedelta(minutes=1))


def test_r29_a_failed_request_is_told_to_dcp_holders_only() -> None:
    """Refusals go out as a message over DCP; over gRPC the caller knows."""
    assert _process().reject("no", NOW).phase is Phase.REFUSE
    assert _process(protocol=Protocol.GRPC).reject("no", NOW).phase is None


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"a": 1e999}', '{"a": NaN}', '{"a": 1, "a": 2}', "[]", "{"])
def test_json_that_could_not_be_written_again_is_refused(text: str) -> None:
    """Half a surrogate pair, numbers beyond all bounds, repeated names: refused at the door, not found out later."""
    with pytest.raises(InvalidArgument):
        parse_json_object(text, "body")
    assert parse_json_object('{"a": "\\ud83d\\ude00", "b": 1.5}', "body") == {"a": "😀", "b": 1.5}
