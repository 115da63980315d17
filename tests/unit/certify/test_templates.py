"""Templates: data never becomes template, budgets hold, reserved members stay certify's."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sealwright_certify.adapters.schemas import JsonSchemas
from sealwright_certify.adapters.templates import JsonETemplates
from sealwright_common.domain.errors import InvalidArgument, Problem, ResourceExhausted
from sealwright_common.domain.json_values import Json
from sealwright_common.domain.status_lists import decode_list, encoded_list, is_set, permuted

ENGINE = JsonETemplates()
PAYLOADS = [
    "${7*7}",
    "{{7*7}}",
    "{% raw %}",
    "#{7*7}",
    "<%= 7*7 %>",
    "__import__('os').system('id')",
    "${claims}",
    "$eval",
    '"},"issuer":"did:web:evil.example","x":{"y":"',
    "\u0000\u2028",
    "'; drop table credential; --",
    "did:web:evil.example#key",
    "${$eval: claims}",
    "x" * 10_000,
]


@pytest.mark.promise(27)
@pytest.mark.parametrize("payload", PAYLOADS)
def test_data_stays_data(payload: str) -> None:
    """Whatever a claim holds comes out as it went in, by interpolation and by evaluation."""
    template: Json = {"credentialSubject": {"a": {"$eval": "claims.v"}, "b": "<${claims.v}>", "c": {"$eval": "claims"}}}
    made = ENGINE.render(template, {"claims": {"v": payload}})
    assert made["credentialSubject"] == {"a": payload, "b": f"<{payload}>", "c": {"v": payload}}


@pytest.mark.promise(27)
@pytest.mark.parametrize(
    "value",
    [
        {"$eval": "claims"},
        {"$let": {"x": 1}, "in": {"$eval": "x"}},
        {"$if": "true", "then": 1},
        {"id": "did:web:evil.example"},
        {"$map": [1], "each(x)": 2},
    ],
)
def test_objects_among_the_claims_are_never_rendered(value: Json) -> None:
    """An operator inside data is a member like any other."""
    made = ENGINE.render({"credentialSubject": {"v": {"$eval": "claims.v"}}}, {"claims": {"v": value}})
    assert made["credentialSubject"] == {"v": value}


def _nested(depth: int) -> Json:
    inner: Any = "x"
    for _ in range(depth):
        inner = {"$let": {"a": {"$eval": "a + a"}}, "in": inner}
    return {"credentialSubject": {"$let": {"a": "0123456789"}, "in": inner}}


@pytest.mark.promise(27)
@pytest.mark.parametrize(
    "template",
    [
        {"$map": {"$eval": "range(0, 1000)"}, "each(x)": {"$map": {"$eval": "range(0, 1000)"}, "each(y)": 1}},
        {"$eval": "range(0, 100000000)"},
        {"$eval": "9 ** 99999999"},
        {"$let": {"a": {"$eval": "999999999999 * 999999999999"}}, "in": {"$eval": "a * a"}},
        {"$eval": "join(range(0, 200000), 'aaaaaaaaaa')"},
        {"v": _nested(40)},
    ],
)
def test_budgets_hold(template: Json) -> None:
    """Time, steps and size are bounded, whatever a template tries; well under a second."""
    begun = time.perf_counter()
    with pytest.raises(Problem):
        ENGINE.render({"credentialSubject": template}, {"claims": {}})
    assert time.perf_counter() - begun < 1


def test_shared_results_count_each_time() -> None:
    """A result that is small in memory and huge as text is refused."""
    inner: Any = {"$eval": "a"}
    template: Any = inner
    for _ in range(20):
        template = {"$let": {"a": [{"$eval": "a"}, {"$eval": "a"}]}, "in": template}
    with pytest.raises(ResourceExhausted):
        ENGINE.render({"credentialSubject": {"$let": {"a": "x"}, "in": template}}, {"claims": {}})


@pytest.mark.parametrize(
    "member", ["issuer", "@context", "id", "type", "credentialStatus", "proof", "iss", "cnf", "vct"]
)
def test_reserved_members_are_certifys(member: str) -> None:
    """Refused when stored, and when they come about while rendering."""
    template: Json = {"credentialSubject": {"a": 1}, member: "x"}
    assert ENGINE.problems(template)
    with pytest.raises(InvalidArgument):
        ENGINE.render({"$merge": [{"credentialSubject": {"a": 1}}, {member: "x"}]}, {"claims": {}})


@pytest.mark.parametrize(
    "template", [[], "x", None, 7, {"name": "no subject"}, {"credentialSubject": {"$eval": "nope"}}]
)
def test_templates_that_are_none(template: Json) -> None:
    """Wrong shapes and unknown names."""
    problems = ENGINE.problems(template)
    if not problems:
        with pytest.raises(InvalidArgument):
            ENGINE.render(template, {"claims": {}})


def test_rendering_is_repeatable() -> None:
    """Nothing of a template reads the clock: the same claims give the same content."""
    with pytest.raises(InvalidArgument):
        ENGINE.render({"credentialSubject": {"t": {"$fromNow": "1 day"}}}, {"claims": {}})
    with pytest.raises(InvalidArgument):
        ENGINE.render({"credentialSubject": {"t": {"$eval": "fromNow('1 day')"}}}, {"claims": {}})


def test_schemas_name_places_not_values() -> None:
    """Violations say path and keyword."""
    schemas = JsonSchemas()
    schema: Any = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["b"]}
    assert schemas.problems(schema) == []
    found = schemas.violations(schema, {"a": "secret"})
    assert len(found) == 2
    assert "secret" not in "".join(found)
    assert schemas.problems({"type": "nonsense"})
    assert schemas.problems({"$ref": "https://elsewhere.example/x"})


def test_status_indices_are_a_permutation() -> None:
    """Every index once, in an order that the seed alone explains."""
    size = 1000
    made = [permuted(b"seed", n, size) for n in range(size)]
    assert sorted(made) == list(range(size))
    assert made != sorted(made)
    assert made != [permuted(b"other", n, size) for n in range(size)]


@pytest.mark.parametrize("multibase", [True, False])
def test_status_lists_are_most_significant_bit_first(multibase: bool) -> None:
    """Index 0 is the leftmost bit, as both specifications have it."""
    text = encoded_list(131_072, [0, 9, 131_071], multibase=multibase)
    assert text.startswith("u") is multibase
    bits = decode_list(text)
    assert (bits[0], bits[1], bits[-1], len(bits)) == (0x80, 0x40, 0x01, 16_384)
    assert is_set(bits, 9)
    with pytest.raises(ValueError, match="inside"):
        is_set(bits, 131_072)
