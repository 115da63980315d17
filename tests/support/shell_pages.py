"""Pages of shell commands, run by a test: grpcurl lines through a caller that works like it, variables, and ``field``.

Understood in a ```sh block: ``NAME=value``, ``NAME=$(grpcurl … | field PATH)``, ``grpcurl …`` with ``-d JSON`` (several
JSON objects in a row for client streams), ``-max-time N``, ``-H 'name: value'``, ``$FLAGS``. A line that ends
with a backslash goes on; a command that ends with ``# refused: CODE`` must be refused so. Anything else is an error, so
that a page cannot say what is not run.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.grpcurl import Grpcurl, Refused

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ASSIGNED = re.compile(r"([A-Z_]+)=(.*)")
_VARIABLE = re.compile(r"\$([A-Z_]+)")
_REFUSED = "  # refused: "
_CAPTURED = re.compile(r"\$\((grpcurl .*) \| field ([a-z_]+)\)", re.DOTALL)


def commands(page: Path) -> Iterator[str]:
    """The commands of a page in order, continued lines joined."""
    for block in _BLOCK.finditer(page.read_text()):
        for line in block[1].replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.strip()


def first_field(value: Any, name: str) -> str | None:
    """The first member called ``name`` anywhere in a JSON value, as ``field`` of the page finds it."""
    if isinstance(value, Mapping):
        if isinstance(value.get(name), str):
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            if (found := first_field(member, name)) is not None:
                return found
    return None


@dataclass
class Shell:
    """Runs the commands of a page. ``callers`` has one caller for each address that the page's variables name."""

    callers: Mapping[str, Grpcurl]
    variables: dict[str, str]
    called: list[str] = field(default_factory=list[str])
    """RPCs called so far, ``package.Service/Method``."""

    def run(self, command: str) -> None:
        """Runs one command; AssertionError naming it if it fails, or if it does not and should."""
        command, _, expected = command.partition(_REFUSED)
        if expected:
            with pytest.raises(Refused) as refused:
                self._grpcurl(command)
            assert refused.value.code == expected, f"{command}\n{refused.value}"
            return
        try:
            self._run(command)
        except Refused as refused:
            raise AssertionError(f"{command}\n{refused}") from refused

    def _run(self, command: str) -> None:
        if not (assigned := _ASSIGNED.fullmatch(command)):
            self._grpcurl(command)
        elif captured := _CAPTURED.fullmatch(assigned[2]):
            answers = self._grpcurl(captured[1])
            found = first_field(answers, captured[2])
            assert found is not None, f"{command}: no {captured[2]} in {answers}"
            self.variables[assigned[1]] = found
        elif assigned[1] not in self.variables:
            self.variables[assigned[1]] = self._expanded(assigned[2])

    def _expanded(self, text: str) -> str:
        return _VARIABLE.sub(lambda found: self.variables[found[1]], text)

    def _grpcurl(self, command: str) -> list[Any]:
        words = iter(shlex.split(self._expanded(command)))
        assert next(words) == "grpcurl", f"a page may only run grpcurl: {command}"
        positional: list[str] = []
        data, tenant, watching = "{}", None, False
        for word in words:
            match word:
                case "-d":
                    data = next(words)
                case "-max-time":
                    watching = bool(next(words))
                case "-H":
                    name, _, value = next(words).partition(": ")
                    assert name == "sealwright-tenant", f"unknown header in {command}"
                    tenant = value
                case _:
                    positional.append(word)
        address, verb = positional[0], positional[1]
        caller = self.callers[address]
        if verb == "list":
            return [caller.services()] if len(positional) == 2 else [caller.methods(positional[2])]
        if verb == "describe":
            return [caller.describe(positional[2])]
        self.called.append(verb)
        try:
            return caller.call(verb, *_objects(data), tenant=tenant, seconds=2.0 if watching else None)
        except Refused as refused:
            if watching and refused.code == "DEADLINE_EXCEEDED":
                return []
            raise


def _objects(text: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder()
    objects: list[dict[str, Any]] = []
    position = 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        objects.append(value)
        while position < len(text) and text[position].isspace():
            position += 1
    return objects
