"""Hours of the sun for whole-mesh tests: a wallet opens, orders go in, slices come out."""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.stamp.v1 import resources_pb2 as stamp
from sealwright.stamp.v1 import stamp_service_pb2 as stamp_service
from sealwright_client.client import Sealwright

PATIENCE = 90.0
"""Seconds all slices may take, restarts of killed processes included."""
POLL = 0.1
DAY = datetime(2025, 6, 21, tzinfo=UTC)


async def open_recipient(client: Sealwright) -> tuple[str, str]:
    """A new wallet's endpoint as a recipient of stamp: recipient id and wallet id."""
    wallet = client.profile.sandbox["wallet"]
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        async with http.post(f"{wallet}/v1/wallets", json={}) as answer:
            wallet_id = (await answer.json())["walletId"]
        async with http.post(f"{wallet}/v1/wallets/{wallet_id}/endpoints") as answer:
            reference = (await answer.json())["walletReference"]
    endpoint = stamp.WalletEndpoint(
        version=reference["version"],
        endpoint=reference["endpoint"],
        public_key=base64.b64decode(reference["publicKey"]),
    )
    request = stamp_service.CreateRecipientRequest(request_id=str(uuid.uuid4()), wallet_endpoint=endpoint)
    return (await client.stamp.CreateRecipient(request)).recipient.id, wallet_id


def orders(recipient: str, count: int, metering_point: str) -> list[stamp.CertificateOrder]:
    """``count`` hours of production from midnight on, 1000 Wh and one more each hour."""

    def at(hour: int) -> Timestamp:
        moment = Timestamp()
        moment.FromDatetime(DAY + timedelta(hours=hour))
        return moment

    return [
        stamp.CertificateOrder(
            recipient_id=recipient,
            registry="sandbox",
            certificate_id=str(uuid.uuid4()),
            metering_point_id=metering_point,
            type=stamp.CERTIFICATE_TYPE_PRODUCTION,
            quantity=1000 + hour,
            start_time=at(hour),
            end_time=at(hour + 1),
            grid_area="DK1",
        )
        for hour in range(count)
    ]


async def slices_of(client: Sealwright, wanted: Sequence[stamp.CertificateOrder]) -> list[dict[str, Any]]:
    """The wallet's slices of these certificates once it has compared them all; AssertionError if some never come."""
    ids = {order.certificate_id for order in wanted}
    until = time.monotonic() + PATIENCE
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        while True:
            async with http.get(f"{client.profile.sandbox['wallet']}/v1/slices") as answer:
                listed = (await answer.json())["result"]
            found = [one for one in listed if one["certificateId"]["streamId"] in ids and one["status"] != "pending"]
            if len(found) >= len(ids):
                return found
            assert time.monotonic() < until, f"{len(found)} of {len(ids)} slices came; {await states(client, wanted)}"
            await asyncio.sleep(POLL)


async def states(client: Sealwright, wanted: Sequence[stamp.CertificateOrder]) -> Counter[str]:
    """How many of these certificates are in which state."""
    listed = await client.stamp.ListCertificates(
        stamp_service.ListCertificatesRequest(recipient_id=wanted[0].recipient_id, page_size=1000)
    )
    return Counter(stamp.CertificateState.Name(one.state) for one in listed.certificates)


def assert_each_once(found: Sequence[dict[str, Any]], wanted: Sequence[stamp.CertificateOrder]) -> None:
    """Every certificate's slice arrived, once, with its quantity, and matches what the registry has."""
    by_id = {one["certificateId"]["streamId"]: one for one in found}
    assert len(by_id) == len(found) == len(wanted)
    for order in wanted:
        slice_ = by_id[order.certificate_id]
        assert (slice_["status"], slice_["quantity"]) == ("matched", order.quantity), slice_
    assert len({one["position"] for one in found}) == len(found)
