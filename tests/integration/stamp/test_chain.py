"""The chain through real processes: door, signer, registry, wallet."""

from __future__ import annotations

from sealwright.stamp.v1 import resources_pb2 as stamp_pb

from tests.support.stamp import Stage, StampClient, order


async def test_a_day_of_hours_reaches_the_wallet(stage: Stage, client: StampClient) -> None:
    recipient = await client.recipient(stage.wallet.create_endpoint())
    orders = [order(recipient, hour) for hour in range(15)]
    outcomes = await client.stamp_all(orders)
    assert all(outcome.HasField("accepted") for outcome in outcomes), outcomes
    certificates = await client.delivered(*(o.certificate_id for o in orders))
    await stage.wallet.settled()
    slices = {received.slice.stream_id: received for received in stage.wallet.received}
    for one, certificate in zip(orders, certificates, strict=True):
        received = slices[one.certificate_id]
        assert (received.status, received.reason) == ("matched", ""), received
        assert received.deliveries == 1
        assert received.slice.quantity == one.quantity
        assert received.slice.position == certificate.wallet_position
        assert certificate.signing_key_id == stage.key.id
    history = [entry.event for entry in await client.history(orders[0].certificate_id)]
    assert history == [
        "CertificateStored",
        "CertificateSentToRegistry",
        "CertificateIssuedInRegistry",
        "CertificateMarkedAsIssued",
        "SliceDelivered",
    ]
    assert certificates[0].state == stamp_pb.CERTIFICATE_STATE_ISSUED
