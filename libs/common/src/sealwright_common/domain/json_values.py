"""JSON values and paths into them.

A path is dotted (``credentialSubject.companyNumber``); ``[n]`` picks item n of a list, counted from 0
(``owners[0].name``); a backslash takes the next character as it stands (``tags.a\\.b`` has the segments ``tags`` and
``a.b``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, TypeAlias, cast

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""Any JSON value."""

JsonObject: TypeAlias = "dict[str, Json]"
"""A JSON object."""

Segment: TypeAlias = "str | int"
"""One step of a path: a member's name or a list index."""


class Missing:
    """The type of :data:`MISSING`."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
"""What a path finds where nothing stands; different from null."""

MAX_SEGMENTS = 32
"""Most segments of one path."""

MAX_INDEX = 9999
"""Greatest list index of a path."""


@lru_cache(maxsize=4096)
def parse_path(text: str) -> tuple[Segment, ...]:
    """The segments of ``text``; ValueError with what was expected if it is no path of 1 to 32 segments."""
    segments: list[Segment] = []
    name: list[str] = []
    named = False  # a name segment is open, possibly still empty
    position = 0
    expect_name = True
    while position < len(text):
        character = text[position]
        if character == "\\":
            if position + 1 == len(text):
                raise ValueError("a character after the backslash")
            name.append(text[position + 1])
            named, expect_name = True, False
            position += 2
            continue
        if character == ".":
            if not named and (expect_name or not segments):
                raise ValueError("a name before each dot")
            if named:
                segments.append("".join(name))
            name, named, expect_name = [], False, True
        elif character == "[":
            end = text.find("]", position)
            digits = text[position + 1 : end] if end > 0 else ""
            if not digits.isascii() or not digits.isdecimal() or int(digits) > MAX_INDEX:
                raise ValueError(f"a list index of 0 to {MAX_INDEX} in brackets, such as [0]")
            if named:
                segments.append("".join(name))
                name, named = [], False
            elif not segments or expect_name:
                raise ValueError("a name before the list index")
            segments.append(int(digits))
            expect_name = False
            position = end
        else:
            if not named and not expect_name:
                raise ValueError("a dot after the list index")
            name.append(character)
            named, expect_name = True, False
        position += 1
    if named:
        segments.append("".join(name))
    elif expect_name:
        raise ValueError("a name at the end")
    if len(segments) > MAX_SEGMENTS:
        raise ValueError(f"at most {MAX_SEGMENTS} segments")
    return tuple(segments)


def find(value: Json, path: Sequence[Segment]) -> Json | Missing:
    """What stands at ``path`` in ``value``; MISSING if nothing does or a step does not fit what it meets."""
    current = value
    for segment in path:
        if isinstance(segment, int):
            if not isinstance(current, list) or segment >= len(current):
                return MISSING
            current = current[segment]
        else:
            if not isinstance(current, dict) or segment not in current:
                return MISSING
            current = current[segment]
    return current


def place(target: JsonObject, path: Sequence[Segment], value: Json) -> None:
    """Puts ``value`` at ``path`` in ``target``, making objects and lists on the way.

    List items are made in order: an index may be at most one past the end. ValueError if a step meets something else.
    """
    current: Json = target
    for position, segment in enumerate(path):
        last = position == len(path) - 1
        following: Json = value if last else ([] if isinstance(path[position + 1], int) else {})
        if isinstance(segment, int):
            if not isinstance(current, list):
                raise _misfit("a list")
            current = _place_item(current, segment, following, last)
        else:
            if not isinstance(current, dict):
                raise _misfit("an object")
            if last or segment not in current:
                current[segment] = following
            current = current[segment]


def _place_item(items: list[Json], index: int, following: Json, last: bool) -> Json:
    if index > len(items):
        raise ValueError(f"list items in order; item {len(items)} comes first")
    if index == len(items):
        items.append(following)
    elif last:
        items[index] = following
    return items[index]


def _misfit(expected: str) -> ValueError:
    return ValueError(f"{expected} at that place")


_KINDS: dict[type, str] = {
    Missing: "missing",
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def kind(value: Json | Missing) -> str:
    """The JSON type's name of ``value``: object, array, string, integer, number, boolean, null, or missing."""
    return _KINDS.get(type(value), "object")


def as_object(value: object) -> JsonObject | None:
    """``value`` if it is a JSON object, else None."""
    return cast(JsonObject, value) if isinstance(value, dict) else None
