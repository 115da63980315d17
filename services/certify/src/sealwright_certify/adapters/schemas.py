"""JSON Schemas by jsonschema-rs, compiled once, with nothing fetched."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import jsonschema_rs
from sealwright_common.domain.json_values import Json, JsonObject

_SHOWN = 10
_KEPT = 1024


class JsonSchemas:
    """Compiles and applies schemas."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[int, tuple[JsonObject, Any]] = OrderedDict()

    def problems(self, schema: JsonObject) -> list[str]:
        """What keeps a schema from compiling; a reference to another document is a problem, for nothing is fetched."""
        try:
            self._compile(schema)
        except (ValueError, jsonschema_rs.ReferencingError, jsonschema_rs.ValidationError) as error:
            return [f"a JSON Schema without outside references ({_first_line(error)})"]
        return []

    def violations(self, schema: JsonObject, value: Json) -> list[str]:
        """Where ``value`` does not fit: path and keyword, never the value."""
        validator = self._compile(schema)
        if validator.is_valid(value):
            return []
        found: list[str] = []
        for error in validator.iter_errors(value):
            path = ".".join(str(step) for step in error.instance_path) or "credentialSubject"
            keyword = str(error.schema_path[-1]) if error.schema_path else "schema"
            found.append(f"{path}: does not fit the schema's {keyword}")
            if len(found) == _SHOWN:
                break
        return found

    def _compile(self, schema: JsonObject) -> Any:
        """The validator, kept by the schema's identity: definitions are read once and never changed."""
        known = self._compiled.get(id(schema))
        if known is not None and known[0] is schema:
            return known[1]
        validator = jsonschema_rs.validator_for(
            json.dumps(schema, separators=(",", ":")), retriever=_refuse, validate_formats=True
        )
        # The schema is kept with it, so that its identity cannot become another's.
        self._compiled[id(schema)] = schema, validator
        if len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return validator


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} lies outside the document")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
