"""The first part of the demo: the hours of a June day become certificates in the registry and slices in a wallet."""

from __future__ import annotations

import asyncio
import base64
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.rotator.v1 import rotator_service_pb2 as rotator_service
from sealwright.stamp.v1 import resources_pb2 as stamp
from sealwright.stamp.v1 import stamp_service_pb2 as stamp_service

from sealwright_client.client import Sealwright
from sealwright_client.mesh.demo.progress import Missing, Progress
from sealwright_client.mesh.trust import RegistryTrust

AREA, ISSUER, REGISTRY = "DK1", "grid-area-dk1", "sandbox"
READINGS = "examples/readings-2025-06-21.csv"
PATIENCE_SECONDS = 45.0
CHUNK_BYTES = 64 * 1024
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Hour:
    """One certificate from order to wallet."""

    certificate_id: str
    start: str
    quantity_wh: int
    position: int
    key_id: str
    window: str
    seconds: float
    state: str
    delivery: str
    wallet: str


@dataclass(frozen=True)
class Day:
    """What became of the readings."""

    readings: int
    skipped: int
    hours: list[Hour]

    @property
    def matched(self) -> int:
        """How many slices the wallet has, each equal to its certificate."""
        return sum(hour.wallet == "matched" for hour in self.hours)


async def issue_day(mesh: Sealwright, readings: Path, progress: Progress) -> Day:
    """Issues the day. Raises Missing if a certificate or a slice is."""
    wallet_url = mesh.profile.sandbox["wallet"]
    async with aiohttp.ClientSession() as http:
        windows = await _issuing_keys(mesh, progress)
        recipient = await _recipient(mesh, http, wallet_url, progress)
        with progress.step(f"stamp reads the meter ({readings.name})") as outcome:
            last = await _import(mesh, readings, recipient)
            outcome.append(
                f"{last.row_count} readings, {last.accepted_count} orders, {last.zero_count} of 0 Wh skipped"
            )
            if last.refused_count:
                raise Missing(f"{last.refused_count} readings were refused: {last.refused_rows}")
        with progress.step("registry and wallet get their certificates") as outcome:
            certificates = await _all_delivered(mesh, recipient, last.accepted_count)
            outcome.append(f"{len(certificates)} issued and delivered")
        with progress.step("the wallet compares its slices with the registry") as outcome:
            slices = await _slices(http, wallet_url, len(certificates))
            hours = [_hour(one, slices, windows) for one in certificates]
            day = Day(last.row_count, last.zero_count, hours)
            outcome.append(f"{day.matched} of {len(hours)} match")
    wrong = {hour.wallet for hour in hours} - {"matched"}
    if wrong or not hours:
        raise Missing(f"the wallet says: {', '.join(sorted(wrong)) or 'nothing arrived'}")
    return day


async def _issuing_keys(mesh: Sealwright, progress: Progress) -> dict[str, str]:
    """Has the area's issuing keys made and known to the registry; their windows by key id."""
    with progress.step(f"rotator makes the issuing body of {AREA}, signer its keys") as outcome:
        created = await mesh.rotator.CreateIssuer(
            rotator_service.CreateIssuerRequest(
                request_id=str(uuid.uuid4()),
                issuer_type=ISSUER,
                schedule=rotator.Schedule(duration="P1M", buffer=2, overlap=1),
                algorithm=keys_pb2.KEY_ALGORITHM_EDDSA,
                purpose=keys_pb2.KEY_PURPOSE_TRANSACTION,
                protection=keys_pb2.PROTECTION_HSM,
            )
        )
        outcome.append(f"{len(created.keys)} Ed25519 keys, each for its months")
    with progress.step("the registry learns whom to trust") as outcome:
        told = await RegistryTrust(mesh, mesh.profile.sandbox["registry_admin"], {AREA: ISSUER}).update()
        if len(told) != len(created.keys):
            raise Missing(f"the registry was told {len(told)} of {len(created.keys)} issuing keys")
        outcome.append(f"{len(told)} keys for {AREA}, future ones too")
    return {key.key_id: window_text(key) for key in created.keys}


def window_text(key: rotator.IssuerKey) -> str:
    """The window of a key, as dates."""
    first, last = key.window.start_time.ToDatetime(), key.window.end_time.ToDatetime()
    return f"{first:%Y-%m-%d}…{last:%Y-%m-%d}"


async def _recipient(mesh: Sealwright, http: aiohttp.ClientSession, wallet_url: str, progress: Progress) -> str:
    """A wallet opens an endpoint, stamp takes it as a recipient; the recipient's id."""
    with progress.step("the owner opens a wallet, stamp takes it as a recipient"):
        async with http.post(f"{wallet_url}/v1/wallets", json={}) as answer:
            answer.raise_for_status()
            wallet_id = (await answer.json())["walletId"]
        async with http.post(f"{wallet_url}/v1/wallets/{wallet_id}/endpoints") as answer:
            answer.raise_for_status()
            reference = (await answer.json())["walletReference"]
        endpoint = stamp.WalletEndpoint(
            version=reference["version"],
            endpoint=reference["endpoint"],
            public_key=base64.b64decode(reference["publicKey"]),
        )
        request = stamp_service.CreateRecipientRequest(request_id=str(uuid.uuid4()), wallet_endpoint=endpoint)
        return (await mesh.stamp.CreateRecipient(request)).recipient.id


async def _import(mesh: Sealwright, readings: Path, recipient: str) -> stamp_service.ImportMeasurementsResponse:
    """Streams the file of readings; the last report."""
    plan = stamp_service.ImportPlan(
        import_id=readings.stem,
        format=stamp_service.MEASUREMENT_FORMAT_CSV,
        recipient_id=recipient,
        registry=REGISTRY,
        grid_area=AREA,
        clear_text_attributes=[
            stamp.Attribute(key="techCode", value="T010101"),
            stamp.Attribute(key="isTrial", value="false"),
        ],
    )

    data = readings.read_bytes()  # noqa: ASYNC240 - a file of a few kilobytes

    async def requests() -> AsyncIterator[stamp_service.ImportMeasurementsRequest]:
        yield stamp_service.ImportMeasurementsRequest(plan=plan)
        for offset in range(0, len(data), CHUNK_BYTES):
            yield stamp_service.ImportMeasurementsRequest(chunk=data[offset : offset + CHUNK_BYTES])

    last: stamp_service.ImportMeasurementsResponse | None = None
    async for report in mesh.stamp.ImportMeasurements(requests(), timeout=PATIENCE_SECONDS):
        last = report
    if last is None or not last.done:
        raise Missing("the import ended before its end; look at stamp's log")
    return last


async def _all_delivered(mesh: Sealwright, recipient: str, expected: int) -> list[stamp.Certificate]:
    """Waits until every certificate is issued and with its wallet."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        request = stamp_service.ListCertificatesRequest(recipient_id=recipient, page_size=1000)
        certificates = list((await mesh.stamp.ListCertificates(request)).certificates)
        failed = [
            one for one in certificates if one.state in (stamp.CERTIFICATE_STATE_FAILED, stamp.CERTIFICATE_STATE_STUCK)
        ]
        if failed:
            raise Missing(f"{len(failed)} certificates failed; the first because: {failed[0].reason}")
        arrived = sum(one.delivery_state == stamp.DELIVERY_STATE_DELIVERED for one in certificates)
        if arrived == len(certificates) == expected:
            return sorted(certificates, key=lambda one: one.start_time.seconds)
        if time.monotonic() > deadline:
            raise Missing(
                f"{arrived} of {expected} certificates arrived in {PATIENCE_SECONDS:.0f} s; look at stamp's log"
            )
        await asyncio.sleep(POLL_SECONDS)


async def _slices(http: aiohttp.ClientSession, wallet_url: str, expected: int) -> dict[str, dict[str, Any]]:
    """The wallet's slices by certificate id, once it compared them all."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        async with http.get(f"{wallet_url}/v1/slices") as answer:
            listed = (await answer.json())["result"]
        waiting = [one for one in listed if one["status"] == "pending"]
        if len(listed) >= expected and not waiting:
            return {one["certificateId"]["streamId"]: one for one in listed}
        if time.monotonic() > deadline:
            raise Missing(f"the wallet has {len(listed)} of {expected} slices, {len(waiting)} not compared yet")
        await asyncio.sleep(POLL_SECONDS)


def _hour(one: stamp.Certificate, slices: dict[str, dict[str, Any]], windows: dict[str, str]) -> Hour:
    slice_ = slices.get(one.certificate_id)
    said = "missing" if slice_ is None else slice_["status"] if not slice_["reason"] else slice_["reason"]
    if slice_ is not None and (slice_["quantity"], slice_["deliveries"]) != (one.quantity, 1):
        said = f"{slice_['quantity']} Wh came {slice_['deliveries']} times"
    return Hour(
        certificate_id=one.certificate_id,
        start=f"{one.start_time.ToDatetime():%H:%M}",
        quantity_wh=one.quantity,
        position=one.wallet_position,
        key_id=one.signing_key_id,
        window=windows.get(one.signing_key_id, "unknown key"),
        seconds=(one.update_time.ToDatetime() - one.create_time.ToDatetime()).total_seconds(),
        state=stamp.CertificateState.Name(one.state).removeprefix("CERTIFICATE_STATE_").lower(),
        delivery=stamp.DeliveryState.Name(one.delivery_state).removeprefix("DELIVERY_STATE_").lower(),
        wallet=said,
    )
