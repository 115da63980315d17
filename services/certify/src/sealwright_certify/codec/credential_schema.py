"""The JSON Schema of a credential, made of the one of its subject.

A definition's schema is about the subject alone, and so is what DCP's ``credentialSchema`` points at. A credential's
own ``credentialSchema`` of type JsonSchema is about the whole credential (W3C VC JSON Schema): one wraps the other.
"""

from __future__ import annotations

from sealwright_common.domain.json_values import JsonObject

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""What a schema that names no dialect is read as."""


def credential_schema(subject: JsonObject, uri: str) -> JsonObject:
    """The schema, to be served at ``{uri}/credential``, of credentials whose subject is as the one at ``uri`` wants."""
    dialect = subject.get("$schema", DIALECT)
    old = isinstance(dialect, str) and any(f"draft-0{number}" in dialect for number in (3, 4, 6, 7))
    name = "id" if isinstance(dialect, str) and "draft-04" in dialect else "$id"
    inner = {member: value for member, value in subject.items() if member != "$schema"}
    if old and "$ref" in inner:
        # In these drafts nothing counts beside a reference, not even the name that it is resolved against.
        held = {member: inner[member] for member in ("definitions", "$defs") if member in inner}
        inner = {"allOf": [{"$ref": inner["$ref"]}], **held}
    return {
        "$schema": dialect,
        name: f"{uri}/credential",
        "type": "object",
        # Under a name of its own its references stay within it.
        "properties": {"credentialSubject": {name: uri, "type": "object", **inner}},
        "required": ["credentialSubject"],
    }
