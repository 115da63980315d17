"""The withdrawn feed under pressure: two instances withdraw at once while a poller follows by its highest id."""

from __future__ import annotations

import asyncio

from sealwright.stamp.v1 import stamp_service_pb2 as pb

from tests.support.databases import Databases
from tests.support.stamp import REGISTRY, Stage, StampClient, order

COUNT = 60


async def test_ids_have_no_gap_and_a_poller_misses_none(stage: Stage, postgres: Databases) -> None:
    with postgres.fresh() as dsn:
        processes = [stage.stamp(dsn), stage.stamp(dsn)]
        for process in processes:
            process.start()
        for process in processes:
            await process.wait_ready()
        clients = [StampClient(process) for process in processes]
        recipient = await clients[0].recipient(stage.wallet.create_endpoint())
        names: list[str] = []
        for part in range(0, COUNT, 20):
            orders = [order(recipient, hour, metering_point_id="withdrawn") for hour in range(part, part + 20)]
            await clients[0].stamp_all(orders)
            names += [wanted.certificate_id for wanted in orders]
        await clients[0].delivered(*names)

        async def withdraw(number: int, name: str) -> None:
            request = pb.WithdrawCertificateRequest(registry=REGISTRY, certificate_id=name)
            await clients[number % 2].stub.WithdrawCertificate(request, timeout=60)

        async def follow(client: StampClient) -> list[tuple[int, str]]:
            seen: list[tuple[int, str]] = []
            async with asyncio.timeout(90):
                while len(seen) < COUNT:
                    after = seen[-1][0] if seen else 0
                    page = await client.stub.ListWithdrawn(pb.ListWithdrawnRequest(after_id=after, page_size=7))
                    seen += [(row.id, row.certificate_id) for row in page.withdrawn]
            return seen

        followers = [asyncio.create_task(follow(client)) for client in clients]
        await asyncio.gather(*(withdraw(number, name) for number, name in enumerate(names)))
        for seen in await asyncio.gather(*followers):
            assert [number for number, _ in seen] == list(range(1, COUNT + 1))
            assert {name for _, name in seen} == set(names)
        for client in clients:
            await client.close()
        for process in processes:
            assert process.stop() == 0, process.tail()
