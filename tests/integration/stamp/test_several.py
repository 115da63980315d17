"""Two registries and two grid areas: one batch goes to both, each area signed by its own key."""

from __future__ import annotations

import base64
import json

from sealwright_sandbox.registry.server import RegistrySandbox
from sealwright_sandbox.wallet.server import WalletSandbox

from tests.support.databases import Databases
from tests.support.stamp import AREA, REGISTRY, Stage, StampClient, area_key, order

OTHER_AREA, OTHER_REGISTRY = "DK2", "elsewhere"


async def test_two_registries_and_two_areas(stage: Stage, postgres: Databases) -> None:
    keys = {AREA: stage.key, OTHER_AREA: await area_key(stage.signer, OTHER_AREA)}
    async with RegistrySandbox(OTHER_REGISTRY, block_interval=0.1) as elsewhere:
        registries = {REGISTRY: stage.registry, OTHER_REGISTRY: elsewhere}
        for registry in registries.values():
            for area, key in keys.items():
                registry.trust(area, base64.b64encode(key.public_key).decode())
        addresses = {name: registry.address for name, registry in registries.items()}
        async with WalletSandbox(addresses) as wallet:
            with postgres.fresh() as dsn:
                settings = {
                    "REGISTRIES": json.dumps({name: {"target": address} for name, address in addresses.items()}),
                    "GRID_AREAS": json.dumps({area: {"issuer": area} for area in keys}),
                }
                process = stage.stamp(dsn, settings)
                process.start()
                await process.wait_ready()
                client = StampClient(process)
                recipient = await client.recipient(wallet.create_endpoint())
                orders = [
                    order(recipient, hour, registry=registry, grid_area=area, metering_point_id=f"{registry} {area}")
                    for registry in registries
                    for area in keys
                    for hour in range(3)
                ]
                outcomes = await client.stamp_all(orders)
                assert all(outcome.HasField("accepted") for outcome in outcomes), outcomes
                for wanted in orders:
                    (certificate,) = await client.delivered(wanted.certificate_id, registry=wanted.registry)
                    assert certificate.signing_key_id == keys[wanted.grid_area].id
                    for name, registry in registries.items():
                        assert len(registry.stream(wanted.certificate_id)) == (name == wanted.registry)
                await wallet.settled()
                assert sorted((r.slice.stream_id, r.status) for r in wallet.received) == sorted(
                    (wanted.certificate_id, "matched") for wanted in orders
                )
                await client.close()
                assert process.stop() == 0, process.tail()
