"""Regular expressions for texts of strangers: only such whose matching ends soon, whatever the text.

Matching by backtracking takes time that grows with every choice it can go back to: exponentially where a repeated group
leaves choices inside, else with one more power of the text's length for each repetition. So groups that are repeated
hold no choice, and choices are few.
"""

from __future__ import annotations

import re

MAX_PATTERN = 256
"""Longest pattern, in characters."""
MAX_TEXT = 256
"""Longest text that can match, in characters."""
MAX_REPEATS = 3
"""Most repetitions of varying number: ``*``, ``+``, ``{2,}``, ``{2,5}``."""
MAX_OPTIONS = 4
"""Most parts that may be absent: ``?``."""

_FORBIDDEN = re.compile(r"\\[1-9]|\(\?[^:]")
# An escaped character or a set of characters is one character, and so is an exact count of it.
_ATOM = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_EXACT = re.compile(r"(?<=[^()|*+?{}])\{[0-9]+\}")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{[0-9]*,?[0-9]*\})[?+]?")


def problem_of(pattern: object) -> str | None:
    """What is expected of a pattern instead; None if it is fine."""
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        return f"a regular expression of at most {MAX_PATTERN} characters"
    try:
        re.compile(pattern)
    except re.error as error:
        return f"a regular expression ({error.msg})"
    if _FORBIDDEN.search(_ATOM.sub(_keep_references, pattern)):
        return "a regular expression without back references, look-around, names and flags"
    plain = _EXACT.sub("", _ATOM.sub("x", pattern.replace("(?:", "(")))
    if _repeats_choices(plain):
        return "a regular expression whose repeated groups hold neither repetitions nor options nor alternatives"
    found = [quantifier[0] for quantifier in _QUANTIFIER.findall(plain)]
    if found.count("?") > MAX_OPTIONS or len(found) - found.count("?") > MAX_REPEATS:
        return f"a regular expression with at most {MAX_REPEATS} repetitions and {MAX_OPTIONS} options"
    return None


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches; never for one longer than MAX_TEXT."""
    return len(text) <= MAX_TEXT and re.fullmatch(pattern, text) is not None


def _keep_references(atom: re.Match[str]) -> str:
    return atom[0] if re.fullmatch(r"\\[1-9]", atom[0]) else "x"


def _repeats_choices(plain: str) -> bool:
    """Whether a group with a choice inside is followed by a repetition."""
    open_groups: list[bool] = []
    position = 0
    while position < len(plain):
        quantifier = _QUANTIFIER.match(plain, position)
        if plain[position] == "(":
            open_groups.append(False)
        elif plain[position] == ")":
            chooses = open_groups.pop()
            after = _QUANTIFIER.match(plain, position + 1)
            if chooses and after is not None and not after[0].startswith("?"):
                return True
            if chooses and open_groups:
                open_groups[-1] = True
        elif (plain[position] == "|" or quantifier is not None) and open_groups:
            open_groups[-1] = True
        position += len(quantifier[0]) if quantifier is not None else 1
    return False
