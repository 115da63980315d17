"""One certificate, one trace: from the caller through RPCs, SQL and events to registry and wallet."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.rotator.v1 import rotator_service_pb2 as rotator_service
from sealwright.stamp.v1 import stamp_service_pb2 as stamp_service
from sealwright_client.client import Sealwright
from sealwright_client.mesh.connecting import client_profile
from sealwright_client.mesh.trust import RegistryTrust
from sealwright_sandbox.mesh import Service

from tests.support.energy import open_recipient, orders, slices_of
from tests.support.mesh import open_mesh
from tests.support.otlp import Span, open_collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
SERVICES = (Service.SIGNER, Service.ROTATOR, Service.STAMP)


@pytest.mark.promise(34)
async def test_a_certificate_is_one_trace_without_orphans(tmp_path: Path) -> None:
    """The caller's trace id reaches every hop; each span's parent is in the trace, up to the caller's own span."""
    async with open_collector() as (collector, endpoint):
        told = {service: {f"SEALWRIGHT_{service.upper()}_TELEMETRY__OTLP_ENDPOINT": endpoint} for service in SERVICES}
        async with open_mesh(tmp_path / "mesh", services=SERVICES, environment=told) as mesh:
            async with Sealwright.open(client_profile(mesh)) as client:
                await client.rotator.CreateIssuer(
                    rotator_service.CreateIssuerRequest(
                        issuer_type=mesh.options.grid_areas["DK1"],
                        schedule=rotator.Schedule(duration="P1M", buffer=1, overlap=1),
                        purpose=keys_pb2.KEY_PURPOSE_TRANSACTION,
                    )
                )
                registry = RegistryTrust(client, client.profile.sandbox["registry_admin"], mesh.options.grid_areas)
                await registry.update()
                recipient, _ = await open_recipient(client)
                wanted = orders(recipient, 1, f"traced-{uuid.uuid4()}")
                await client.stamp.StampCertificates(
                    stamp_service.StampCertificatesRequest(certificates=wanted),
                    metadata=(("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),),
                )
                await slices_of(client, wanted)
        # The services have stopped, so that what they had recorded is exported.
        spans = [span for span in collector.spans if span.trace == TRACE]
    assert {span.service for span in spans} == {"sealwright-stamp", "sealwright-signer"}
    names = {span.name for span in spans}
    assert {"sealwright.stamp.v1.StampService/StampCertificates", "process sealwright_stamp"} <= names, names
    assert any("SignBatch" in name for name in names)
    assert any("SendTransactions" in name for name in names)
    assert any(span.attributes.get("db.system") == "postgresql" for span in spans)
    ids = {span.id for span in spans}
    orphans = [span for span in spans if span.parent not in ids and span.parent != "b7ad6b7169203331"]
    assert _short(orphans) == []


def _short(spans: list[Span]) -> list[str]:
    return sorted(f"{span.service} {span.name}" for span in spans)
