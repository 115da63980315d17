"""The fourth part of the demo: an offer as a QR code, a wallet that redeems it, a credential that verifies offline."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from sealwright.certify.v1 import credential_issuer_service_pb2 as pb
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.sd_jwt import verify_sd_jwt_vc
from sealwright_sandbox.oid4vci_wallet import Wallet, WalletKey

from sealwright_client.client import Sealwright
from sealwright_client.commands.offer import qr_text
from sealwright_client.mesh.demo.credential import ISSUER
from sealwright_client.mesh.demo.progress import Missing, Progress
from sealwright_client.terminal import console

MEMBER = {"given_name": "Ada", "family_name": "Lovelace", "member_number": 17}
DOCUMENT = {
    "path": "demo",
    "key_issuer": ISSUER,
    "display": [{"name": "Sealwright demonstration", "locale": "en"}],
    "datasets": {
        "member": {
            "source": {"type": "pushed"},
            "claims": [{"path": [name], "mandatory": True} for name in MEMBER],
            "configurations": {
                "member-sd-jwt": {
                    "format": "dc+sd-jwt",
                    "vct": "https://sealwright.example/member",
                    "scope": "member",
                    "decoys": 2,
                    "display": [{"name": "Membership", "locale": "en"}],
                }
            },
        }
    },
}


@dataclass(frozen=True)
class WalletCredential:
    """What the wallet has now."""

    link: str
    format: str
    claims: dict[str, object]
    status: str


async def issue_to_wallet(mesh: Sealwright, progress: Progress) -> WalletCredential:
    """Makes the offer, redeems it with its transaction code and verifies what came. Raises Missing if it does not."""
    with progress.step("certify opens an OpenID4VCI issuer and makes an offer") as outcome:
        issuers = mesh.credential_issuers
        document = pb.StoreCredentialIssuerRequest(request_id=str(uuid.uuid4()), document_json=json.dumps(DOCUMENT))
        await issuers.StoreCredentialIssuer(document)
        made = await issuers.CreateCredentialOffer(
            pb.CreateCredentialOfferRequest(
                request_id=str(uuid.uuid4()),
                issuer="demo",
                configuration_ids=["member-sd-jwt"],
                transaction_code_length=6,
                claims_json=json.dumps({"member": MEMBER}),
            )
        )
        outcome.append(f"transaction code {made.transaction_code}")
    if not progress.quiet:
        console.print(qr_text(made.offer_uri), highlight=False, soft_wrap=True)
    async with Wallet(dpop=True) as wallet:
        with progress.step("a wallet redeems the offer: code and transaction code, nonce, proof of its key") as outcome:
            opened = await wallet.open_offer(made.offer_uri)
            await wallet.redeem(opened, made.transaction_code)
            answer = await wallet.obtain(opened, "member-sd-jwt", [WalletKey()])
            await wallet.notify(opened, answer["notification_id"])
            outcome.append("an SD-JWT VC, bound to the wallet's key")
        with progress.step("the wallet verifies it") as outcome:
            trust = await wallet.trust(opened)
            try:
                verified = verify_sd_jwt_vc(answer["credentials"][0]["credential"], trust, datetime.now(UTC))
            except NotVerified as error:
                raise Missing(f"the wallet's credential does not verify: {error.message}") from error
            outcome.append("signature, disclosures, validity and type hold")
    said: dict[str, object] = {name: verified.claims.get(name) for name in MEMBER}
    if said != MEMBER:
        raise Missing(f"the wallet's credential says {said}")
    status = ", ".join(f"{entry.uri}#{entry.index}" for entry in verified.status)
    return WalletCredential(made.offer_uri, verified.format, said, status)
