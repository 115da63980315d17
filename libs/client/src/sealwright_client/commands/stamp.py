"""``sealwright stamp``: import meter readings, see where certificates stand, and mend what does not move."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from sealwright.stamp.v1 import resources_pb2 as resources
from sealwright.stamp.v1 import stamp_service_pb2 as pb
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, Reason

from sealwright_client.client import Sealwright
from sealwright_client.terminal import JsonFlag, TenantOption, console, errors, run, show, show_one

app = typer.Typer(no_args_is_help=True, help="Energy certificates: import, status, stuck, resume, redeliver, withdraw.")

RegistryOption = Annotated[str, typer.Option("--registry", help="Registry the certificates are in.")]
CertificateArgument = Annotated[str, typer.Argument(help="Certificate id, a UUID.")]
CHUNK = 128 * 1024
"""Bytes of a file sent in one message."""
STATES = ("stored", "sent", "committed", "issued", "failed", "stuck", "withdrawing", "withdrawn")


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or .jsonl file of meter readings.")],
    recipient: Annotated[str, typer.Option("--recipient", help="Recipient of every certificate, a UUID.")],
    registry: RegistryOption = "sandbox",
    grid_area: Annotated[str, typer.Option("--grid-area", help="Grid area of the meter.")] = "DK1",
    attribute: Annotated[list[str] | None, typer.Option(help="Clear-text attribute of every certificate, K=V.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the import; by default made of file and options.")] = None,
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """Turn a file of meter readings into certificates. Run it again to go on after an interruption: nothing doubles."""

    async def work() -> dict[str, Any]:
        layout = (
            pb.MEASUREMENT_FORMAT_JSON_LINES
            if file.suffix in {".jsonl", ".ndjson", ".json"}
            else pb.MEASUREMENT_FORMAT_CSV
        )
        pairs = [_attribute(text) for text in attribute or []]
        plan = pb.ImportPlan(
            format=layout,
            recipient_id=recipient,
            registry=registry,
            grid_area=grid_area,
            clear_text_attributes=pairs,
        )
        plan.import_id = name or await asyncio.to_thread(_import_id, file, plan)
        async with Sealwright.open(tenant=tenant) as mesh:
            return await _send(mesh, file, plan, as_json)

    show_one(run(work(), as_json=as_json), as_json=as_json)


@app.command()
def status(
    certificate: Annotated[str | None, typer.Argument(help="Certificate id; without one, a count by state.")] = None,
    registry: RegistryOption = "sandbox",
    watch: Annotated[bool, typer.Option("--watch", help="Follow the certificate until it comes to rest.")] = False,
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """Where one certificate stands, with its history; or the last 1000 of each state, counted."""

    async def one(name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            if watch:
                request = pb.WatchCertificateRequest(registry=registry, certificate_id=name)
                async for answer in mesh.stamp.WatchCertificate(request, timeout=math.inf):
                    if not as_json:
                        console.print(
                            f"{_when(answer.entry)}  {answer.entry.event}  {answer.entry.reason}", markup=False
                        )
            found = await mesh.stamp.GetCertificate(pb.GetCertificateRequest(registry=registry, certificate_id=name))
            told = await mesh.stamp.GetCertificateHistory(
                pb.GetCertificateHistoryRequest(registry=registry, certificate_id=name)
            )
        return _row(found.certificate), [_step(entry) for entry in told.entries]

    async def counts() -> list[dict[str, Any]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            return [await _count(mesh, state) for state in STATES]

    if certificate is None:
        show(run(counts(), as_json=as_json), ["state", "certificates"], as_json=as_json)
        return
    row, history = run(one(certificate), as_json=as_json)
    if as_json:
        show_one({**row, "history": history}, as_json=True)
    else:
        show_one(row, as_json=False)
        show(history, ["version", "event", "state", "reason", "time"], as_json=False, title="history")


@app.command()
def stuck(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of each kind.")] = 100,
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """What needs a person: stuck certificates, and slices their wallets refused."""

    async def work() -> list[dict[str, Any]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            halted = await mesh.stamp.ListCertificates(
                pb.ListCertificatesRequest(state=resources.CERTIFICATE_STATE_STUCK, page_size=limit)
            )
            refused = await mesh.stamp.ListCertificates(
                pb.ListCertificatesRequest(delivery_state=resources.DELIVERY_STATE_UNDELIVERABLE, page_size=limit)
            )
        rows = [{**_row(one), "next": "sealwright stamp resume"} for one in halted.certificates]
        return rows + [{**_row(one), "next": "sealwright stamp redeliver"} for one in refused.certificates]

    columns = ["certificate", "registry", "state", "reason", "delivery", "delivery_reason", "next"]
    show(run(work(), as_json=as_json), columns, as_json=as_json)


@app.command()
def resume(
    certificate: CertificateArgument,
    registry: RegistryOption = "sandbox",
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """Make a stuck certificate go on from where it stuck."""

    async def work() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            request = pb.ResumeCertificateRequest(
                request_id=str(uuid4()), registry=registry, certificate_id=certificate
            )
            return _row((await mesh.stamp.ResumeCertificate(request)).certificate)

    show_one(run(work(), as_json=as_json), as_json=as_json)


@app.command()
def redeliver(
    certificate: CertificateArgument,
    registry: RegistryOption = "sandbox",
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """Post an undeliverable slice to its wallet again."""

    async def work() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            request = pb.RedeliverToWalletRequest(
                request_id=str(uuid4()), registry=registry, certificate_id=certificate
            )
            return _row((await mesh.stamp.RedeliverToWallet(request)).certificate)

    show_one(run(work(), as_json=as_json), as_json=as_json)


@app.command()
def withdraw(
    certificate: CertificateArgument,
    registry: RegistryOption = "sandbox",
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the registry; 0 does not.")] = 30,
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """Withdraw an issued certificate; its period may then be issued again under another id."""

    async def work() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            request = pb.WithdrawCertificateRequest(
                request_id=str(uuid4()), registry=registry, certificate_id=certificate
            )
            found = (await mesh.stamp.WithdrawCertificate(request)).certificate
            until = asyncio.get_running_loop().time() + wait
            while found.state == resources.CERTIFICATE_STATE_WITHDRAWING and asyncio.get_running_loop().time() < until:
                await asyncio.sleep(0.2)
                read = pb.GetCertificateRequest(registry=registry, certificate_id=certificate)
                found = (await mesh.stamp.GetCertificate(read)).certificate
            if found.state == resources.CERTIFICATE_STATE_ISSUED:
                raise FailedPrecondition(
                    Reason.CERTIFICATE_STATE_CONFLICT,
                    "the registry refused the withdrawal; see the history: stamp status",
                )
            return _row(found)

    show_one(run(work(), as_json=as_json), as_json=as_json)


async def _send(mesh: Sealwright, file: Path, plan: pb.ImportPlan, as_json: bool) -> dict[str, Any]:
    """Sends the plan, then the file from where the service says; shows the rows made durable."""
    begin_at: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def messages() -> AsyncIterator[pb.ImportMeasurementsRequest]:
        yield pb.ImportMeasurementsRequest(plan=plan)
        with await asyncio.to_thread(file.open, "rb") as source:
            source.seek(await begin_at)
            while chunk := await asyncio.to_thread(source.read, CHUNK):
                yield pb.ImportMeasurementsRequest(chunk=chunk)

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]} rows"),
        TimeRemainingColumn(),
        console=errors,
        disable=as_json,
    )
    last = pb.ImportMeasurementsResponse()
    size = (await asyncio.to_thread(file.stat)).st_size
    with bar:
        task = bar.add_task(file.name, total=size, rows=0)
        async for answer in mesh.stamp.ImportMeasurements(messages(), timeout=math.inf):
            if not begin_at.done():
                begin_at.set_result(answer.resume_offset)
                if answer.resume_offset:
                    errors.print(f"going on after {answer.row_count} rows of an earlier run")
            last = answer
            bar.update(task, completed=answer.resume_offset, rows=answer.row_count)
            for row in answer.refused_rows:
                bar.console.print(f"line {row.line}: {row.refusal.message}", markup=False)
    if not last.done:
        raise FailedPrecondition(Reason.STOPPING, "the import was cut off; run it again to go on")
    return {
        "import": plan.import_id,
        "rows": last.row_count,
        "accepted": last.accepted_count,
        "repeated": last.repeated_count,
        "zero": last.zero_count,
        "refused": last.refused_count,
    }


async def _count(mesh: Sealwright, state: str) -> dict[str, Any]:
    request = pb.ListCertificatesRequest(state=f"CERTIFICATE_STATE_{state.upper()}", page_size=1000)
    found = await mesh.stamp.ListCertificates(request)
    count = len(found.certificates)
    return {"state": state, "certificates": f"{count} or more" if found.next_page_token else count}


def _import_id(file: Path, plan: pb.ImportPlan) -> str:
    """The same file with the same plan has the same name, and so goes on where it stopped."""
    digest = hashlib.sha256(plan.SerializeToString(deterministic=True))
    with file.open("rb") as source:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
    return f"{file.name[:60]}-{digest.hexdigest()[:32]}"


def _attribute(text: str) -> resources.Attribute:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise InvalidArgument.of("--attribute", "KEY=VALUE")
    return resources.Attribute(key=key, value=value)


def _row(one: resources.Certificate) -> dict[str, Any]:
    return {
        "certificate": one.certificate_id,
        "registry": one.registry,
        "meter": one.metering_point_id,
        "start": one.start_time.ToDatetime().isoformat() + "Z",
        "quantity_wh": one.quantity,
        "grid_area": one.grid_area,
        "state": _short(resources.CertificateState.Name(one.state)),
        "reason": one.reason,
        "delivery": _short(resources.DeliveryState.Name(one.delivery_state)),
        "delivery_reason": one.delivery_reason,
        "position": one.wallet_position,
        "transaction": one.transaction_id,
        "key": one.signing_key_id,
        "version": one.version,
    }


def _step(entry: resources.HistoryEntry) -> dict[str, Any]:
    return {
        "version": entry.version,
        "event": entry.event,
        "state": _short(resources.CertificateState.Name(entry.state)),
        "reason": entry.reason,
        "time": _when(entry),
    }


def _when(entry: resources.HistoryEntry) -> str:
    return entry.time.ToDatetime().isoformat(timespec="milliseconds") + "Z"


def _short(name: str) -> str:
    text = name.removeprefix("CERTIFICATE_STATE_").removeprefix("DELIVERY_STATE_").lower()
    return "" if text == "unspecified" else text
