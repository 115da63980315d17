"""Meter readings as files hold them: CSV with a header, or one JSON object a line. Read incrementally, line by line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, cast

from sealwright_common.domain.certificates import MAX_QUANTITY, CertificateType
from sealwright_common.domain.errors import InvalidArgument

COLUMNS = ("meter_id", "type", "start", "end", "quantity_wh")
LONGEST_LINE = 65_536
"""Bytes; a longer one is no line of readings."""


class MeasurementFormat(StrEnum):
    """Layout of a file of readings."""

    CSV = "CSV"
    JSON_LINES = "JSON_LINES"


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of a meter file."""

    meter_id: str
    type: CertificateType
    start: datetime
    end: datetime
    quantity: int
    """Wh."""


class LineSplitter:
    """Cuts chunks of bytes into lines and knows the offset each line ends at."""

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, int]]:
        """The complete lines, each with the offset after it. Raises InvalidArgument for one that is too long."""
        data = self._rest + chunk
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            self._offset += end + 1 - begin
            yield data[begin:end].rstrip(b"\r"), self._offset
            begin = end + 1
        self._rest = data[begin:]
        if len(self._rest) > LONGEST_LINE:
            raise InvalidArgument.of("chunk", f"lines of at most {LONGEST_LINE} bytes")

    def last(self) -> Iterator[tuple[bytes, int]]:
        """What stands after the last line break."""
        if self._rest:
            self._offset += len(self._rest)
            yield self._rest.rstrip(b"\r"), self._offset
            self._rest = b""


def is_header(line: bytes, layout: MeasurementFormat) -> bool:
    """Whether the first line of a file is a header, which only CSV has. Raises InvalidArgument for a CSV without."""
    if layout is not MeasurementFormat.CSV:
        return False
    if tuple(line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").strip().split(",")) != COLUMNS:
        raise InvalidArgument.of("chunk", f"the header line {','.join(COLUMNS)}")
    return True


def read(line: bytes, layout: MeasurementFormat) -> Reading:
    """The reading in a line. Raises InvalidArgument naming the column at fault."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidArgument.of("line", "UTF-8") from None
    values = _csv(text) if layout is MeasurementFormat.CSV else _json(text)
    try:
        kind = CertificateType(str(values["type"]).upper())
    except ValueError:
        raise InvalidArgument.of("type", "production or consumption") from None
    return Reading(
        str(values["meter_id"]),
        kind,
        _moment(values["start"], "start"),
        _moment(values["end"], "end"),
        _quantity(values["quantity_wh"]),
    )


def _csv(text: str) -> dict[str, Any]:
    cells = next(csv.reader([text], strict=True), list[str]())
    if len(cells) != len(COLUMNS):
        raise InvalidArgument.of("line", f"{len(COLUMNS)} cells: {','.join(COLUMNS)}")
    return dict(zip(COLUMNS, cells, strict=True))


def _json(text: str) -> dict[str, Any]:
    try:
        value: object = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or set(cast("dict[str, Any]", value)) != set(COLUMNS):
        raise InvalidArgument.of("line", f"a JSON object with exactly {', '.join(COLUMNS)}")
    return cast("dict[str, Any]", value)


def _moment(value: object, column: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidArgument.of(column, "an ISO 8601 time with its zone, e.g. 2025-06-21T12:00:00Z")
    return moment.astimezone(UTC)


def _quantity(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and int(text) <= MAX_QUANTITY):
        raise InvalidArgument.of("quantity_wh", f"whole Wh, 0 to {MAX_QUANTITY}")
    return int(text)
