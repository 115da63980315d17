"""Small values that several messages share: times, durations, JSON text, pages."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sealwright_common.domain.definition_json import parse_json_object
from sealwright_common.domain.errors import InvalidArgument, Reason
from sealwright_common.domain.ids import parse_id
from sealwright_common.domain.json_values import Json, JsonObject

DEFAULT_PAGE = 100
"""Rows of a page when the request names no number."""


def timestamp(time: datetime | None) -> Timestamp | None:
    """A moment as message; None stays absent."""
    if time is None:
        return None
    made = Timestamp()
    made.FromDatetime(time.astimezone(UTC))
    return made


def duration(span: timedelta | None) -> Duration | None:
    """A span as message; None stays absent."""
    if span is None:
        return None
    made = Duration()
    made.FromTimedelta(span)
    return made


def json_text(value: Json) -> str:
    """Compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_value(text: str, path: str) -> Json:
    """The value of JSON text; InvalidArgument naming ``path``."""
    return parse_json_object(f'{{"value":{text}}}', path)["value"]


def claims_by_attestation(text: str, path: str) -> dict[str, JsonObject]:
    """An object of objects; empty text is none."""
    if not text:
        return {}
    made: dict[str, JsonObject] = {}
    for name, value in parse_json_object(text, path).items():
        if not isinstance(value, dict):
            raise InvalidArgument.of(f"{path}.{name}", "an object of claims")
        made[name] = value
    return made


def page_size(size: int) -> int:
    """The number of rows asked for."""
    return size or DEFAULT_PAGE


def page_token(last: str) -> str:
    """The token of the page after ``last``."""
    return base64.urlsafe_b64encode(last.encode()).decode()


def after(token: str) -> str:
    """What a page token stands for; empty for the first page. InvalidArgument if it is none of ours."""
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except ValueError:
        raise InvalidArgument.of(
            "page_token", "the next_page_token of an earlier answer", reason=Reason.PAGE_TOKEN_INVALID
        ) from None


def id_after(token: str) -> UUID | None:
    """The id a page token stands for."""
    return parse_id(after(token), "page_token") if token else None
