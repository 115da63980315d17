"""The second part of the demo: a company gets its MembershipCredential, and a stranger checks it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sealwright.certify.v1 import (
    attestation_service_pb2,
    definition_service_pb2,
    issuance_service_pb2,
    tenant_service_pb2,
)
from sealwright.certify.v1 import resources_pb2 as certify
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator
from sealwright.rotator.v1 import rotator_service_pb2 as rotator_service
from sealwright_common.verify.jws import parse
from sealwright_common.verify.jwt_vc import verify_jwt_vc
from sealwright_common.verify.keys import b64url, from_jwk, from_material, unb64url
from sealwright_common.verify.outcome import NotVerified, Verified
from sealwright_common.verify.trust import Trust

from sealwright_client.client import Sealwright
from sealwright_client.mesh.demo.electricity import window_text
from sealwright_client.mesh.demo.progress import Missing, Progress

ISSUER = "membership"
CLAIMS = {"onboarding": {"companyNumber": "DK-12345678", "name": "Solar Roof ApS", "signedDocuments": True}}


@dataclass(frozen=True)
class Membership:
    """The credential and what its verifier found."""

    credential_id: str
    type: str
    issuer: str
    holder: str
    key_id: str
    window: str
    claims: dict[str, object]
    payload: str


async def issue_membership(mesh: Sealwright, progress: Progress) -> Membership:
    """Issues the credential and has it verified. Raises Missing if it is not, or says something else."""
    with progress.step("rotator makes the keys that sign credentials") as outcome:
        created = await mesh.rotator.CreateIssuer(
            rotator_service.CreateIssuerRequest(
                request_id=str(uuid.uuid4()),
                issuer_type=ISSUER,
                schedule=rotator.Schedule(duration="P1M", buffer=1, overlap=1),
                algorithm=keys_pb2.KEY_ALGORITHM_ES256,
                purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
                protection=keys_pb2.PROTECTION_HSM,
            )
        )
        outcome.append(f"{len(created.keys)} P-256 keys")
    with progress.step("certify learns who issues, what, from which claims") as outcome:
        outcome.append(await _define(mesh))
    holder = from_material(Ed25519PrivateKey.generate().public_key()).did_key
    with progress.step("certify issues a MembershipCredential, signer signs it"):
        answer = await mesh.issuance.IssueCredential(
            issuance_service_pb2.IssueCredentialRequest(
                request_id=str(uuid.uuid4()),
                definition_id="membership",
                holder_did=holder,
                claims_json=json.dumps(CLAIMS),
            )
        )
    with progress.step("a verifier checks it against the published DID document") as outcome:
        verified = await verify_as_stranger(answer.payload, (b"Solar", b"Lunar"))
        outcome.append("signature, validity, type and subject hold")
    said = {name: value for name, value in verified.claims.items() if name != "id"}
    if verified.subject != holder or said.get("companyNumber") != CLAIMS["onboarding"]["companyNumber"]:
        raise Missing(f"the credential says {said} of {verified.subject}")
    key_id = verified.key_id.rpartition("#")[2]
    windows = {key.key_id: window_text(key) for key in created.keys}
    window = next((text for id_, text in windows.items() if id_ in verified.key_id), next(iter(windows.values())))
    return Membership(
        answer.credential.id, verified.types[-1], verified.issuer, holder, key_id, window, said, answer.payload
    )


async def _define(mesh: Sealwright) -> str:
    """Stores tenant, attestation and definition; the tenant's DID."""
    stored = await mesh.tenants.StoreTenant(
        tenant_service_pb2.StoreTenantRequest(
            request_id=str(uuid.uuid4()), key_issuer=ISSUER, display_name="Sealwright demonstration"
        )
    )
    await mesh.attestations.StoreAttestationDefinition(
        attestation_service_pb2.StoreAttestationDefinitionRequest(
            request_id=str(uuid.uuid4()),
            definition=certify.AttestationDefinition(id="onboarding", type="pushed", configuration_json="{}"),
        )
    )
    signed = {"claim": "onboarding.signedDocuments", "operator": "eq", "value": True}
    template = {
        "credentialSubject": {
            "companyNumber": {"$eval": "claims.onboarding.companyNumber"},
            "name": {"$eval": "claims.onboarding.name"},
        }
    }
    definition = certify.CredentialDefinition(
        id="membership",
        credential_type="MembershipCredential",
        format=certify.CREDENTIAL_FORMAT_VC20_BSSL_JWT,
        attestations=["onboarding"],
        rules=[certify.CredentialRule(type="expression", configuration_json=json.dumps(signed))],
        template_json=json.dumps(template),
    )
    definition.validity_duration.FromSeconds(365 * 24 * 3600)
    await mesh.definitions.StoreDefinition(
        definition_service_pb2.StoreDefinitionRequest(request_id=str(uuid.uuid4()), definition=definition)
    )
    return stored.tenant.did


async def verify_as_stranger(payload: str, forgery: tuple[bytes, bytes]) -> Verified:
    """What a stranger does: resolve the issuer's did:web, take its key, check the credential, refuse a forged one.

    `forgery` is what the forged credential says, instead of what. Raises Missing if the credential does not verify, or
    the forged one does.
    """
    issuer = parse(payload).claims.get("iss") or parse(payload).claims["issuer"]
    async with aiohttp.ClientSession() as http, http.get(did_web_url(issuer)) as answer:
        answer.raise_for_status()
        document = await answer.json(content_type=None)
    keys = {method["id"]: from_jwk(method["publicKeyJwk"]) for method in document["verificationMethod"]}
    try:
        verified = verify_jwt_vc(payload, Trust(keys=keys), datetime.now(UTC))
    except NotVerified as error:
        raise Missing(f"the credential does not verify: {error.message}") from error
    head, body, signature = payload.split(".")
    other = b64url(unb64url(body).replace(*forgery))
    try:
        verify_jwt_vc(f"{head}.{other}.{signature}", Trust(keys=keys), datetime.now(UTC))
    except NotVerified:
        return verified
    raise Missing("a forged credential verifies as well")


def did_web_url(did: str) -> str:
    """Where the document of a did:web on this machine is served; elsewhere it would be https."""
    host, *path = [unquote(part) for part in did.removeprefix("did:web:").split(":")]
    return f"http://{host}/{'/'.join(path) or '.well-known'}/did.json"
