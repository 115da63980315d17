"""An append-only file of JSON records: what a sandbox server needs to find its state again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO


class Journal:
    """Records in the order they were written. A kill loses nothing that was written; a crash of the machine may."""

    def __init__(self, path: Path | None) -> None:
        """`path`: the file, or None to keep nothing."""
        self._path = path
        self._file: TextIO | None = None

    def records(self) -> Iterator[dict[str, Any]]:
        """The records so far. A last line that was cut short is removed from the file."""
        if self._path is None or not self._path.exists():
            return
        *lines, rest = self._path.read_text().split("\n")
        if rest:
            self._path.write_text("".join(f"{line}\n" for line in lines))
        for line in lines:
            yield json.loads(line)

    def write(self, record: dict[str, Any]) -> None:
        """Appends one record."""
        if self._path is None:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a")
        self._file.write(json.dumps(record) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Closes the file; the next write opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None
