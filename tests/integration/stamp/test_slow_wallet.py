"""A wallet that does not answer holds up nobody else's slices, and takes few connections."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from aiohttp import web
from sealwright.stamp.v1 import resources_pb2 as stamp_pb
from sealwright_common.domain.certificates import CertificateState, EndpointKey, WalletEndpoint
from sealwright_common.runtime.egress import Egress, EgressSettings
from sealwright_sandbox.wallet.keys import WalletKey
from sealwright_stamp.adapters.wallets import SILENT, HttpWallets
from sealwright_stamp.codec.certificates import order as decode
from sealwright_stamp.ports import Item, PostVerdict

from tests.support.databases import Databases
from tests.support.stamp import Stage, StampClient, order

AT_ONCE = 4


class HeldWallet:
    """Answers 202, but not before it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.reached = asyncio.Event()
        self.present = self.most = self.posts = 0
        self.taken: list[str] = []

    async def receive(self, request: web.Request) -> web.Response:
        self.posts += 1
        self.present += 1
        self.most = max(self.most, self.present)
        self.reached.set()
        try:
            body = await request.json()
            await self.let.wait()
            self.taken.append(body["certificateId"]["streamId"])
            return web.Response(status=202)
        finally:
            self.present -= 1


@asynccontextmanager
async def served(receive: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[str]:
    """The URL at which ``receive`` takes slices."""
    application = web.Application()
    application.router.add_post("/v1/slices", receive)
    runner = web.AppRunner(application, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}/v1/slices"
    finally:
        await runner.cleanup()


async def test_a_slow_wallet_holds_up_nobody_else(stage: Stage, postgres: Databases) -> None:
    wallet = HeldWallet()
    async with served(wallet.receive) as url:
        with postgres.fresh() as dsn:
            settings = {"WALLETS__AT_ONCE": str(AT_ONCE), "WALLETS__EGRESS__TIMEOUT": "PT50S", "LEASE": "PT100S"}
            process = stage.stamp(dsn, settings)
            process.start()
            await process.wait_ready()
            client = StampClient(process)
            slow = await client.recipient(stage.wallet.create_endpoint() | {"endpoint": url})
            fast = await client.recipient(stage.wallet.create_endpoint())
            held = [order(slow, hour, metering_point_id="slow") for hour in range(12)]
            # More chunks than a hop works on side by side, each with slices of the wallet that does not answer.
            for part in range(6):
                mixed = held[2 * part : 2 * part + 2]
                mixed.append(order(fast, part, metering_point_id="fast", certificate_id=str(uuid.uuid4())))
                await client.stamp_all(mixed)
                await client.delivered(mixed[-1].certificate_id)
            await wallet.reached.wait()
            assert not wallet.taken
            waiting = await client.get(held[0].certificate_id)
            assert waiting.delivery_state == stamp_pb.DELIVERY_STATE_PENDING
            wallet.let.set()
            await client.delivered(*(wanted.certificate_id for wanted in held))
            assert sorted(wallet.taken) == sorted(wanted.certificate_id for wanted in held)
            assert wallet.most <= AT_ONCE
            await client.close()
            assert process.stop() == 0, process.tail()


async def test_a_silent_wallet_gets_one_post_at_a_time() -> None:
    wallet = HeldWallet()
    settings = EgressSettings(allow_hosts=["127.0.0.1"], timeout=timedelta(seconds=1))
    egress = Egress(settings)
    await egress.start()
    async with served(wallet.receive) as url:
        wallets = HttpWallets(egress, settings, AT_ONCE)
        endpoint = WalletEndpoint(url, EndpointKey(WalletKey().endpoint(0)))
        wanted = decode(order(str(uuid.UUID(int=1))))
        stored = CertificateState.STORED
        item = Item(1, "default", wanted.ref, stored, wanted, (), endpoint, 1, bytes(32), 0, 0, None, None).slice()
        lease_ends = asyncio.get_running_loop().time() + 300

        async def post(count: int) -> list[PostVerdict | str]:
            results = await asyncio.gather(*(wallets.post(item, lease_ends) for _ in range(count)))
            return ["silent" if result is SILENT else result.verdict for result in results]

        assert (await post(AT_ONCE + 3)).count("silent") >= AT_ONCE - 2, (
            "whoever waited learns that the wallet is silent"
        )
        tried = wallet.posts
        assert tried == 2, "the first post, and one more of those that waited for its end"
        assert sorted(await post(3)) == [PostVerdict.LATER, "silent", "silent"]
        assert wallet.posts == tried + 1
        wallet.let.set()
        assert await post(1) == [PostVerdict.ACCEPTED]
        assert await post(AT_ONCE) == [PostVerdict.ACCEPTED] * AT_ONCE
    await egress.stop()
