"""Attestations of the type ``database``: one row of any configured PostgreSQL source, with typed values.

Configuration: ``dataSource`` (a name of the settings, or ``certify`` for certify's own table ``attestation``),
``table`` (``table`` or ``schema.table``), ``idColumn`` (default ``did``), ``tenantColumn`` (for tables that several
tenants share), ``columns`` (names to take; all without it), ``outputClaim``, ``required``. Names are
quoted, values bound.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import isfinite
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from sealwright_common.domain.errors import FailedPrecondition, Reason, Unavailable
from sealwright_common.domain.json_values import Json, JsonObject

from sealwright_certify.adapters.sources.configuration import common_problems, text
from sealwright_certify.adapters.sources.stored import OwnTable
from sealwright_certify.ports import AttestationContext, AttestationDefinition, AttestationSource, Store

Pool: TypeAlias = Any
"""asyncpg's pool: its class takes type arguments in stubs only."""

OWN = "certify"
OWN_TABLE = "attestation"

_MEMBERS = ("dataSource", "table", "idColumn", "tenantColumn", "columns")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")


class DataSources:
    """Pools to the configured sources, opened when first used. A part of the app."""

    name = "data sources"

    def __init__(self, dsns: Mapping[str, str]) -> None:
        self._dsns = dict(dsns)
        self._pools: dict[str, Pool] = {}
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Nothing: a source that is away must not keep certify from starting."""

    async def stop(self) -> None:
        """Closes the pools."""
        for pool in self._pools.values():
            pool.terminate()
        self._pools.clear()

    @property
    def names(self) -> list[str]:
        """Sources that definitions may name."""
        return sorted({*self._dsns, OWN})

    async def pool(self, name: str) -> Pool:
        """The pool of a source; read-only sessions with a short timeout."""
        async with self._opening:
            if name not in self._pools:
                self._pools[name] = await asyncpg.create_pool(
                    self._dsns[name],
                    min_size=0,
                    max_size=4,
                    timeout=3,
                    server_settings={
                        "application_name": "sealwright certify",
                        "default_transaction_read_only": "on",
                        "statement_timeout": "4s",
                        "timezone": "UTC",
                    },
                )
            return self._pools[name]


class DatabaseFactory:
    """``database``: one row of a table."""

    type = "database"

    def __init__(self, store: Store, sources: DataSources) -> None:
        self._store = store
        self._sources = sources

    async def problems(self, tenant: str, definition: AttestationDefinition) -> list[str]:
        configuration = definition.configuration
        found = common_problems(configuration, _MEMBERS)
        source, table = text(configuration, "dataSource"), text(configuration, "table")
        if source not in self._sources.names:
            found.append(f"dataSource: one of {', '.join(self._sources.names)}")
        if source == OWN and table != OWN_TABLE:
            found.append(f"table: {OWN_TABLE}, the only one of certify's own tables")
        parts = table.split(".")
        if not 1 <= len(parts) <= 2 or not all(_NAME.fullmatch(part) for part in parts):
            found.append("table: table or schema.table")
        for member in ("idColumn", "tenantColumn"):
            if member in configuration and not _NAME.fullmatch(text(configuration, member)):
                found.append(f"{member}: the name of a column")
        columns = configuration.get("columns", ["any"])
        if not isinstance(columns, list) or not columns or not all(_is_name(column) for column in columns):
            found.append("columns: a list of column names")
        return found

    def create(self, definition: AttestationDefinition) -> AttestationSource:
        if text(definition.configuration, "dataSource") == OWN:
            return OwnTable(self._store)
        return _Table(self._sources, definition)


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


class _Table:
    def __init__(self, sources: DataSources, definition: AttestationDefinition) -> None:
        self._sources = sources
        self._definition = definition

    async def evaluate(self, context: AttestationContext) -> JsonObject | None:
        """The row's columns as claims; FailedPrecondition if two rows answer, Unavailable if the source is away."""
        configuration = self._definition.configuration
        statement, arguments = _select(configuration, context)
        try:
            pool = await self._sources.pool(text(configuration, "dataSource"))
            async with pool.acquire(timeout=3) as connection:
                prepared = await connection.prepare(statement)
                rows = await prepared.fetch(*arguments)
                json_columns = {a.name for a in prepared.get_attributes() if a.type.name in ("json", "jsonb")}
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError, asyncpg.InsufficientPrivilegeError) as error:
            raise FailedPrecondition(
                Reason.ATTESTATION_INVALID, f"attestation {self._definition.id}: its table or column cannot be read"
            ) from error
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable(
                Reason.PROVIDER_FAILED, f"attestation {self._definition.id}: its database is away; repeat the call"
            ) from error
        if len(rows) > 1:
            raise FailedPrecondition(
                Reason.ATTESTATION_INVALID, f"attestation {self._definition.id}: two rows answer for one holder"
            )
        if not rows:
            return None
        return {name: _typed(value, name in json_columns) for name, value in rows[0].items()}


def _select(configuration: JsonObject, context: AttestationContext) -> tuple[str, list[str]]:
    listed = configuration.get("columns")
    columns = ", ".join(_quoted(str(name)) for name in listed) if isinstance(listed, list) else "*"
    table = ".".join(_quoted(part) for part in text(configuration, "table").split("."))
    where, arguments = [f"{_quoted(text(configuration, 'idColumn') or 'did')} = $1"], [context.holder_did]
    if tenant := text(configuration, "tenantColumn"):
        where.append(f"{_quoted(tenant)} = $2")
        arguments.append(context.tenant)
    # Every name passed the pattern when the definition was stored, and is quoted all the same.
    return f"select {columns} from {table} where {' and '.join(where)} limit 2", arguments  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _typed(value: Any, is_json: bool) -> Json:
    """A column's value with its type kept: numbers stay numbers, times become ISO 8601 in UTC."""
    match value:
        case str() if is_json:
            return json.loads(value)
        case float() | Decimal() if not isfinite(value):
            return None  # JSON has no such numbers
        case None | bool() | int() | str() | float():
            return value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case datetime():
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case list():
            return [_typed(item, is_json) for item in value]
        case _:
            return str(value)
