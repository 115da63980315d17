"""What is away tells the wallet to try again, and what is over is forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from sealwright_certify.usecases.oid4vci.forget import Forgetting
from sealwright_common.verify.jws import parse
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey

from tests.support.oid4vci import PUBLIC_URL, Door, issuer_document, open_door


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(module_database_dsn: str) -> AsyncIterator[Door]:
    async with open_door(module_database_dsn) as opened:
        document = issuer_document()
        document["datasets"]["person"]["configurations"]["person-jwt"]["key_issuer"] = "nobody"
        await opened.store(document)
        yield opened


async def test_a_signer_that_is_away_is_a_503_and_the_wallet_tries_again(door: Door) -> None:
    made = await door.offer("person-sd")
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        await wallet.redeem(opened)
        door.signer.down = True
        try:
            with pytest.raises(Refused) as refused:
                await wallet.obtain(opened, "person-sd", [WalletKey()])
        finally:
            door.signer.down = False
        assert refused.value.status == 503
        assert (await wallet.obtain(opened, "person-sd", [WalletKey()]))["credentials"]
    async with door.database.connection() as connection:
        assert await connection.fetchval("select count(*) from credential") == 1


async def test_what_nothing_can_sign_is_neither_offered_in_the_metadata_nor_issued(door: Door) -> None:
    made = await door.offer("person-jwt")
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        assert "person-jwt" not in opened.metadata["credential_configurations_supported"]
        await wallet.redeem(opened)
        with pytest.raises(Refused) as refused:
            await wallet.obtain(opened, "person-jwt", [WalletKey()])
        assert refused.value.status == 503


async def test_what_is_over_is_forgotten_and_the_rest_stays(door: Door) -> None:
    over, waiting = await door.offer("person-sd"), await door.offer("person-sd")
    async with Wallet(base=door.base) as wallet:
        for made in (over, await door.offer("person-sd")):
            opened = await wallet.open_offer(made.by_value)
            await wallet.redeem(opened)
            await wallet.obtain(opened, "person-sd", [WalletKey()])
    async with door.database.connection() as connection:
        # The wallet's link is gone with the redemption; its claims go when the offer is over.
        stored = "select document, claims from oid4vci_offer where id = $1"
        row = await connection.fetchrow(stored, over.offer.id)
        assert row is not None
        assert (row["document"], row["claims"] is None) == (None, False)
        await connection.execute(
            "update oid4vci_offer set expires = expires - $2::interval where id = $1", over.offer.id, timedelta(hours=2)
        )
        await connection.execute("update oid4vci_access set expires = expires - interval '40 days'")
        await connection.execute("update oid4vci_once set until = until - interval '1 hour'")
        assert await Forgetting(door.database).run() is False
        row = await connection.fetchrow(stored, over.offer.id)
        assert row is not None
        assert row["claims"] is None
        row = await connection.fetchrow(stored, waiting.offer.id)
        assert row is not None
        assert row["claims"] is not None
        assert await connection.fetchval("select count(*) from oid4vci_access") == 0
        assert await connection.fetchval("select count(*) from oid4vci_once") == 0


async def test_a_source_that_asks_too_much_waits(module_database_dsn: str, door: Door) -> None:
    async with open_door(module_database_dsn, signer=door.signer, requests_per_source=2) as slow:
        async with Wallet(base=slow.base) as wallet:
            statuses: list[int] = []
            waits: list[int] = []
            for _ in range(8):
                try:
                    await wallet.send("POST", f"{PUBLIC_URL}/demo/nonce")
                except Refused as refused:
                    statuses.append(refused.status)
                    waits.append(int(refused.headers["Retry-After"]))
            assert set(statuses) == {429}
            assert all(seconds >= 1 for seconds in waits)


async def test_an_mdoc_is_not_issued_with_a_certificate_that_expired(door: Door) -> None:
    async with door.database.connection() as connection:
        await connection.execute("update issuer_certificate set expires = now() - interval '1 second'")
    door.oid4vci.keys.forget()
    try:
        async with Wallet(base=door.base) as wallet:
            opened = await wallet.open_offer((await door.offer("person-mdoc")).by_value)
            assert "person-mdoc" not in opened.metadata["credential_configurations_supported"]
            await wallet.redeem(opened)
            with pytest.raises(Refused) as refused:
                await wallet.obtain(opened, "person-mdoc", [WalletKey()])
            assert (refused.value.status, refused.value.body["reason"]) == (503, "NO_ACTIVE_KEY"), "ours to mend"
            opened = await wallet.open_offer((await door.offer("person-sd")).by_value)
            await wallet.redeem(opened)
            # An SD-JWT VC does without: its key is found by the issuer's metadata.
            [entry] = (await wallet.obtain(opened, "person-sd", [WalletKey()]))["credentials"]
            assert "x5c" not in parse(entry["credential"].split("~")[0]).header
    finally:
        async with door.database.connection() as connection:
            await connection.execute("update issuer_certificate set expires = now() + interval '1 day'")
        door.oid4vci.keys.forget()
