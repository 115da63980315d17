"""Tenants and their keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import KeyAlgorithm, KeyState
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.adapters.postgres.json_text import dumps, loads
from sealwright_certify.ports import DcpPolicy, IssuerKey, Tenant


class TenantRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, tenant: Tenant) -> None:
        """Inserts or replaces a tenant; its DID and creation time stay."""
        await self._connection.execute(
            """insert into tenant (name, did, key_issuer, display_name, dcp, create_time, version)
               values ($1, $2, $3, $4, $5, $6, $7)
               on conflict (name) do update set key_issuer = excluded.key_issuer, dcp = excluded.dcp,
                   display_name = excluded.display_name, version = excluded.version""",
            tenant.name,
            tenant.did,
            tenant.key_issuer,
            tenant.display_name,
            dumps(asdict(tenant.dcp)),
            tenant.create_time,
            tenant.version,
        )

    async def get(self, name: str) -> Tenant | None:
        row = await self._connection.fetchrow("select * from tenant where name = $1", name)
        return None if row is None else _tenant(row)

    async def by_did(self, did: str) -> Tenant | None:
        row = await self._connection.fetchrow("select * from tenant where did = $1", did)
        return None if row is None else _tenant(row)

    async def by_key_issuer(self, tenants: Sequence[str]) -> list[Tenant]:
        """Those of the named tenants that exist."""
        rows = await self._connection.fetch("select * from tenant where name = any($1) order by name", list(tenants))
        return [_tenant(row) for row in rows]


class KeyRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, keys: Sequence[IssuerKey]) -> list[IssuerKey]:
        """Takes keys in; returns those that were new or newer than the copy's."""
        newest = {(key.tenant, key.issuer, key.key_id): key for key in sorted(keys, key=lambda key: key.version)}
        ordered = [newest[name] for name in sorted(newest)]
        rows = await self._connection.fetch(
            """insert into issuer_key as known (tenant, issuer, key_id, slot, algorithm, public_key, window_start,
                                                window_end, state, version, verify_until)
               select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[],
                   $7::timestamptz[], $8::timestamptz[], $9::text[], $10::bigint[], $11::timestamptz[])
               on conflict (tenant, issuer, key_id) do update set slot = excluded.slot, state = excluded.state,
                   window_start = excluded.window_start, window_end = excluded.window_end,
                   version = excluded.version, verify_until = excluded.verify_until
               where known.version < excluded.version
               returning tenant, issuer, key_id""",
            [key.tenant for key in ordered],
            [key.issuer for key in ordered],
            [key.key_id for key in ordered],
            [key.slot for key in ordered],
            [key.algorithm.value for key in ordered],
            [key.public_key for key in ordered],
            [key.window.start for key in ordered],
            [key.window.end for key in ordered],
            [key.state.value for key in ordered],
            [key.version for key in ordered],
            [key.verify_until for key in ordered],
        )
        return [newest[row["tenant"], row["issuer"], row["key_id"]] for row in rows]

    async def list(self, tenant: str, issuer: str) -> list[IssuerKey]:
        rows = await self._connection.fetch(
            "select * from issuer_key where tenant = $1 and issuer = $2 order by slot", tenant, issuer
        )
        return [key_of(row) for row in rows]

    async def every(self, tenant: str) -> list[IssuerKey]:
        """The keys of all of a tenant's issuers."""
        rows = await self._connection.fetch("select * from issuer_key where tenant = $1 order by issuer, slot", tenant)
        return [key_of(row) for row in rows]

    async def named_issuers(self, tenant: str) -> frozenset[str]:
        """The rotator's issuers that the tenant and its OpenID4VCI documents sign with."""
        rows = await self._connection.fetch(
            """select key_issuer as name from tenant where name = $1
               union select document ->> 'key_issuer' from oid4vci_issuer where tenant = $1
               union select configuration.value ->> 'key_issuer'
               from oid4vci_issuer, json_each(document -> 'datasets') dataset,
                    json_each(dataset.value -> 'configurations') configuration
               where tenant = $1""",
            tenant,
        )
        return frozenset(row["name"] for row in rows if row["name"])

    async def signed_until(self, tenant: str, methods: Sequence[str]) -> dict[str, datetime | None]:
        """When the last credential of each verification method expires; None for never, absent without credentials."""
        rows = await self._connection.fetch(
            """select method, newest.valid_until from unnest($2::text[]) method, lateral (
                   select valid_until from credential where tenant = $1 and key_id = method
                   order by valid_until desc nulls first limit 1) newest""",
            tenant,
            list(methods),
        )
        return {row["method"]: row["valid_until"] for row in rows}


def key_of(row: Any) -> IssuerKey:
    """A key of a row of issuer_key."""
    return IssuerKey(
        tenant=row["tenant"],
        issuer=row["issuer"],
        key_id=row["key_id"],
        slot=row["slot"],
        algorithm=KeyAlgorithm(row["algorithm"]),
        public_key=row["public_key"],
        window=Interval(row["window_start"], row["window_end"]),
        state=KeyState(row["state"]),
        version=row["version"],
        verify_until=row["verify_until"],
    )


def _tenant(row: Any) -> Tenant:
    return Tenant(
        name=row["name"],
        did=row["did"],
        key_issuer=row["key_issuer"],
        display_name=row["display_name"],
        dcp=DcpPolicy(**loads(row["dcp"])),
        create_time=row["create_time"],
        version=row["version"],
    )
