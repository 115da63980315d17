"""OpenID4VCI's rows. Whatever may be used once is claimed by one statement or under a row lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import orjson
from sealwright_common.domain.errors import AlreadyExists, Reason
from sealwright_common.domain.formats import HolderKey
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.domain.oid4vci_document import read_issuer
from sealwright_common.domain.oid4vci_grants import (
    Access,
    Notification,
    Offer,
    OfferState,
    Transaction,
    TransactionCode,
    TransactionState,
)
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.usecases.oid4vci.ports import OnceClaim

_LAST = UUID(int=(1 << 128) - 1)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _plain(id_: Any) -> UUID:
    """asyncpg's UUID as the standard library's."""
    return UUID(int=id_.int)


# `= any(array(...))`, not `in (select ...)`: the latter becomes a sequential scan when statistics are stale.
_FORGET = (
    """delete from oid4vci_once where ctid = any(array(
        select ctid from oid4vci_once where until < $1 limit $2 for update skip locked))""",
    """delete from oid4vci_access where token_hash = any(array(
        select token_hash from oid4vci_access where expires < $1::timestamptz - interval '31 days' limit $2
        for update skip locked))""",
    """update oid4vci_offer set claims = null, document = null where id = any(array(
        select id from oid4vci_offer o where claims is not null and expires < $1::timestamptz - interval '1 hour'
            and not exists (select from oid4vci_transaction t where t.grant_key = uuid_send(o.id)
                            and t.state in ('PENDING', 'APPROVED') and t.expires > $1)
        limit $2 for update skip locked))""",
)


class IssuerRows:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def put(self, issuer: Issuer, document: Mapping[str, Any]) -> int:
        version = await self._connection.fetchval(
            """insert into oid4vci_issuer as stored (path, tenant, version, document, update_time)
               values ($1, $2, 1, $3, $4) on conflict (path) do update
                   set version = stored.version + 1, document = excluded.document, update_time = excluded.update_time
                   where stored.tenant = excluded.tenant
               returning version""",
            issuer.path,
            issuer.tenant,
            _json(document),
            self._now,
        )
        if version is None:
            raise AlreadyExists(
                Reason.CONFLICT, f"the path {issuer.path!r} belongs to another tenant; choose another one"
            )
        return version

    async def by_path(self, path: str) -> Issuer | None:
        row = await self._connection.fetchrow("select * from oid4vci_issuer where path = $1", path)
        return None if row is None else stored_issuer(row["tenant"], orjson.loads(row["document"]), row["version"])

    async def document(self, tenant: str, path: str) -> tuple[Mapping[str, Any], int] | None:
        row = await self._connection.fetchrow(
            "select * from oid4vci_issuer where path = $1 and tenant = $2", path, tenant
        )
        return None if row is None else (orjson.loads(row["document"]), row["version"])

    async def page(self, tenant: str, after: str | None, limit: int) -> list[tuple[str, Mapping[str, Any], int]]:
        rows = await self._connection.fetch(
            "select * from oid4vci_issuer where tenant = $1 and ($2::text is null or path > $2) order by path limit $3",
            tenant,
            after,
            limit,
        )
        return [(row["path"], orjson.loads(row["document"]), row["version"]) for row in rows]


def stored_issuer(tenant: str, document: Mapping[str, Any], version: int) -> Issuer:
    """The issuer of a stored document."""
    return replace(read_issuer(tenant, document), version=version)


class OfferRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, offer: Offer) -> None:
        code = offer.transaction_code
        await self._connection.execute(
            """insert into oid4vci_offer (id, tenant, issuer, configuration_ids, expires, code_hash, issuer_state_hash,
                   document, claims, subject, code_mode, code_length, code_salt, code_digest, code_description,
                   tries_left, state)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)""",
            offer.id,
            offer.tenant,
            offer.issuer,
            list(offer.configuration_ids),
            offer.expires,
            offer.code_hash,
            offer.issuer_state_hash,
            _json(offer.document),
            _json(offer.claims),
            offer.subject,
            code.input_mode if code else None,
            code.length if code else None,
            code.salt if code else None,
            code.hash if code else None,
            code.description if code else None,
            offer.tries_left,
            offer.state.value,
        )

    async def get(self, tenant: str, id_: UUID) -> Offer | None:
        row = await self._connection.fetchrow("select * from oid4vci_offer where id = $1 and tenant = $2", id_, tenant)
        return None if row is None else _offer(row)

    async def public(self, id_: UUID, now: datetime) -> Mapping[str, Any] | None:
        text = await self._connection.fetchval(
            "select document from oid4vci_offer where id = $1 and expires > $2 and state = 'PENDING'", id_, now
        )
        return None if text is None else orjson.loads(text)

    async def lock_by_codes(self, code_hashes: Sequence[bytes]) -> dict[bytes, Offer]:
        rows = await self._connection.fetch(
            "select * from oid4vci_offer where code_hash = any($1) order by code_hash for update", list(code_hashes)
        )
        return {row["code_hash"]: _offer(row) for row in rows}

    async def by_issuer_state(self, state_hash: bytes) -> Offer | None:
        row = await self._connection.fetchrow("select * from oid4vci_offer where issuer_state_hash = $1", state_hash)
        return None if row is None else _offer(row)

    async def update(self, changed: Sequence[tuple[UUID, OfferState, int]]) -> None:
        """The new states; a redeemed offer keeps its claims for its token, any other end drops them at once."""
        await self._connection.execute(
            """update oid4vci_offer o set state = new.state, tries_left = new.tries_left,
                   document = case when new.state = 'PENDING' then o.document end,
                   claims = case when new.state in ('PENDING', 'REDEEMED') then o.claims end
               from unnest($1::uuid[], $2::text[], $3::int[]) as new (id, state, tries_left) where o.id = new.id""",
            [id_ for id_, _, _ in changed],
            [state.value for _, state, _ in changed],
            [tries_left for _, _, tries_left in changed],
        )

    async def page(self, tenant: str, before: UUID | None, limit: int) -> list[Offer]:
        rows = await self._connection.fetch(
            "select * from oid4vci_offer where tenant = $1 and id < $2 order by id desc limit $3",
            tenant,
            before or _LAST,
            limit,
        )
        return [_offer(row) for row in rows]

    async def claims(self, id_: UUID) -> Mapping[str, Mapping[str, Any]] | None:
        text = await self._connection.fetchval("select claims from oid4vci_offer where id = $1", id_)
        return None if text is None else orjson.loads(text)


def _offer(row: Any) -> Offer:
    code = None
    if row["code_digest"] is not None:
        code = TransactionCode(
            row["code_mode"], row["code_length"], row["code_salt"], row["code_digest"], row["code_description"]
        )
    return Offer(
        id=_plain(row["id"]),
        tenant=row["tenant"],
        issuer=row["issuer"],
        configuration_ids=tuple(row["configuration_ids"]),
        expires=row["expires"],
        code_hash=row["code_hash"],
        document=orjson.loads(row["document"] or "{}"),
        transaction_code=code,
        tries_left=row["tries_left"],
        claims=orjson.loads(row["claims"] or "{}"),
        subject=row["subject"],
        issuer_state_hash=row["issuer_state_hash"],
        state=OfferState(row["state"]),
    )


class AccessRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, tokens: Sequence[tuple[bytes, Access]]) -> None:
        granted = [access for _, access in tokens]
        await self._connection.execute(
            """insert into oid4vci_access (token_hash, tenant, issuer, grant_key, configuration_ids, identifiers,
                   client_id, thumbprint, subject, offer_id, expires)
               select token_hash, tenant, issuer, grant_key, array(select json_array_elements_text(configuration_ids)),
                   identifiers, client_id, thumbprint, subject, offer_id, expires
               from unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::json[], $6::json[], $7::text[],
                           $8::text[], $9::text[], $10::uuid[], $11::timestamptz[])
                   as new (token_hash, tenant, issuer, grant_key, configuration_ids, identifiers, client_id,
                           thumbprint, subject, offer_id, expires)""",
            [token_hash for token_hash, _ in tokens],
            [access.tenant for access in granted],
            [access.issuer for access in granted],
            [access.grant for access in granted],
            [_json(access.configuration_ids) for access in granted],
            [_json(access.identifiers) for access in granted],
            [access.client_id for access in granted],
            [access.thumbprint for access in granted],
            [access.subject for access in granted],
            [access.offer_id for access in granted],
            [access.expires for access in granted],
        )

    async def get(self, token_hashes: Sequence[bytes]) -> dict[bytes, Access]:
        rows = await self._connection.fetch(
            """select a.*, o.claims from oid4vci_access a left join oid4vci_offer o on o.id = a.offer_id
               where a.token_hash = any($1)""",
            list(token_hashes),
        )
        return {row["token_hash"]: _access(row) for row in rows}


def _access(row: Any) -> Access:
    return Access(
        grant=row["grant_key"],
        tenant=row["tenant"],
        issuer=row["issuer"],
        configuration_ids=tuple(row["configuration_ids"]),
        expires=row["expires"],
        identifiers=orjson.loads(row["identifiers"]),
        client_id=row["client_id"],
        thumbprint=row["thumbprint"],
        subject=row["subject"],
        offer_id=None if row["offer_id"] is None else _plain(row["offer_id"]),
        pushed=None if row["claims"] is None else orjson.loads(row["claims"]),
    )


class OnceRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def use(self, claims: Sequence[OnceClaim]) -> list[bool]:
        """One statement: a concurrent use of the same value waits for this transaction and then finds it taken. The
        order keeps batches from waiting in a circle."""
        rows = await self._connection.fetch(
            """insert into oid4vci_once (kind, value, until)
               select * from unnest($1::text[], $2::bytea[], $3::timestamptz[]) as new (kind, value, until)
               order by kind, value
               on conflict do nothing returning kind, value""",
            [claim.kind for claim in claims],
            [claim.value for claim in claims],
            [claim.until for claim in claims],
        )
        fresh = {(row["kind"], row["value"]) for row in rows}
        used: list[bool] = []
        for claim in claims:
            used.append((claim.kind, claim.value) in fresh)
            fresh.discard((claim.kind, claim.value))
        return used

    async def forget(self, now: datetime, limit: int) -> int:
        """What is over. Tokens stay for as long as a deferred issuance may name them; claims of an offer for an hour
        after it expired, or until its deferred issuance ended."""
        return max([int((await self._connection.execute(sql, now, limit)).split()[-1]) for sql in _FORGET])


class TransactionRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, transaction: Transaction) -> None:
        await self._connection.execute(
            """insert into oid4vci_transaction (hash, id, tenant, issuer, grant_key, configuration_id, keys, access,
                   created, expires, state)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
            transaction.hash,
            transaction.id,
            transaction.tenant,
            transaction.issuer,
            transaction.grant,
            transaction.configuration_id,
            _json([{"jwk": dict(key.jwk), "did": key.did} for key in transaction.keys]),
            _json(_access_json(transaction.access)),
            transaction.created,
            transaction.expires,
            transaction.state.value,
        )

    async def lock(self, hash_: bytes) -> Transaction | None:
        row = await self._connection.fetchrow("select * from oid4vci_transaction where hash = $1 for update", hash_)
        return None if row is None else _transaction(row)

    async def get(self, tenant: str, id_: UUID, *, lock: bool = False) -> Transaction | None:
        suffix = " for update" if lock else ""
        row = await self._connection.fetchrow(
            f"select * from oid4vci_transaction where id = $1 and tenant = $2{suffix}",  # noqa: S608
            id_,
            tenant,
        )
        return None if row is None else _transaction(row)

    async def set_state(self, id_: UUID, state: TransactionState) -> None:
        await self._connection.execute("update oid4vci_transaction set state = $2 where id = $1", id_, state.value)

    async def page(
        self, tenant: str, state: TransactionState | None, before: UUID | None, limit: int
    ) -> list[Transaction]:
        rows = await self._connection.fetch(
            """select * from oid4vci_transaction where tenant = $1 and ($2::text is null or state = $2) and id < $3
               order by id desc limit $4""",
            tenant,
            state.value if state else None,
            before or _LAST,
            limit,
        )
        return [_transaction(row) for row in rows]


def _access_json(access: Access) -> dict[str, Any]:
    return {
        "grant": access.grant.hex(),
        "tenant": access.tenant,
        "issuer": access.issuer,
        "configuration_ids": access.configuration_ids,
        "expires": access.expires.isoformat(),
        "subject": access.subject,
        "client_id": access.client_id,
        "offer_id": str(access.offer_id) if access.offer_id else None,
    }


def _transaction(row: Any) -> Transaction:
    access = cast(dict[str, Any], orjson.loads(row["access"]))
    return Transaction(
        hash=row["hash"],
        id=_plain(row["id"]),
        tenant=row["tenant"],
        issuer=row["issuer"],
        grant=row["grant_key"],
        configuration_id=row["configuration_id"],
        keys=tuple(HolderKey(key["jwk"], key["did"]) for key in orjson.loads(row["keys"])),
        access=Access(
            grant=bytes.fromhex(access["grant"]),
            tenant=access["tenant"],
            issuer=access["issuer"],
            configuration_ids=tuple(access["configuration_ids"]),
            expires=datetime.fromisoformat(access["expires"]).astimezone(UTC),
            client_id=access["client_id"],
            subject=access["subject"],
            offer_id=UUID(access["offer_id"]) if access["offer_id"] else None,
        ),
        created=row["created"],
        expires=row["expires"],
        state=TransactionState(row["state"]),
    )


class NotificationRows:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def insert(self, notifications: Sequence[Notification]) -> None:
        await self._connection.execute(
            """insert into oid4vci_notification (hash, tenant, grant_key, credential_ids)
               select hash, tenant, grant_key, array(select json_array_elements_text(ids)::uuid)
               from unnest($1::bytea[], $2::text[], $3::bytea[], $4::json[]) as new (hash, tenant, grant_key, ids)""",
            [notification.hash for notification in notifications],
            [notification.tenant for notification in notifications],
            [notification.grant for notification in notifications],
            [_json(notification.credential_ids) for notification in notifications],
        )

    async def lock(self, hash_: bytes) -> Notification | None:
        row = await self._connection.fetchrow("select * from oid4vci_notification where hash = $1 for update", hash_)
        if row is None:
            return None
        ids = tuple(_plain(id_) for id_ in row["credential_ids"])
        return Notification(row["hash"], row["tenant"], row["grant_key"], ids, row["event"])

    async def record(self, hash_: bytes, event: str, now: datetime) -> None:
        await self._connection.execute(
            "update oid4vci_notification set event = $2, event_time = $3 where hash = $1", hash_, event, now
        )
