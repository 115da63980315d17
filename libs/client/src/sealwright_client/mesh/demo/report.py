"""What the demo shows at its end: who issued what, with which key, in which window, and how long it took."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich import box
from rich.table import Table
from rich.text import Text

from sealwright_client.mesh.demo.credential import Membership
from sealwright_client.mesh.demo.dataspace import Company
from sealwright_client.mesh.demo.electricity import Day
from sealwright_client.mesh.demo.progress import Progress
from sealwright_client.mesh.demo.wallet import WalletCredential
from sealwright_client.terminal import console


def show(
    day: Day, membership: Membership, company: Company, wallet: WalletCredential, progress: Progress, seconds: float
) -> None:
    """Tables for people."""
    table = _table("Certificates of the day")
    for column in ("UTC", "Wh", "position", "key", "valid", "s", "wallet"):
        table.add_column(column, justify="right" if column in ("Wh", "position", "s") else "left")
    for hour in day.hours:
        key, took = hour.key_id[-8:], f"{hour.seconds:.1f}"
        table.add_row(hour.start, str(hour.quantity_wh), str(hour.position), key, hour.window, took, hour.wallet)
    total = sum(hour.quantity_wh for hour in day.hours)
    table.add_section()
    table.add_row("all", str(total), "", "", f"{day.matched} of {len(day.hours)} match", "", "")
    console.print(table)
    credential = _table("The credential", header=False)
    credential.add_row("type", membership.type)
    credential.add_row("issuer", Text(membership.issuer))
    credential.add_row("holder", Text(membership.holder))
    credential.add_row("says", Text(", ".join(f"{name}: {value}" for name, value in membership.claims.items())))
    credential.add_row("key", f"{membership.key_id}, valid {membership.window}")
    console.print(credential)
    profiles = ", ".join(sorted({one.profile for one in company.credentials}))
    delivered = _table(f"Delivered over DCP ({profiles}) {company.seconds * 1000:.0f} ms after the company's request")
    delivered.add_column("type", no_wrap=True)
    for column in ("says", "valid", "key"):
        delivered.add_column(column)
    delivered.add_column("status", no_wrap=True)
    for one in company.credentials:
        said = ", ".join(f"{name}: {value}" for name, value in one.claims.items())
        row = (one.type, said, f"until {one.valid_until:.10}", one.key_id[-8:], one.status)
        delivered.add_row(*(Text(cell) for cell in row))
    console.print(delivered)
    held = _table("In the wallet", header=False)
    held.add_row("format", wallet.format)
    held.add_row("says", Text(", ".join(f"{name}: {value}" for name, value in wallet.claims.items())))
    held.add_row("status", Text(wallet.status))
    console.print(held)
    steps = _table(f"Steps ({seconds:.1f} s in all)")
    steps.add_column("step")
    steps.add_column("seconds", justify="right")
    for step in progress.steps:
        steps.add_row(step.name, f"{step.seconds:.2f}")
    console.print(steps)


def _table(title: str, header: bool = True) -> Table:
    return Table(title=title, title_justify="left", box=box.SIMPLE, show_header=header)


def show_json(
    day: Day, membership: Membership, company: Company, wallet: WalletCredential, progress: Progress, seconds: float
) -> None:
    """One JSON object for programs."""
    body = {
        "ok": True,
        "seconds": round(seconds, 3),
        "electricity": {
            "readings": day.readings,
            "skipped": day.skipped,
            "issued": len(day.hours),
            "matched": day.matched,
            "certificates": [asdict(hour) for hour in day.hours],
        },
        "credential": asdict(membership),
        "dataspace": asdict(company),
        "wallet": asdict(wallet),
        "steps": [asdict(step) for step in progress.steps],
    }
    print(json.dumps(body, indent=2))
