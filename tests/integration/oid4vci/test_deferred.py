"""Deferred issuance: polled, decided by an operator, handed over once; notifications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from sealwright_common.domain.oid4vci_grants import TransactionState
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey, WalletOffer

from tests.support.oid4vci import OPERATOR, Door, issuer_document, open_door


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(module_database_dsn: str) -> AsyncIterator[Door]:
    async with open_door(module_database_dsn) as opened:
        document = issuer_document(deferred_interval_seconds=7)
        document["datasets"]["person"]["approval"] = True
        await opened.store(document)
        yield opened


async def asked(door: Door, wallet: Wallet) -> tuple[WalletOffer, str]:
    made = await door.offer("person-sd")
    opened = await wallet.open_offer(made.by_value)
    await wallet.redeem(opened)
    answer = await wallet.obtain(opened, "person-sd", [WalletKey(), WalletKey()])
    assert answer["interval"] == 7
    assert "credentials" not in answer
    return opened, answer["transaction_id"]


async def decide(door: Door, approve: bool) -> None:
    async with door.database.read(OPERATOR) as work:
        [transaction, *_] = await work.transactions.page("default", TransactionState.PENDING, None, 1)
    await door.oid4vci.operator.decide_deferred(OPERATOR, transaction.id, approve)
    await door.oid4vci.operator.decide_deferred(OPERATOR, transaction.id, approve)


async def test_polled_until_approved_then_delivered_once(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, transaction = await asked(door, wallet)
        for _ in range(2):
            assert await wallet.poll(opened, transaction) == {"transaction_id": transaction, "interval": 7}
        await decide(door, True)
        answers = await asyncio.gather(*(poll(wallet, opened, transaction) for _ in range(8)))
        assert sorted(answers) == ["credentials"] + ["invalid_transaction_id"] * 7
        assert len(wallet.credentials) == 2


async def poll(wallet: Wallet, opened: WalletOffer, transaction: str) -> str:
    try:
        answer = await wallet.poll(opened, transaction, encrypt=True)
    except Refused as refused:
        return refused.error
    return "credentials" if "credentials" in answer else "pending"


async def test_denied(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, transaction = await asked(door, wallet)
        await decide(door, False)
        assert await poll(wallet, opened, transaction) == "credential_request_denied"


async def test_only_a_token_of_the_same_grant_may_fetch(door: Door) -> None:
    async with Wallet(base=door.base) as wallet:
        _, transaction = await asked(door, wallet)
        other, _ = await asked(door, wallet)
        assert await poll(wallet, other, transaction) == "invalid_transaction_id"
        assert await poll(wallet, other, "unknown") == "invalid_transaction_id"
        other.token = {"access_token": "nobody"}
        assert await poll(wallet, other, transaction) == "invalid_token"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"notification_id": "unknown", "event": "credential_accepted"}, "invalid_notification_id"),
        ({"notification_id": "unknown", "event": "credential_lost"}, "invalid_notification_request"),
        ({"event": "credential_accepted"}, "invalid_notification_request"),
        ({"notification_id": 5, "event": "credential_accepted"}, "invalid_notification_request"),
        ({}, "invalid_notification_request"),
    ],
)
async def test_notifications_that_are_none(door: Door, body: dict[str, Any], error: str) -> None:
    async with Wallet(base=door.base) as wallet:
        opened, _ = await asked(door, wallet)
        url = str(opened.metadata["notification_endpoint"])
        headers = wallet.authorization(opened, "POST", url)
        with pytest.raises(Refused) as refused:
            await wallet.send("POST", url, json=body, headers=headers)
        assert refused.value.status == 400
        assert refused.value.error == error
