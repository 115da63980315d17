"""``csv``: rows of a CSV file by a key column. ``{"file": NAME, "key_column": "id", "columns": {claim: column}}``.

NAME is one of the settings, so that no document can name a path. The file is read again when it changed. Optional
``types`` turn a column's text into ``integer``, ``number``, ``boolean`` or ``json``.
"""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from sealwright_common.domain.errors import FailedPrecondition, Reason, Unavailable

from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest

_TYPES: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": {"true": True, "false": False}.__getitem__,
    "json": json.loads,
}


class CsvClaims:
    """Answers from CSV files, indexed by their key column."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._read: dict[tuple[str, str], tuple[int, Mapping[str, Mapping[str, str]]]] = {}

    async def problems(self, settings: Mapping[str, Any]) -> list[str]:
        """Unknown files, members and types."""
        found = [f"no member {name}" for name in settings.keys() - {"file", "key_column", "columns", "types"}]
        if settings.get("file") not in self._files:
            found.append(f"file: one of {', '.join(sorted(self._files)) or '(none is configured)'}")
        columns: object = settings.get("columns")
        if not isinstance(columns, Mapping) or not columns:
            found.append("columns: an object of claims and their columns")
        types = cast(Mapping[str, Any], settings.get("types", {}))
        if any(kind not in _TYPES for kind in types.values()):
            found.append(f"types: {', '.join(_TYPES)}")
        if not isinstance(settings.get("key_column"), str):
            found.append("key_column: the column that holds the subject")
        return found

    async def fetch(self, request: ClaimsRequest) -> Mapping[str, Any] | None:
        """The row's claims; empty cells are absent claims."""
        settings = request.settings
        rows = await asyncio.to_thread(self._rows, settings["file"], settings["key_column"])
        row = rows.get(request.subject or "")
        if row is None:
            return None
        types = cast(Mapping[str, str], settings.get("types", {}))
        try:
            return {
                claim: _TYPES[types.get(claim, "string")](row[column])
                for claim, column in cast(Mapping[str, str], settings["columns"]).items()
                if row.get(column)
            }
        except (KeyError, ValueError) as error:
            raise FailedPrecondition(
                Reason.PROVIDER_FAILED, f"a value in {settings['file']} does not have its column's type"
            ) from error

    def _rows(self, name: str, key: str) -> Mapping[str, Mapping[str, str]]:
        path = self._files[name]
        try:
            changed = path.stat().st_mtime_ns
            known = self._read.get((name, key))
            if known is not None and known[0] == changed:
                return known[1]
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows = {row[key]: row for row in csv.DictReader(file) if row.get(key)}
        except OSError as error:
            raise Unavailable(Reason.PROVIDER_FAILED, f"the file {name} cannot be read now; try again") from error
        self._read[name, key] = (changed, rows)
        return rows
