"""What registries and wallets may do to a stamp, and what it makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import pytest_asyncio
from sealwright.stamp.v1 import resources_pb2 as stamp_pb
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.errors import AlreadyExists, FailedPrecondition, NotFound
from sealwright_sandbox.registry.faults import RegistryFaults
from sealwright_sandbox.wallet.faults import WalletFaults

from tests.support.databases import Databases
from tests.support.stamp import REGISTRY, Stage, StampClient, in_state, is_delivered, order, sql

HOURS = iter(range(1000, 100_000))


@pytest_asyncio.fixture(scope="module")
async def recipient(stage: Stage, client: StampClient) -> str:
    return await client.recipient(stage.wallet.create_endpoint())


@pytest.fixture(autouse=True)
def healed(stage: Stage) -> Iterator[None]:
    yield
    stage.registry.faults = RegistryFaults()
    stage.wallet.faults = WalletFaults()


async def one(client: StampClient, recipient: str) -> str:
    wanted = order(recipient, next(HOURS))
    await client.stamp_all([wanted])
    return wanted.certificate_id


def deliveries(stage: Stage, name: str) -> int:
    return sum(received.deliveries for received in stage.wallet.received if received.slice.stream_id == name)


async def test_reply_dropped_after_the_registry_accepted(stage: Stage, client: StampClient, recipient: str) -> None:
    stage.registry.faults = RegistryFaults(drop_replies=5)
    name = await one(client, recipient)
    await client.delivered(name)
    assert stage.registry.statistics.duplicates >= 1
    assert len(stage.registry.stream(name)) == 1
    (row,) = await sql(
        client.stamp.dsn,
        "select count(*) from submission join certificate using (row_id) where certificate_id = $1",
        name,
    )
    assert row["count"] == 1


async def test_finalized_seen_without_committed(stage: Stage, client: StampClient, recipient: str) -> None:
    stage.registry.faults = RegistryFaults(status_script=("PENDING", "FINALIZED"))
    await client.delivered(await one(client, recipient))


async def test_unknown_for_long_means_the_same_bytes_again(stage: Stage, client: StampClient, recipient: str) -> None:
    stage.registry.faults = RegistryFaults(lose_transactions=4)
    name = await one(client, recipient)
    await client.delivered(name)
    assert len(stage.registry.stream(name)) == 1


async def test_failed_keeps_the_registrys_reason_and_frees_the_period(
    stage: Stage, client: StampClient, recipient: str
) -> None:
    wanted = order(recipient, next(HOURS))
    stage.registry.faults = RegistryFaults(fail={wanted.certificate_id: "Invalid issuer signature for GridArea DK1"})
    await client.stamp_all([wanted])
    certificate = await client.until(wanted.certificate_id, in_state(stamp_pb.CERTIFICATE_STATE_FAILED))
    assert certificate.reason == "Invalid issuer signature for GridArea DK1"
    history = await client.history(wanted.certificate_id)
    assert (history[-1].event, history[-1].reason) == ("CertificateFailedInRegistry", certificate.reason)
    wanted.certificate_id = wanted.certificate_id[:-4] + "0000"
    stage.registry.faults = RegistryFaults()
    (outcome,) = await client.stamp_all([wanted])
    assert outcome.HasField("accepted"), outcome
    await client.delivered(wanted.certificate_id)


async def test_failed_is_not_believed_when_the_stream_holds_our_bytes(
    stage: Stage, client: StampClient, recipient: str
) -> None:
    # The answer to the first poll is slow enough for the transaction to be in its stream by then.
    stage.registry.faults = RegistryFaults(delay_seconds=0.3, status_script=("FAILED",))
    await client.delivered(await one(client, recipient))


async def test_wallet_fails_three_times_then_takes_it(stage: Stage, client: StampClient, recipient: str) -> None:
    stage.wallet.faults = WalletFaults(refuse_posts=3, refuse_status=500)
    name = await one(client, recipient)
    (certificate,) = await client.delivered(name)
    assert certificate.delivery_attempts == 4
    assert deliveries(stage, name) == 1


async def test_wallet_refuses_for_good_and_redelivery(stage: Stage, client: StampClient, recipient: str) -> None:
    stage.wallet.faults = WalletFaults(refuse_posts=1, refuse_status=404)
    name = await one(client, recipient)
    undeliverable = stamp_pb.DELIVERY_STATE_UNDELIVERABLE
    certificate = await client.until(name, lambda c: c.delivery_state == undeliverable)
    assert certificate.delivery_reason.startswith("HTTP 404")
    assert certificate.delivery_attempts == 1
    listed = await client.stub.ListCertificates(pb.ListCertificatesRequest(delivery_state=undeliverable))
    assert [c.certificate_id for c in listed.certificates] == [name]
    request = pb.RedeliverToWalletRequest(registry=REGISTRY, certificate_id=name)
    await client.stub.RedeliverToWallet(request)
    await client.delivered(name)
    assert deliveries(stage, name) == 1
    with pytest.raises(FailedPrecondition):
        await client.stub.RedeliverToWallet(request)


async def test_wallet_cuts_the_line_after_it_took_the_slice(stage: Stage, client: StampClient, recipient: str) -> None:
    stage.wallet.faults = WalletFaults(drop_replies=1)
    name = await one(client, recipient)
    await client.delivered(name)
    # Nobody but the wallet knew of the first post; the second carries the same idempotency key.
    assert deliveries(stage, name) == 2


async def test_held_back_is_stuck_and_resumes(stage: Stage, postgres: Databases, recipient: str) -> None:
    stage.registry.faults = RegistryFaults(hold=True)
    with postgres.fresh() as dsn:
        process = stage.stamp(dsn, {"STUCK_AFTER": "PT10S", "POLL_LONGEST": "PT0.2S"})
        process.start()
        await process.wait_ready()
        client = StampClient(process)
        own = await client.recipient(stage.wallet.create_endpoint())
        name = await one(client, own)
        certificate = await client.until(name, in_state(stamp_pb.CERTIFICATE_STATE_STUCK))
        assert certificate.reason.startswith("no progress in SENT")
        listed = await client.stub.ListCertificates(pb.ListCertificatesRequest(state=stamp_pb.CERTIFICATE_STATE_STUCK))
        assert [c.certificate_id for c in listed.certificates] == [name]
        stage.registry.faults = RegistryFaults()
        request = pb.ResumeCertificateRequest(registry=REGISTRY, certificate_id=name)
        await client.stub.ResumeCertificate(request)
        await client.delivered(name)
        events = [entry.event for entry in await client.history(name)]
        assert events[-5:] == [
            "CertificateStuck",
            "CertificateResumed",
            "CertificateIssuedInRegistry",
            "CertificateMarkedAsIssued",
            "SliceDelivered",
        ]
        with pytest.raises(FailedPrecondition):
            await client.stub.ResumeCertificate(request)
        await client.close()
        process.stop()


async def test_withdrawal_is_refused_while_issuing_and_after_failure(
    stage: Stage, client: StampClient, recipient: str
) -> None:
    stage.registry.faults = RegistryFaults(hold=True)
    name = await one(client, recipient)
    await client.until(name, in_state(stamp_pb.CERTIFICATE_STATE_SENT))
    request = pb.WithdrawCertificateRequest(registry=REGISTRY, certificate_id=name)
    with pytest.raises(FailedPrecondition):
        await client.stub.WithdrawCertificate(request)
    stage.registry.faults = RegistryFaults()
    await client.delivered(name)
    stage.registry.faults = RegistryFaults(fail={name: "not today"})
    await client.stub.WithdrawCertificate(request)
    certificate = await client.until(name, in_state(stamp_pb.CERTIFICATE_STATE_ISSUED))
    assert [e.reason for e in await client.history(name) if e.event == "CertificateWithdrawalFailed"] == ["not today"]
    assert is_delivered(certificate)
    stage.registry.faults = RegistryFaults()
    await client.stub.WithdrawCertificate(request)
    with pytest.raises(AlreadyExists):
        await client.stub.WithdrawCertificate(request)
    await client.until(name, in_state(stamp_pb.CERTIFICATE_STATE_WITHDRAWN))
    request.certificate_id = request.certificate_id[:-4] + "ffff"
    with pytest.raises(NotFound):
        await client.stub.WithdrawCertificate(request)


async def test_watch_tells_every_step_and_ends(stage: Stage, client: StampClient, recipient: str) -> None:
    name = await one(client, recipient)
    request = pb.WatchCertificateRequest(registry=REGISTRY, certificate_id=name)
    steps: list[str] = []

    async def follow() -> None:
        async for answer in client.stub.WatchCertificate(request, timeout=60):
            steps.append(answer.entry.event)

    await asyncio.wait_for(follow(), 60)
    assert steps[0] == "CertificateStored"
    assert steps[-1] == "SliceDelivered"
    assert len(steps) == 5


async def test_fifty_concurrent_certificates_of_one_recipient_and_period(stage: Stage, client: StampClient) -> None:
    recipient = await client.recipient(stage.wallet.create_endpoint())
    hour = next(HOURS)
    orders = [order(recipient, hour, metering_point_id=f"meter-{number}") for number in range(50)]
    requests = [pb.StampCertificateRequest(certificate=wanted) for wanted in orders]
    answers = await asyncio.gather(*(client.stub.StampCertificate(request, timeout=60) for request in requests))
    positions = sorted(answer.certificate.wallet_position for answer in answers)
    assert positions == [positions[0] + lane * 2**24 for lane in range(50)]
    await client.delivered(*(wanted.certificate_id for wanted in orders))
    await stage.wallet.settled()
    ours = {wanted.certificate_id for wanted in orders}
    statuses = [r.status for r in stage.wallet.received if r.slice.stream_id in ours]
    assert statuses == ["matched"] * 50
    rejecting = order(recipient, hour, metering_point_id="another", on_clash=stamp_pb.ON_CLASH_REJECT)
    (outcome,) = await client.stamp_all([rejecting])
    assert outcome.refused.reason == "POSITION_TAKEN"


async def test_fifty_equal_orders_at_once_are_one_certificate(client: StampClient, recipient: str) -> None:
    wanted = order(recipient, next(HOURS))
    request = pb.StampCertificateRequest(certificate=wanted)
    answers = await asyncio.gather(*(client.stub.StampCertificate(request, timeout=60) for _ in range(50)))
    assert len({answer.certificate.wallet_position for answer in answers}) == 1
    await client.delivered(wanted.certificate_id)
    (row,) = await sql(
        client.stamp.dsn, "select count(*) from certificate where certificate_id = $1", wanted.certificate_id
    )
    assert row["count"] == 1
