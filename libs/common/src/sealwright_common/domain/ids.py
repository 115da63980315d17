"""Identifiers: UUID version 7 (RFC 9562 section 5.7), so that ids sort by the time they were made."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sealwright_common.domain.errors import InvalidArgument

_RANDOM = 10
"""Random bytes drawn for an id."""


def new_id(now: datetime) -> UUID:
    """A new UUIDv7: 48 bits of Unix milliseconds from ``now``, 74 random bits."""
    return new_ids(now, 1)[0]


def new_ids(now: datetime, count: int) -> list[UUID]:
    """``count`` new ids of one moment: randomness for all of them is drawn at once."""
    fixed = ((int(now.timestamp() * 1000) & ((1 << 48) - 1)) << 80) | (0x7 << 76) | (0b10 << 62)
    drawn = secrets.token_bytes(_RANDOM * count)
    randoms = (int.from_bytes(drawn[start : start + _RANDOM], "big") for start in range(0, len(drawn), _RANDOM))
    # 80 bits each: 6 are left out, 12 stand before the variant and 62 after it.
    return [UUID(int=fixed | ((random >> 62 & 0xFFF) << 64) | (random & ((1 << 62) - 1))) for random in randoms]


@lru_cache(maxsize=16_384)
def parse_id(text: str, path: str) -> UUID:
    """The UUID written in ``text`` in its canonical form; InvalidArgument naming the field ``path`` otherwise.

    Remembered, as an id comes by again with every step of what it names; what is wrong is not.
    """
    try:
        value = UUID(text)
    except ValueError:
        raise InvalidArgument.of(path, "a UUID such as 0192f0c1-7c1e-7d4f-8e2a-3b1f6c9d5e70") from None
    if str(value) != text.lower():
        raise InvalidArgument.of(path, "a UUID in its hyphenated form")
    return value
