"""Two replicas: what one of them changes is dropped from the other's memory by an event, not by its age."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from pydantic import SecretStr
from sealwright_certify import subscriptions
from sealwright_certify.usecases.catalogue import Catalogue
from sealwright_certify.usecases.events import KeysChanged
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_common.domain.call import system_call
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.config import NatsSettings
from sealwright_common.runtime.events import Broker, Hints, Relay
from sealwright_sandbox.oid4vci_wallet import Wallet

from tests.support.oid4vci import (
    OPERATOR,
    PUBLIC_URL,
    Door,
    SoftwareDirectory,
    SoftwareSigner,
    issuer_document,
    open_door,
)


@pytest_asyncio.fixture(loop_scope="session")
async def replicas(database_dsn: str, nats_url: str) -> AsyncIterator[tuple[Door, Door]]:
    """Two replicas whose clock stands still: nothing in their memory grows old."""
    clock = ManualClock(datetime.now(UTC))
    signer = SoftwareSigner(KeyAlgorithm.ES256, KeyAlgorithm.EDDSA)
    listening = [asyncio.Event(), asyncio.Event()]
    async with AsyncExitStack() as stack:
        doors: list[Door] = []
        for heard in listening:
            door = await stack.enter_async_context(open_door(database_dsn, signer=signer, clock=clock))
            broker = Broker(NatsSettings(url=SecretStr(nats_url)))
            keys = KeyCopy(door.database, SoftwareDirectory(signer), clock)
            forgetting = subscriptions.forgetting(
                keys, Catalogue(door.database, clock), door.oid4vci.keys.forget, door.oid4vci.door.forget
            )
            relay = Relay(door.database, broker, service="certify")
            for part in (broker, Hints(broker, forgetting, heard.set), relay):
                await part.start()
                stack.push_async_callback(part.stop)
            doors.append(door)
        async with asyncio.timeout(30):
            for heard in listening:
                await heard.wait()
        yield doors[0], doors[1]


async def until(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    async with asyncio.timeout(30):
        while await look() != wanted:
            await asyncio.sleep(0.02)


async def test_a_stored_document_shows_at_every_replica(replicas: tuple[Door, Door]) -> None:
    first, second = replicas
    async with Wallet(base=second.base) as wallet:

        async def shown() -> Any:
            metadata = await wallet.get(f"{PUBLIC_URL}/.well-known/openid-credential-issuer/demo")
            return metadata["display"][0]["name"]

        await first.oid4vci.operator.store_issuer(OPERATOR, issuer_document())
        await until(shown, "Demo issuer")
        renamed = issuer_document(display=[{"name": "Renamed", "locale": "en"}])
        await first.oid4vci.operator.store_issuer(OPERATOR, renamed)
        await until(shown, "Renamed")


async def test_imported_certificates_sign_at_every_replica(replicas: tuple[Door, Door]) -> None:
    first, second = replicas
    now = first.oid4vci.door.clock.now()
    key_id = next(iter(first.signer.keys))

    async def leaf() -> bytes:
        algorithms = frozenset({KeyAlgorithm.ES256})
        return (await second.oid4vci.keys.active("default", "es256", algorithms, now)).chain[0]

    before = await leaf()
    after = first.signer.certificate(key_id)
    assert before != after
    pem = load_der_x509_certificate(after).public_bytes(Encoding.PEM).decode()
    await first.oid4vci.operator.certificates.import_chain(OPERATOR, "es256", pem, now)
    await until(leaf, after)


async def test_a_key_that_left_the_schedule_leaves_every_replica(replicas: tuple[Door, Door]) -> None:
    first, second = replicas
    now = first.oid4vci.door.clock.now()

    async def published() -> int:
        return len(await second.oid4vci.keys.published("default", "es256", now))

    algorithms = frozenset({KeyAlgorithm.ES256})
    await second.oid4vci.keys.active("default", "es256", algorithms, now)
    assert await published() == 1
    async with first.database.begin(system_call("test", "default")) as work:
        await work.connection.execute("update issuer_key set state = 'COMPROMISED' where issuer = 'es256'")
        work.emit(KeysChanged("default", "es256"))
    await until(published, 0)
