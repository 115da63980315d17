"""``sealwright offer``: offers of credentials by OpenID4VCI, as a link and a QR code in the terminal."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import segno
import typer
from google.protobuf.duration_pb2 import Duration
from sealwright.certify.v1 import credential_issuer_service_pb2 as pb
from sealwright.certify.v1.events_pb2 import CredentialOfferState

from sealwright_client.client import Sealwright
from sealwright_client.terminal import JsonFlag, TenantOption, console, run, show_one

app = typer.Typer(no_args_is_help=True, help="Offers of credentials to wallets (OpenID4VCI).")


@app.command()
def create(
    configurations: Annotated[list[str], typer.Argument(help="Credential configurations to offer.")],
    issuer: Annotated[str, typer.Option(help="Path of the credential issuer; empty for the root.")] = "",
    claims: Annotated[Path | None, typer.Option(help="JSON file: claims per dataset, for pushed datasets.")] = None,
    subject: Annotated[str, typer.Option(help="Whom data providers are asked about.")] = "",
    pin: Annotated[int, typer.Option(help="Length of a transaction code, 4 to 8; 0 for none.")] = 0,
    minutes: Annotated[float, typer.Option(help="How long the offer can be redeemed.")] = 10,
    login: Annotated[bool, typer.Option("--login", help="The wallet logs in at the issuer's own server.")] = False,
    qr: Annotated[Path | None, typer.Option("--qr", help="Write the QR code to this .svg or .png file too.")] = None,
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """Make an offer; print its link and QR code, and the transaction code that the user needs beside them."""
    lifetime = Duration()
    lifetime.FromTimedelta(timedelta(minutes=minutes))
    request = pb.CreateCredentialOfferRequest(
        request_id=str(uuid4()),
        issuer=issuer,
        configuration_ids=configurations,
        lifetime_duration=lifetime,
        authorization_code=login,
        transaction_code_length=pin,
        claims_json=claims.read_text("utf-8") if claims else "",
        subject=subject,
    )

    async def make() -> pb.CreateCredentialOfferResponse:
        async with Sealwright.open(tenant=tenant) as mesh:
            return await mesh.credential_issuers.CreateCredentialOffer(request)

    made = run(make(), as_json=as_json)
    if qr is not None:
        segno.make(made.offer_uri, error="m", micro=False).save(str(qr), scale=6)
    row = {
        "id": made.offer.id,
        "expires": made.offer.expire_time.ToJsonString(),
        "link": made.offer_uri,
        "transaction_code": made.transaction_code,
    }
    if not as_json:
        console.print(qr_text(made.offer_uri), highlight=False, soft_wrap=True)
    show_one(row, as_json=as_json)


@app.command()
def show(
    offer_id: Annotated[str, typer.Argument(help="Id of the offer.")],
    tenant: TenantOption = "default",
    as_json: JsonFlag = False,
) -> None:
    """Where an offer stands, with its QR code while it can be redeemed."""

    async def get() -> pb.GetCredentialOfferResponse:
        async with Sealwright.open(tenant=tenant) as mesh:
            return await mesh.credential_issuers.GetCredentialOffer(pb.GetCredentialOfferRequest(id=offer_id))

    found = run(get(), as_json=as_json)
    row: dict[str, Any] = {
        "id": found.offer.id,
        "issuer": found.offer.issuer,
        "configurations": ", ".join(found.offer.configuration_ids),
        "state": CredentialOfferState.Name(found.offer.state).removeprefix("CREDENTIAL_OFFER_STATE_"),
        "expires": found.offer.expire_time.ToJsonString(),
        "link": found.offer_uri,
    }
    if found.offer_uri and not as_json:
        console.print(qr_text(found.offer_uri), highlight=False, soft_wrap=True)
    show_one(row, as_json=as_json)


def qr_text(link: str) -> str:
    """A QR code of half blocks, readable by a telephone from a dark or a light terminal."""
    drawn = io.StringIO()
    segno.make(link, error="l", micro=False).terminal(out=drawn, compact=True, border=2)
    return drawn.getvalue()
