"""Certify in a small mesh with signer and rotator, and what its tests do again and again."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
from google.protobuf.duration_pb2 import Duration
from sealwright.certify.v1 import attestation_service_pb2 as attestations
from sealwright.certify.v1 import definition_service_pb2 as definitions
from sealwright.certify.v1 import issuance_service_pb2 as issuance
from sealwright.certify.v1 import resources_pb2 as pb
from sealwright.certify.v1 import tenant_service_pb2 as tenants
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator_resources
from sealwright.rotator.v1 import rotator_service_pb2 as rotator
from sealwright_client.client import Sealwright
from sealwright_client.connection import Profile
from sealwright_common.runtime.config import TlsSettings
from sealwright_common.verify.jwt_vc import verify_jwt_vc
from sealwright_common.verify.keys import from_jwk
from sealwright_common.verify.outcome import Verified
from sealwright_common.verify.trust import Trust
from sealwright_sandbox.holder import SandboxHolders
from sealwright_sandbox.mesh import Mesh

SEED = {
    "credentialType": "MembershipCredential",
    "dataModel": "1.1",
    "schema": "",
    "validityPeriod": 1000000,
    "format": "",
    "attestations": ["onboarding"],
    "rules": [
        {
            "type": "expression",
            "configuration": {"claim": "onboarding.signedDocuments", "operator": "eq", "value": True},
        }
    ],
    "mappings": [
        {"input": "companyNumber", "output": "credentialSubject.companyNumber", "required": True},
        {"input": "expiration", "output": "expirationDate"},
    ],
}
"""The definition of the architecture document, as it stands there."""

ONBOARDING = {"dataSource": "certify", "table": "attestation", "outputClaim": "onboarding", "required": True}
"""The attestation definition of the architecture document, over certify's own table."""


def fetch(url: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """GET: status, headers (lower case) and text; error statuses come back like any other."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode()


def rid() -> str:
    """A fresh request id."""
    return str(uuid.uuid4())


def client_of(mesh: Mesh, tenant: str = "default") -> Sealwright:
    """An operator's client of the mesh; close it."""
    found = mesh.profile
    tls = TlsSettings.model_validate(found.tls) if found.tls else None
    profile = Profile(services=found.services, tls=tls, http=found.http, databases=found.databases, nats=found.nats)
    return Sealwright(profile, tenant)


@dataclass
class Issuing:
    """One tenant of a running certify, and holders to issue to."""

    mesh: Mesh
    client: Sealwright
    holders: SandboxHolders
    tenant: str
    did: str

    @property
    def base(self) -> str:
        """Base URL of the tenant's DCP door."""
        return f"{self.mesh.profile.http['certify']}/dcp/{self.tenant}"

    @property
    def http(self) -> str:
        """certify's HTTP address."""
        return self.mesh.profile.http["certify"]

    @classmethod
    async def open(cls, mesh: Mesh, holders: SandboxHolders, tenant: str, **policy: bool) -> Issuing:
        """A tenant with keys and the seed's attestation and definition."""
        client = client_of(mesh, tenant)
        schedule = rotator_resources.Schedule(duration="P1D", buffer=2, overlap=1)
        await client.rotator.CreateIssuer(
            rotator.CreateIssuerRequest(
                request_id=rid(),
                issuer_type="credentials",
                schedule=schedule,
                algorithm=keys_pb2.KEY_ALGORITHM_ES256,
                purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
            )
        )
        stored = await client.tenants.StoreTenant(
            tenants.StoreTenantRequest(request_id=rid(), key_issuer="credentials", dcp=pb.DcpPolicy(**policy))
        )
        issuing = cls(mesh, client, holders, tenant, stored.tenant.did)
        await issuing.attestation("onboarding", "database", ONBOARDING)
        await issuing.define(SEED)
        return issuing

    async def attestation(self, id_: str, type_: str, configuration: dict[str, Any]) -> None:
        """Stores an attestation definition."""
        definition = pb.AttestationDefinition(id=id_, type=type_, configuration_json=json.dumps(configuration))
        await self.client.attestations.StoreAttestationDefinition(
            attestations.StoreAttestationDefinitionRequest(request_id=rid(), definition=definition)
        )

    async def define(self, body: dict[str, Any]) -> pb.CredentialDefinition:
        """Stores a definition given in JSON."""
        request = definitions.StoreDefinitionRequest(request_id=rid(), definition_json=json.dumps(body))
        return (await self.client.definitions.StoreDefinition(request)).definition

    async def onboard(self, did: str, **attributes: Any) -> None:
        """What onboarding does: one row of the attestation table."""
        row = pb.Attestation(did=did, attributes_json=json.dumps(attributes))
        await self.client.attestations.InsertAttestations(
            attestations.InsertAttestationsRequest(request_id=rid(), attestations=[row])
        )

    async def member(self, **attributes: Any) -> str:
        """The name of a fresh holder that was onboarded."""
        name = f"h{uuid.uuid4().hex[:12]}"
        given = {"signedDocuments": True, "companyNumber": "DK-123", **attributes}
        await self.onboard(self.holders.holder(name).did, **given)
        return name

    async def ask(self, name: str, *credentials: str, **options: Any) -> tuple[int, str]:
        """The holder requests credentials; status and Location."""
        return await self.holders.ask(name, self.base, self.did, list(credentials), **options)

    async def process(self, location: str) -> pb.IssuanceProcess:
        """The process behind a status resource."""
        request = issuance.GetIssuanceRequest(id=location.rpartition("/")[2])
        return (await self.client.issuance.GetIssuance(request)).process

    async def ends(self, location: str, seconds: float = 60.0) -> pb.IssuanceProcess:
        """The process once it is terminal."""
        request = issuance.WatchIssuancesRequest(id=location.rpartition("/")[2])
        last = pb.IssuanceProcess()
        async for change in self.client.issuance.WatchIssuances(request, timeout=seconds):
            last = change.process
        return last

    def document(self) -> dict[str, Any]:
        """The DID document as it is served."""
        path = self.did.removeprefix("did:web:").replace(":", "/").replace("%3A", ":")
        return json.loads(fetch(f"http://{path}/did.json")[2])

    def verify(self, payload: str) -> Verified:
        """What an outside verifier, who has the DID document alone, finds in a credential."""
        methods = self.document()["verificationMethod"]
        trust = Trust(keys={method["id"]: from_jwk(method["publicKeyJwk"]) for method in methods})
        return verify_jwt_vc(payload, trust, datetime.now(UTC))

    async def rows(self, statement: str, *arguments: Any) -> list[Any]:
        """Rows of certify's database."""
        connection = await asyncpg.connect(self.mesh.profile.databases["certify"])
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def events(self, process_id: str) -> list[str]:
        """The process's events, oldest first, by their short names."""
        rows = await self.rows("select type from outbox where aggregate_id = $1 order by seq", process_id)
        return [row["type"].rpartition(".")[2] for row in rows]

    async def post(self, path: str, body: Any, token: str | None, **headers: str) -> tuple[int, dict[str, str], str]:
        """A raw POST to the tenant's door: status, headers, body."""
        given = {**headers, **({"authorization": f"Bearer {token}"} if token else {})}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{self.base}{path}", data=data, headers=given) as reply:
                return reply.status, {k.lower(): v for k, v in reply.headers.items()}, await reply.text()


async def more_running(issuing: Issuing, count: int, holder_did: str = "") -> None:
    """So many more processes that wait for approval, as copies of the newest one, of one holder or of as many."""
    await issuing.rows(
        """insert into issuance_process
           select (jsonb_populate_record(null::issuance_process, to_jsonb(p) || jsonb_build_object(
               'id', gen_random_uuid(), 'holder_pid', n::text,
               'holder_did', coalesce(nullif($3, ''), 'did:web:copy' || n || '.example')))).*
           from (select * from issuance_process where tenant = $1 and state = 'SUBMITTED' order by id desc limit 1) p,
                generate_series(1, $2::int) n""",
        issuing.tenant,
        count,
        holder_did,
    )


def template_definition(id_: str, **members: Any) -> dict[str, Any]:
    """A 2.0 definition with a template over the onboarding attestation."""
    return {
        "id": id_,
        "credentialType": "DataAuditCredential",
        "format": "vc20-bssl/jwt",
        "validity": 3600,
        "attestations": ["onboarding"],
        "template": {"credentialSubject": {"company": {"$eval": "claims.onboarding.companyNumber"}}},
        **members,
    }


def until(condition: Any, seconds: float = 5.0) -> bool:
    """Whether ``condition()`` became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def names(outcome: Sequence[Any]) -> list[str]:
    """Ids of definitions."""
    return [one.id for one in outcome]


SPAN = Duration(seconds=int(timedelta(hours=1).total_seconds()))
"""An hour."""
