"""From claims to content: the dataset's template, then its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from sealwright_common.domain.errors import FieldProblem, InvalidArgument, Reason
from sealwright_common.domain.json_values import Json, JsonObject
from sealwright_common.domain.oid4vci import Dataset

from sealwright_certify.adapters.formats.jose import dump
from sealwright_certify.ports import SchemaEngine, TemplateEngine

MAX_CONTENT = 262_144
"""Bytes of a credential's content as JSON: as much as an offer may bring, and less than a verifier refuses."""


class DatasetContent:
    """Renders with certify's template engine and checks with its schema engine."""

    def __init__(self, templates: TemplateEngine, schemas: SchemaEngine) -> None:
        self._templates = templates
        self._schemas = schemas

    def problems(self, dataset: Dataset) -> list[str]:
        """What is wrong with the template and the schema."""
        found: list[str] = []
        if dataset.template is not None:
            found += self._templates.problems(_wrapped(dataset))
        if dataset.schema is not None:
            found += self._schemas.problems(cast(JsonObject, dict(dataset.schema)))
        return found

    def render(self, dataset: Dataset, claims: Mapping[str, Any]) -> dict[str, Any]:
        """The content; data only ever fills places of the template, it never makes new ones."""
        content = dict(claims)
        if dataset.template is not None:
            made = self._templates.render(_wrapped(dataset), {"claims": cast(Json, dict(claims))})
            content = cast(dict[str, Any], made["credentialSubject"])
        if dataset.schema is not None:
            violations = self._schemas.violations(cast(JsonObject, dict(dataset.schema)), cast(Json, content))
            if violations:
                problems = [FieldProblem("claims", violation) for violation in violations[:10]]
                raise InvalidArgument.of_all(problems, reason=Reason.CLAIMS_INVALID)
        if len(dump(content)) > MAX_CONTENT:
            raise InvalidArgument.of("claims", f"at most {MAX_CONTENT} bytes as JSON", reason=Reason.CLAIMS_INVALID)
        return content


def _wrapped(dataset: Dataset) -> JsonObject:
    """The dataset's template as certify's engine wants it: the making of the credential's subject."""
    return {"credentialSubject": cast(Json, dataset.template)}
