"""Reading the configuration of an attestation definition."""

from __future__ import annotations

from collections.abc import Collection

from sealwright_common.domain.json_values import JsonObject

COMMON = frozenset({"outputClaim", "required"})
"""Members every type understands."""


def common_problems(configuration: JsonObject, known: Collection[str]) -> list[str]:
    """What is wrong with the common members, and members nobody knows."""
    found = [f"no member {name}" for name in sorted(configuration.keys() - COMMON - set(known))]
    output = configuration.get("outputClaim")
    if output is not None and (not isinstance(output, str) or not output or len(output) > 128):
        found.append("outputClaim: a name of 1 to 128 characters")
    if not isinstance(configuration.get("required", True), bool):
        found.append("required: true or false")
    return found


def text(configuration: JsonObject, name: str) -> str:
    """A text member, empty if absent or of another type."""
    value = configuration.get(name)
    return value if isinstance(value, str) else ""
