"""The third part of the demo: a company joins a dataspace, and its Credential Service gets what it asked for."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp
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
from sealwright_common.verify.outcome import Verified

from sealwright_client.client import Sealwright
from sealwright_client.connection import Profile
from sealwright_client.mesh.demo.credential import verify_as_stranger
from sealwright_client.mesh.demo.progress import Missing, Progress

TENANT, KEYS, HOLDER = "dataspace", "membership", "solar-roof"
PATIENCE_SECONDS = 30.0

ONBOARDING = {"dataSource": "certify", "table": "attestation", "outputClaim": "onboarding", "required": True}
ATTESTED = {"signedDocuments": True, "audited": True, "companyNumber": "DK-12345678", "name": "Solar Roof ApS"}
"""What the onboarding authority found out about the company."""


def _definition(type_: str, format_: str, claim: str, *mapped: str) -> dict[str, Any]:
    return {
        "credentialType": type_,
        "format": format_,
        "validity": 365 * 24 * 3600,
        "attestations": ["onboarding"],
        "rules": [
            {
                "type": "expression",
                "configuration": {"claim": f"onboarding.{claim}", "operator": "eq", "value": True},
            }
        ],
        "mappings": [{"input": name, "output": f"credentialSubject.{name}", "required": True} for name in mapped],
    }


DEFINITIONS = (
    _definition("MembershipCredential", "vc11-sl2021/jwt", "signedDocuments", "companyNumber", "name"),
    _definition("DataAuditCredential", "vc20-bssl/jwt", "audited", "companyNumber", "name", "audited"),
)


@dataclass(frozen=True)
class DeliveredCredential:
    """One credential as the holder has it and as a verifier reads it."""

    type: str
    profile: str
    claims: dict[str, object]
    key_id: str
    valid_until: str
    """RFC 3339."""
    status: str
    payload: str


@dataclass(frozen=True)
class Company:
    """The company and what its Credential Service holds now."""

    did: str
    issuer: str
    process_id: str
    seconds: float
    """From the request to the end of its process."""
    credentials: list[DeliveredCredential]


async def onboard_company(profile: Profile, progress: Progress) -> Company:
    """Plays the dataspace's onboarding authority, the company and a verifier, one after the other.

    Raises Missing if a credential is not delivered, does not verify or says something else.
    """
    base, holder = f"{profile.http['certify']}/dcp/{TENANT}", f"{profile.sandbox['holder']}/{HOLDER}"
    async with Sealwright.open(profile, TENANT) as mesh, aiohttp.ClientSession() as http:
        with progress.step("a dataspace says what it issues, to whom, over DCP") as outcome:
            issuer = await _define(mesh)
            outcome.append(" and ".join(one["credentialType"] for one in DEFINITIONS))
        with progress.step("a company is onboarded: a row in the attestation table") as outcome:
            did = (await _get(http, f"{holder}/did.json"))["id"]
            row = certify.Attestation(did=did, attributes_json=json.dumps(ATTESTED))
            await mesh.attestations.InsertAttestations(
                attestation_service_pb2.InsertAttestationsRequest(request_id=str(uuid.uuid4()), attestations=[row])
            )
            outcome.append("inserted by the role that may insert only")
        with progress.step("its Credential Service requests both; certify delivers them there") as outcome:
            started = time.monotonic()
            process_id = await _request(http, holder, base, issuer)
            await _delivered(mesh, process_id)
            seconds = time.monotonic() - started
            outcome.append(f"delivered after {seconds * 1000:.0f} ms")
        with progress.step("a verifier checks what the company holds") as outcome:
            credentials = [await _checked(entry, did) for entry in await _held(http, holder, process_id)]
            outcome.append(f"{len(credentials)} hold, forged ones do not")
    if [one.type for one in credentials] != [one["credentialType"] for one in DEFINITIONS]:
        raise Missing(f"the company holds {', '.join(one.type for one in credentials) or 'nothing'}")
    return Company(did, issuer, process_id, seconds, credentials)


async def _define(mesh: Sealwright) -> str:
    """Keys, tenant, attestation and both definitions; the tenant's DID."""
    await mesh.rotator.CreateIssuer(
        rotator_service.CreateIssuerRequest(
            request_id=str(uuid.uuid4()),
            issuer_type=KEYS,
            schedule=rotator.Schedule(duration="P1M", buffer=1, overlap=1),
            algorithm=keys_pb2.KEY_ALGORITHM_ES256,
            purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
            protection=keys_pb2.PROTECTION_HSM,
        )
    )
    stored = await mesh.tenants.StoreTenant(
        tenant_service_pb2.StoreTenantRequest(
            request_id=str(uuid.uuid4()), key_issuer=KEYS, display_name="Sealwright dataspace"
        )
    )
    attestation = certify.AttestationDefinition(
        id="onboarding", type="database", configuration_json=json.dumps(ONBOARDING)
    )
    await mesh.attestations.StoreAttestationDefinition(
        attestation_service_pb2.StoreAttestationDefinitionRequest(request_id=str(uuid.uuid4()), definition=attestation)
    )
    for definition in DEFINITIONS:
        await mesh.definitions.StoreDefinition(
            definition_service_pb2.StoreDefinitionRequest(
                request_id=str(uuid.uuid4()), definition_json=json.dumps(definition)
            )
        )
    return stored.tenant.did


async def _request(http: aiohttp.ClientSession, holder: str, base: str, issuer: str) -> str:
    """Has the company's Credential Service ask; the id of the process that certify accepted."""
    wanted = {"issuer": base, "issuerDid": issuer, "credentials": [one["credentialType"] for one in DEFINITIONS]}
    async with http.post(f"{holder}/request", json=wanted) as answer:
        answer.raise_for_status()
        said = await answer.json()
    if said["status"] != 201:
        raise Missing(f"certify answered {said['status']} to the company's request")
    return said["location"].rpartition("/")[2]


async def _delivered(mesh: Sealwright, process_id: str) -> None:
    """Returns once the process has ended well."""
    process = certify.IssuanceProcess()
    request = issuance_service_pb2.WatchIssuancesRequest(id=process_id)
    async for change in mesh.issuance.WatchIssuances(request, timeout=PATIENCE_SECONDS):
        process = change.process
    if process.state != certify.ISSUANCE_STATE_DELIVERED:
        state = certify.IssuanceState.Name(process.state).removeprefix("ISSUANCE_STATE_")
        raise Missing(f"the company's request ended as {state}: {process.error_detail}")


async def _held(http: aiohttp.ClientSession, holder: str, process_id: str) -> list[dict[str, str]]:
    """What the Credential Service stored of this process."""
    deliveries = (await _get(http, holder))["deliveries"]
    return [entry for one in deliveries if one["issuerPid"] == process_id for entry in one["credentials"]]


async def _checked(entry: dict[str, str], did: str) -> DeliveredCredential:
    verified = await verify_as_stranger(entry["payload"], (b"Solar", b"Lunar"))
    if verified.subject != did or verified.claims.get("companyNumber") != ATTESTED["companyNumber"]:
        raise Missing(f"a delivered credential says {verified.claims} of {verified.subject}")
    return _described(entry, verified)


def _described(entry: dict[str, str], verified: Verified) -> DeliveredCredential:
    return DeliveredCredential(
        type=verified.types[-1],
        profile=entry["format"],
        claims={name: value for name, value in verified.claims.items() if name != "id"},
        key_id=verified.key_id.rpartition("#")[2],
        valid_until="" if verified.valid_until is None else verified.valid_until.isoformat(),
        status=", ".join(f"{one.purpose} #{one.index}" for one in verified.status),
        payload=entry["payload"],
    )


async def _get(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with http.get(url) as answer:
        answer.raise_for_status()
        return await answer.json()
