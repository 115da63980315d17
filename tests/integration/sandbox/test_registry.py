"""The registry sandbox accepts and refuses what the real registry does, and misbehaves on request only."""

import asyncio
import base64
import copy
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from project_origin.common.v1 import common_pb2
from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry
from project_origin.registry.v1 import registry_pb2_grpc as registry_grpc
from sealwright_sandbox.registry import merkle
from sealwright_sandbox.registry.faults import RegistryFaults
from sealwright_sandbox.registry.ledger import State, transaction_id
from sealwright_sandbox.registry.server import RegistrySandbox

from tests.support.issuing import START, Issuer, new_owner, new_stream, period


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
async def sandbox(issuer: Issuer) -> AsyncIterator[RegistrySandbox]:
    async with RegistrySandbox(areas={"DK1": [issuer.public_key]}, check_proofs=False, block_interval=60) as sandbox:
        yield sandbox


@pytest.fixture
async def stub(sandbox: RegistrySandbox) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(sandbox.address) as channel:
        yield registry_grpc.RegistryServiceStub(channel)


async def send(stub: Any, *transactions: registry.Transaction) -> None:
    await stub.SendTransactions(registry.SendTransactionsRequest(transactions=transactions))


async def status(stub: Any, transaction: registry.Transaction) -> registry.GetTransactionStatusResponse:
    return await stub.GetTransactionStatus(registry.GetTransactionStatusRequest(id=transaction_id(transaction)))


async def outcome(sandbox: RegistrySandbox, stub: Any, *transactions: registry.Transaction) -> tuple[int, str]:
    """State and message of the last of `transactions` once all were judged."""
    await send(stub, *transactions)
    await sandbox.settled()
    answer = await status(stub, transactions[-1])
    return answer.status, answer.message


async def test_a_sound_certificate_is_committed_and_then_finalized(
    sandbox: RegistrySandbox, stub: Any, issuer: Issuer
) -> None:
    stream = new_stream()
    transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
    assert await outcome(sandbox, stub, transaction) == (State.COMMITTED, "")
    sandbox.ledger.seal()
    assert (await status(stub, transaction)).status == State.FINALIZED
    found = await stub.GetStreamTransactions(
        registry.GetStreamTransactionsRequest(stream_id=common_pb2.Uuid(value=stream))
    )
    assert list(found.transactions) == [transaction]


Change = Callable[[electricity.IssuedEvent], None]


def with_type(event: electricity.IssuedEvent) -> None:
    event.type = electricity.INVALID


def with_short_owner(event: electricity.IssuedEvent) -> None:
    event.owner_public_key.content = event.owner_public_key.content[:-1]


def with_point_off_the_curve(event: electricity.IssuedEvent) -> None:
    event.owner_public_key.content = b"\x02" + b"\xff" * 32


def with_long_period(event: electricity.IssuedEvent) -> None:
    event.period.CopyFrom(period(START, timedelta(hours=1, seconds=1)))


def with_short_period(event: electricity.IssuedEvent) -> None:
    event.period.CopyFrom(period(START, timedelta(seconds=59)))


def with_period_backwards(event: electricity.IssuedEvent) -> None:
    event.period.CopyFrom(period(START, timedelta(minutes=-5)))


def with_unknown_area(event: electricity.IssuedEvent) -> None:
    event.grid_area = "SE4"


def with_other_certificate(event: electricity.IssuedEvent) -> None:
    event.certificate_id.stream_id.value = new_stream()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_type, "Invalid certificate type"),
        (with_short_owner, "Invalid owner key"),
        (with_point_off_the_curve, "Invalid owner key"),
        (with_long_period, "maximum period is 1 hour"),
        (with_short_period, "minimum period is 1 minute"),
        (with_period_backwards, "minimum period is 1 minute"),
        (with_unknown_area, "No issuer found for grid area 'SE4'"),
        (with_other_certificate, "another certificate"),
    ],
)
async def test_an_unsound_certificate_fails_with_its_reason(
    sandbox: RegistrySandbox, stub: Any, issuer: Issuer, change: Change, reason: str
) -> None:
    stream = new_stream()
    event = issuer.issued(stream, new_owner())
    change(event)
    state, message = await outcome(sandbox, stub, issuer.sign(stream, event))
    assert state == State.FAILED
    assert reason in message
    assert sandbox.stream(stream) == []


async def test_a_missing_range_proof_is_refused(issuer: Issuer) -> None:
    async with RegistrySandbox(areas={"DK1": [issuer.public_key]}) as strict:
        async with grpc.aio.insecure_channel(strict.address) as channel:
            stub = registry_grpc.RegistryServiceStub(channel)
            stream = new_stream()
            state, message = await outcome(strict, stub, issuer.sign(stream, issuer.issued(stream, new_owner())))
    assert state == State.FAILED
    assert "range proof" in message


async def test_signatures_are_of_the_area_s_issuers_over_the_canonical_header(
    sandbox: RegistrySandbox, stub: Any, issuer: Issuer
) -> None:
    stream = new_stream()
    stranger = Issuer()
    event = issuer.issued(stream, new_owner())
    state, message = await outcome(sandbox, stub, stranger.sign(stream, event))
    assert (state, "Invalid issuer signature" in message) == (State.FAILED, True)
    sandbox.trust("DK1", stranger.public_key)
    assert (await outcome(sandbox, stub, stranger.sign(stream, event)))[0] == State.COMMITTED
    other = new_stream()
    assert (await outcome(sandbox, stub, issuer.sign(other, issuer.issued(other, new_owner()))))[0] == State.COMMITTED


async def test_the_payload_is_bound_to_the_signed_hash(sandbox: RegistrySandbox, stub: Any, issuer: Issuer) -> None:
    stream = new_stream()
    transaction = issuer.sign(stream, issuer.issued(stream, new_owner(), quantity=1))
    transaction.payload = issuer.issued(stream, new_owner(), quantity=1_000_000).SerializeToString()
    state, message = await outcome(sandbox, stub, transaction)
    assert (state, "SHA-512" in message) == (State.FAILED, True)


async def test_another_registry_s_transaction_fails(sandbox: RegistrySandbox, stub: Any, issuer: Issuer) -> None:
    stream = new_stream()
    transaction = issuer.sign(stream, issuer.issued(stream, new_owner()), named="elsewhere")
    assert "Invalid registry" in (await outcome(sandbox, stub, transaction))[1]


async def test_a_second_certificate_in_a_stream_fails_and_a_repeat_does_not_lower_the_first(
    sandbox: RegistrySandbox, stub: Any, issuer: Issuer
) -> None:
    stream = new_stream()
    first = issuer.sign(stream, issuer.issued(stream, new_owner()))
    second = issuer.sign(stream, issuer.issued(stream, new_owner()))
    state, message = await outcome(sandbox, stub, first, second)
    assert (state, "already exists" in message) == (State.FAILED, True)
    assert await outcome(sandbox, stub, first) == (State.COMMITTED, "")
    assert sandbox.statistics.duplicates == 1
    assert len(sandbox.stream(stream)) == 1


async def test_withdrawing_once_by_the_issuing_body(sandbox: RegistrySandbox, stub: Any, issuer: Issuer) -> None:
    stream = new_stream()
    withdrawn = electricity.WithdrawnEvent()
    assert "does not exist" in (await outcome(sandbox, stub, issuer.sign(stream, withdrawn)))[1]
    issued = issuer.sign(stream, issuer.issued(stream, new_owner()))
    assert "signature" in (await outcome(sandbox, stub, issued, Issuer().sign(stream, withdrawn)))[1]
    assert (await outcome(sandbox, stub, issuer.sign(stream, withdrawn)))[0] == State.COMMITTED
    assert "already withdrawn" in (await outcome(sandbox, stub, issuer.sign(stream, withdrawn)))[1]


async def test_an_unknown_transaction_is_unknown(stub: Any, issuer: Issuer) -> None:
    stream = new_stream()
    assert (await status(stub, issuer.sign(stream, electricity.WithdrawnEvent()))).status == State.UNKNOWN


async def test_state_survives_a_restart(tmp_path: Path, issuer: Issuer) -> None:
    stream = new_stream()
    transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
    refused = issuer.sign(stream, issuer.issued(stream, new_owner()))
    async with RegistrySandbox(folder=tmp_path, check_proofs=False) as first:
        first.trust("DK1", issuer.public_key)
        async with grpc.aio.insecure_channel(first.address) as channel:
            await outcome(first, registry_grpc.RegistryServiceStub(channel), transaction, refused)
        first.ledger.seal()
    async with RegistrySandbox(folder=tmp_path, check_proofs=False) as second:
        async with grpc.aio.insecure_channel(second.address) as channel:
            stub = registry_grpc.RegistryServiceStub(channel)
            assert (await status(stub, transaction)).status == State.FINALIZED
            assert "already exists" in (await status(stub, refused)).message
        assert second.ledger.keys.areas == ["DK1"]
        assert second.ledger.blocks == first.ledger.blocks


async def test_blocks_prove_their_transactions(sandbox: RegistrySandbox, stub: Any, issuer: Issuer) -> None:
    transactions: list[registry.Transaction] = []
    for _ in range(5):
        stream = new_stream()
        transactions.append(issuer.sign(stream, issuer.issued(stream, new_owner())))
    await outcome(sandbox, stub, *transactions[:2])
    sandbox.ledger.seal()
    await outcome(sandbox, stub, *transactions[2:])
    sandbox.ledger.seal()
    blocks = (await stub.GetBlocks(registry.GetBlocksRequest(include_transactions=True))).blocks
    assert [len(block.transactions) for block in blocks] == [2, 3]
    for transaction in transactions:
        proof = await stub.GetTransactionProof(registry.GetTransactionProofRequest(id=transaction_id(transaction)))
        leaf = base64.b64decode(transaction_id(transaction))
        roots = {block.header.merkle_root_hash for block in blocks}
        assert merkle.climb(leaf, proof.leaf_index, proof.hashes) in roots
    page = (await stub.GetBlocks(registry.GetBlocksRequest(skip=1, limit=1))).blocks
    assert [(block.height, len(block.transactions)) for block in page] == [(1, 0)]


class TestFaults:
    """Each fault shows, and ends."""

    async def test_a_dropped_reply_was_taken_in(self, sandbox: RegistrySandbox, stub: Any, issuer: Issuer) -> None:
        sandbox.faults = RegistryFaults(drop_replies=1)
        stream = new_stream()
        transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await send(stub, transaction)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        await sandbox.settled()
        assert (await status(stub, transaction)).status == State.COMMITTED
        await send(stub, transaction)

    async def test_refused_and_lost_transactions_stay_unknown(
        self, sandbox: RegistrySandbox, stub: Any, issuer: Issuer
    ) -> None:
        sandbox.faults = RegistryFaults(refuse_sends=1, error_code="RESOURCE_EXHAUSTED", lose_transactions=1)
        stream = new_stream()
        transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await send(stub, transaction)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        await send(stub, transaction)
        assert (await status(stub, transaction)).status == State.UNKNOWN
        assert await outcome(sandbox, stub, transaction) == (State.COMMITTED, "")

    async def test_a_status_script_is_told_per_transaction(
        self, sandbox: RegistrySandbox, stub: Any, issuer: Issuer
    ) -> None:
        sandbox.faults = RegistryFaults(status_script=("UNKNOWN", "PENDING", "FINALIZED"))
        for _ in range(2):
            stream = new_stream()
            transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
            await send(stub, transaction)
            await sandbox.settled()
            told = [(await status(stub, transaction)).status for _ in range(4)]
            assert told == [State.UNKNOWN, State.PENDING, State.FINALIZED, State.COMMITTED]

    async def test_held_transactions_are_pending(self, sandbox: RegistrySandbox, stub: Any, issuer: Issuer) -> None:
        sandbox.faults = RegistryFaults(hold=True)
        stream = new_stream()
        transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
        await send(stub, transaction)
        assert (await status(stub, transaction)).status == State.PENDING
        sandbox.faults = RegistryFaults()
        await sandbox.settled()
        assert (await status(stub, transaction)).status == State.COMMITTED

    async def test_a_stream_fails_with_a_given_reason(
        self, sandbox: RegistrySandbox, stub: Any, issuer: Issuer
    ) -> None:
        stream = new_stream()
        sandbox.faults = RegistryFaults(fail={stream: "closed for the holidays"})
        transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
        assert await outcome(sandbox, stub, transaction) == (State.FAILED, "closed for the holidays")

    async def test_calls_wait(self, sandbox: RegistrySandbox, stub: Any, issuer: Issuer) -> None:
        sandbox.faults = RegistryFaults(delay_seconds=30)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.SendTransactions(registry.SendTransactionsRequest(), timeout=0.05)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_the_admin_door(sandbox: RegistrySandbox, issuer: Issuer) -> None:
    async with aiohttp.ClientSession(sandbox.admin_url) as session:
        async with session.put("/faults", json={"drop_replies": 2}) as answer:
            assert (answer.status, (await answer.json())["drop_replies"]) == (200, 2)
        assert sandbox.faults.drop_replies == 2
        async with session.put("/faults", json={"drop_reply": 2}) as answer:
            assert (answer.status, "drop_reply" in await answer.text()) == (400, True)
        async with session.delete("/faults") as answer:
            assert answer.status == 200
        assert sandbox.faults == RegistryFaults()
        fresh = Issuer().public_key
        for expected in (201, 200):
            async with session.post("/areas/DK2/keys", json={"public_key": fresh}) as answer:
                assert (answer.status, (await answer.json())["DK2"]) == (expected, [fresh])
        async with session.post("/areas/DK2/keys", json={"public_key": "nonsense"}) as answer:
            assert answer.status == 400
        async with session.delete("/areas/DK2/keys") as answer:
            assert await answer.json() == {"DK1": [issuer.public_key]}
        async with session.get("/statistics") as answer:
            assert (await answer.json())["committed"] == 0


async def test_parallel_senders_of_the_same_bytes_make_one_certificate(
    sandbox: RegistrySandbox, stub: Any, issuer: Issuer
) -> None:
    stream = new_stream()
    transaction = issuer.sign(stream, issuer.issued(stream, new_owner()))
    await asyncio.gather(*(send(stub, copy.deepcopy(transaction)) for _ in range(20)))
    await sandbox.settled()
    assert len(sandbox.stream(stream)) == 1
    assert sandbox.statistics.duplicates == 19
