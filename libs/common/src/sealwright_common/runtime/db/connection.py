"""Types of what SQL is run on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
    """A connection, inside a transaction or not."""
    Queries: TypeAlias = Connection | asyncpg.Pool
    """Whatever single statements can be run on."""
else:
    Connection = Queries = Any
