"""``sealwright issuance``: processes of certify, seen and steered."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import typer
from sealwright.certify.v1 import issuance_service_pb2 as pb
from sealwright.certify.v1 import resources_pb2
from sealwright_common.domain.tenants import DEFAULT_TENANT

from sealwright_client.client import Sealwright
from sealwright_client.terminal import JsonFlag, TenantOption, errors, run, show, show_one

app = typer.Typer(no_args_is_help=True, help="Issuance processes: list, show, approve, reject, redeliver.")
IdArgument = Annotated[str, typer.Argument(help="Id of the process.")]
_COLUMNS = ["id", "state", "definitions", "holder", "approvals", "attempts", "error", "updated"]


def process_row(process: resources_pb2.IssuanceProcess) -> dict[str, Any]:
    """A process for people and programs."""
    error = resources_pb2.IssuanceError.Name(process.error).removeprefix("ISSUANCE_ERROR_")
    required = process.approvals_required
    return {
        "id": process.id,
        "state": resources_pb2.IssuanceState.Name(process.state).removeprefix("ISSUANCE_STATE_"),
        "definitions": ", ".join(f"{ref.id}@{ref.version}" for ref in process.definitions),
        "holder": process.holder_did,
        "holder_pid": process.holder_pid,
        "protocol": resources_pb2.IssuanceProtocol.Name(process.protocol).removeprefix("ISSUANCE_PROTOCOL_").lower(),
        "approvals": f"{len(process.approvals)} of {required}" if required else None,
        "attempts": process.attempts,
        "next_attempt": _time(process, "next_attempt_time"),
        "approve_until": _time(process, "approval_deadline_time"),
        "error": None if error == "UNSPECIFIED" else error,
        "error_detail": process.error_detail or None,
        "parent": process.parent_id or None,
        "credentials": ", ".join(process.credential_ids) or None,
        "created": _time(process, "create_time"),
        "updated": _time(process, "update_time"),
        "version": process.version,
    }


def _time(process: resources_pb2.IssuanceProcess, name: str) -> str | None:
    return getattr(process, name).ToJsonString() if process.HasField(name) else None


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help="submitted, approved, delivered or errored; all without it.")] = "",
    holder: Annotated[str, typer.Option(help="DID of the holder; all without it.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most processes to show.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Lists processes, newest first."""
    names = resources_pb2.IssuanceState.keys()
    wanted = f"ISSUANCE_STATE_{state.upper() or 'UNSPECIFIED'}"
    if wanted not in names:
        known = ", ".join(name.removeprefix("ISSUANCE_STATE_").lower() for name in names[1:])
        raise typer.BadParameter(f"expected one of {known}", param_hint="--state")
    request = pb.ListIssuancesRequest(state=wanted, holder_did=holder, page_size=limit)

    async def work() -> pb.ListIssuancesResponse:
        async with Sealwright.open(tenant=tenant) as mesh:
            return await mesh.issuance.ListIssuances(request)

    page = run(work(), as_json=as_json)
    show(map(process_row, page.processes), _COLUMNS, as_json=as_json)
    if page.next_page_token:
        errors.print(f"these are {limit}, and there may be more: a larger --limit, --state or --holder shows them")


@app.command("show")
def show_process(id_: IdArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Shows one process."""

    async def work() -> resources_pb2.IssuanceProcess:
        async with Sealwright.open(tenant=tenant) as mesh:
            return (await mesh.issuance.GetIssuance(pb.GetIssuanceRequest(id=id_))).process

    show_one(process_row(run(work(), as_json=as_json)), as_json=as_json)


@app.command()
def approve(id_: IdArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Approves a submitted process. With four eyes, somebody else has to approve it, too."""

    async def work() -> resources_pb2.IssuanceProcess:
        async with Sealwright.open(tenant=tenant) as mesh:
            request = pb.ApproveIssuanceRequest(request_id=str(uuid.uuid4()), id=id_)
            return (await mesh.issuance.ApproveIssuance(request)).process

    show_one(process_row(run(work(), as_json=as_json)), as_json=as_json)


@app.command()
def reject(
    id_: IdArgument,
    reason: Annotated[str, typer.Option(help="What the holder is told; nothing confidential.")] = "",
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Refuses a submitted process; the holder is told."""

    async def work() -> resources_pb2.IssuanceProcess:
        async with Sealwright.open(tenant=tenant) as mesh:
            request = pb.RejectIssuanceRequest(request_id=str(uuid.uuid4()), id=id_, rejection_reason=reason)
            return (await mesh.issuance.RejectIssuance(request)).process

    show_one(process_row(run(work(), as_json=as_json)), as_json=as_json)


@app.command()
def redeliver(id_: IdArgument, tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """Delivers the credentials of an ended process again, by a child process."""

    async def work() -> resources_pb2.IssuanceProcess:
        async with Sealwright.open(tenant=tenant) as mesh:
            request = pb.RedeliverIssuanceRequest(request_id=str(uuid.uuid4()), id=id_)
            return (await mesh.issuance.RedeliverIssuance(request)).process

    show_one(process_row(run(work(), as_json=as_json)), as_json=as_json)
