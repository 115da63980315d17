"""Secrets that all replicas of the door share: the nonces' MAC key and the keys that requests are encrypted to.

Made by whichever replica starts first, sealed with the service's key, kept in the database. The request keys protect
a request on its way, as TLS keys do; no credential is ever signed with them.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sealwright_common.domain.errors import FailedPrecondition, Reason, Unavailable
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.db.connection import Connection

from sealwright_certify.adapters.oid4vci.encryption import JweMessages, ResponseKey, new_request_key
from sealwright_certify.adapters.oid4vci.nonces import MacNonces
from sealwright_certify.ports import Secrets

_SOON = timedelta(seconds=1)


class DoorKeyring:
    """Nonces and request keys, once the database gave the secrets. A part of the app: not ready before."""

    name = "oid4vci keyring"

    def __init__(self, database: Database[Any], seal: Secrets) -> None:
        self._database = database
        self._seal = seal
        self._nonces: MacNonces | None = None
        self._messages: JweMessages | None = None
        self._loading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins to wait for the database."""
        self._loading = asyncio.create_task(self._load(), name=self.name)

    async def stop(self) -> None:
        """Stops waiting."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.wait({self._loading})

    def ready(self) -> str | None:
        """Why the door is not open yet."""
        if self._nonces is not None:
            return None
        if self._loading is not None and self._loading.done() and (error := self._loading.exception()):
            return str(error)
        return "waiting for the database"

    async def _load(self) -> None:
        await self._database.wait_available()
        async with self._database.connection() as connection:
            nonce = await _secret(connection, self._seal, "nonce", _new_nonce_secret)
            request = await _secret(connection, self._seal, "request", _new_request_key)
        self._messages = JweMessages([json.loads(request)])
        self._nonces = MacNonces(base64.b64decode(nonce))

    def _open(self) -> tuple[MacNonces, JweMessages]:
        if self._nonces is None or self._messages is None:
            raise Unavailable(Reason.DATABASE_UNAVAILABLE, "the door is not open yet; try again", retry_after=_SOON)
        return self._nonces, self._messages

    def fresh(self, now: datetime) -> str:
        """A new nonce."""
        return self._open()[0].fresh(now)

    def expiry(self, nonce: str, now: datetime) -> datetime | None:
        """Until when a nonce is good."""
        return self._open()[0].expiry(nonce, now)

    @property
    def public(self) -> Sequence[Mapping[str, Any]]:
        """Public JWKs that requests are encrypted to."""
        return self._open()[1].public

    def decrypt(self, text: str) -> dict[str, Any]:
        """The request object of a JWE."""
        return self._open()[1].decrypt(text)

    def response(self, parameters: object) -> ResponseKey:
        """Reads the encryption parameters of a request."""
        return self._open()[1].response(parameters)


def _new_nonce_secret() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _new_request_key() -> str:
    return json.dumps(new_request_key(secrets.token_urlsafe(8)))


async def _secret(connection: Connection, seal: Secrets, kind: str, make: Callable[[], str]) -> str:
    await connection.execute(
        "insert into oid4vci_secret (kind, id, sealed) values ($1, '1', $2) on conflict do nothing",
        kind,
        seal.seal(make()),
    )
    sealed = await connection.fetchval("select sealed from oid4vci_secret where kind = $1 and id = '1'", kind)
    text = seal.unseal(bytes(sealed or b""))
    if text is None:
        raise FailedPrecondition(
            Reason.CONFLICT,
            "the door's secrets were sealed with another token_key; set that key, or delete oid4vci_secret",
        )
    return text
