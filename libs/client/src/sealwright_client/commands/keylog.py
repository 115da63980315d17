"""``sealwright keylog``: the append-only log of key events, and whether it is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright_common.domain.tenants import DEFAULT_TENANT

from sealwright_client import key_log
from sealwright_client.client import Sealwright
from sealwright_client.terminal import JsonFlag, TenantOption, console, run, show, show_one

app = typer.Typer(no_args_is_help=True, help="The key log: every key event, in a Merkle tree with signed heads.")


async def _download(tenant: str) -> key_log.Copy:
    """The whole log with its newest signed head and the keys that sign heads."""
    async with Sealwright.open(tenant=tenant) as mesh:
        head = (await mesh.rotator.GetKeyLogHead(pb.GetKeyLogHeadRequest())).head
        leaves: list[str] = []
        hashes: list[str] = []
        position = 0
        while position < head.size:
            page = await mesh.rotator.ListKeyLogEntries(
                pb.ListKeyLogEntriesRequest(from_position=position, page_size=1000)
            )
            leaves += [entry.leaf.decode() for entry in page.entries]
            hashes += [entry.leaf_hash.hex() for entry in page.entries]
            position = page.next_position
    return key_log.Copy(head.size, head.root_hash.hex(), head.jws, leaves[: head.size], hashes[: head.size])


@app.command()
def head(tenant: TenantOption = DEFAULT_TENANT, as_json: JsonFlag = False) -> None:
    """The newest signed head: keep it, and verify a later log against it."""

    async def read() -> dict[str, Any]:
        async with Sealwright.open(tenant=tenant) as mesh:
            newest = (await mesh.rotator.GetKeyLogHead(pb.GetKeyLogHeadRequest())).head
        return {"size": newest.size, "root": newest.root_hash.hex(), "jws": newest.jws}

    show_one(run(read(), as_json=as_json), as_json=as_json)


@app.command()
def entries(
    from_position: Annotated[int, typer.Option("--from", min=0, help="First position.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Entries of the log."""

    async def read() -> list[dict[str, Any]]:
        async with Sealwright.open(tenant=tenant) as mesh:
            page = await mesh.rotator.ListKeyLogEntries(
                pb.ListKeyLogEntriesRequest(from_position=from_position, page_size=limit)
            )
        return [
            key_log.row(entry.position, json.loads(entry.leaf) if entry.leaf else None, entry.leaf_hash.hex())
            for entry in page.entries
        ]

    show(
        run(read(), as_json=as_json), ["position", "time", "type", "issuer", "cohort", "slot", "state"], as_json=as_json
    )


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Write the whole log to a file, to verify it elsewhere and later."""
    copy = run(_download(tenant), as_json=as_json)
    file.write_text(copy.to_json())
    show_one({"file": str(file), "size": copy.size, "root": copy.root}, as_json=as_json)


@app.command()
def verify(
    file: Annotated[Path | None, typer.Argument(help="A file from export; without it the log is downloaded.")] = None,
    since: Annotated[str | None, typer.Option(help="An earlier head as SIZE:ROOT, which the log must extend.")] = None,
    trust: Annotated[str | None, typer.Option(help="Key id that must have signed the head.")] = None,
    tenant: TenantOption = DEFAULT_TENANT,
    as_json: JsonFlag = False,
) -> None:
    """Check a whole log offline: every hash, the root, the signature, and that its story makes sense."""
    copy = key_log.Copy.from_json(file.read_text()) if file is not None else run(_download(tenant), as_json=as_json)
    verdict = key_log.verify(copy, since=since, trust=trust)
    show_one(verdict.members(), as_json=as_json)
    if not verdict.whole:
        if not as_json:
            for problem in verdict.problems:
                console.print(f"[bold red]bad[/]: {problem}")
        raise typer.Exit(1)
