"""JSON columns: text in, text out, so that numbers and the order of members stay as they are."""

from __future__ import annotations

import json
from typing import Any


def dumps(value: object) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def loads(text: str) -> Any:
    """The value of JSON text that this service wrote."""
    return json.loads(text)
