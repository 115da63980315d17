"""SIGKILL at every place between two steps of the chain: nothing is lost and nothing is done twice."""

from __future__ import annotations

import contextlib

import pytest
from sealwright.stamp.v1 import resources_pb2 as stamp_pb
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.errors import Problem

from tests.support.stamp import REGISTRY, Stage, StampClient, StampProcess, in_state, order, sql

POINTS = [
    "stamp.accepted",
    "stamp-submit.begin",
    "stamp.proved",
    "stamp.signed",
    "stamp.before_send",
    "stamp.after_send",
    "stamp-submit.end",
    "stamp-check.begin",
    "stamp.polled",
    "stamp-check.end",
    "stamp-deliver.begin",
    "stamp.before_post",
    "stamp.after_post",
    "stamp-deliver.end",
]
"""In the order of the chain."""


async def order_some(stamp: StampProcess, recipient: str, first: int) -> list[stamp_pb.CertificateOrder]:
    """Orders three certificates; the answer may be cut off by the kill, so that the caller repeats, as clients do."""
    orders = [order(recipient, first + hour) for hour in range(3)]
    client = StampClient(stamp)
    with contextlib.suppress(Problem):
        await client.stamp_all(orders)
    await client.close()
    return orders


@pytest.mark.promise(1)
@pytest.mark.timeout(600)
async def test_killed_at_every_point(stage: Stage, database_dsn: str) -> None:
    stamp = stage.stamp(database_dsn)
    stamp.start()
    await stamp.wait_ready()
    client = StampClient(stamp)
    recipient = await client.recipient(stage.wallet.create_endpoint())
    await client.close()
    stamp.stop()
    everything: list[stamp_pb.CertificateOrder] = []
    sent_bytes: dict[str, bytes] = {}
    for number, point in enumerate(POINTS):
        stamp.start(point)
        # What the kill before left over may reach the next point before the door opens.
        if await stamp.wait_ready_or_killed():
            everything += await order_some(stamp, recipient, 3 * number)
        await stamp.wait_killed()
        for row in await sql(database_dsn, "select transaction_id, transaction from submission"):
            assert sent_bytes.setdefault(row["transaction_id"], row["transaction"]) == row["transaction"]
    stamp.start()
    await stamp.wait_ready()
    client = StampClient(stamp)
    # What a client whose call was cut off does: the same orders again.
    for start in range(0, len(everything), 3):
        outcomes = await client.stamp_all(everything[start : start + 3])
        assert all(outcome.HasField("accepted") for outcome in outcomes)
    certificates = await client.delivered(*(one.certificate_id for one in everything))
    await client.close()
    await stage.wallet.settled()
    slices = {received.slice.stream_id: received for received in stage.wallet.received}
    for one in everything:
        assert slices[one.certificate_id].status == "matched", slices[one.certificate_id]
        # The real contract has one transaction per certificate; a second one would have FAILED.
        assert len(stage.registry.stream(one.certificate_id)) == 1
    # Only the wallet's 2xx that was never recorded may come twice, under the same idempotency key.
    twice = [name for name, received in slices.items() if received.deliveries > 1]
    assert len(twice) <= 16 + 3
    rows = await sql(database_dsn, "select row_id from submission")
    assert len(rows) == len(everything), "one transaction was ever made per certificate"
    assert len({certificate.wallet_position for certificate in certificates}) == len(everything)
    versions = await sql(
        database_dsn, "select max(version) as last, count(*) as steps from certificate_history group by row_id"
    )
    assert all(row["last"] == row["steps"] == 5 for row in versions)
    assert stage.registry.statistics.failed == 0


@pytest.mark.promise(1)
@pytest.mark.timeout(300)
async def test_a_withdrawal_killed_at_every_point(stage: Stage, database_dsn: str) -> None:
    stamp = stage.stamp(database_dsn)
    stamp.start()
    await stamp.wait_ready()
    client = StampClient(stamp)
    recipient = await client.recipient(stage.wallet.create_endpoint())
    wanted = order(recipient, 200)
    await client.stamp_all([wanted])
    await client.delivered(wanted.certificate_id)
    await client.close()
    stamp.stop()
    stamp.start("stamp.signed")
    await stamp.wait_ready()
    client = StampClient(stamp)
    request = pb.WithdrawCertificateRequest(registry=REGISTRY, certificate_id=wanted.certificate_id)
    await client.stub.WithdrawCertificate(request)
    await client.close()
    await stamp.wait_killed()
    # Each start takes the withdrawal up again and dies one step further on.
    for point in ("stamp.before_send", "stamp.after_send", "stamp.polled"):
        stamp.start(point)
        await stamp.wait_killed()
    stamp.start()
    await stamp.wait_ready()
    client = StampClient(stamp)
    await client.until(wanted.certificate_id, in_state(stamp_pb.CERTIFICATE_STATE_WITHDRAWN))
    assert len(stage.registry.stream(wanted.certificate_id)) == 2
    feed = (await client.stub.ListWithdrawn(pb.ListWithdrawnRequest())).withdrawn
    assert [row.id for row in feed] == [1]
    await client.close()
