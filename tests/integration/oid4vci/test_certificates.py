"""Certificates follow the keys: by a development authority at once, with one outside by telling that they are due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sealwright.certify.v1 import credential_issuer_service_pb2 as pb
from sealwright.certify.v1 import events_pb2
from sealwright.certify.v1 import tenant_service_pb2 as tenants
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator_resources
from sealwright.rotator.v1 import rotator_service_pb2 as rotator
from sealwright_certify.adapters.formats.certificates import X509Writer, read_chain
from sealwright_certify.adapters.formats.development_authority import DevelopmentAuthority
from sealwright_certify.ports import IssuerKey
from sealwright_certify.usecases.oid4vci.ports import CertificateAuthority
from sealwright_certify.usecases.oid4vci.renewal import Renewal
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import KeyAlgorithm, KeyState
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.issuing_ca import IssuingCa
from sealwright_common.verify.trust import MDOC_SIGNER, Trust
from sealwright_sandbox.mesh.options import Service

from tests.support.bus import Bus
from tests.support.certify import client_of, rid
from tests.support.mesh import open_mesh
from tests.support.oid4vci import Door, SoftwareSigner, issuer_document, open_door

START = datetime.now(UTC).replace(microsecond=0)
ES256 = frozenset({KeyAlgorithm.ES256})


class TwoKeys(SoftwareSigner):
    """An issuer with a key that signs now and one that follows in ten days, overlapping for five."""

    def __init__(self) -> None:
        super().__init__(KeyAlgorithm.ES256, KeyAlgorithm.ES256)

    async def keys_of(self, tenant: str, issuer: str) -> list[IssuerKey]:
        one, two = await super().keys_of(tenant, issuer)
        day = timedelta(days=1)
        return [
            _with(one, Interval(START - 10 * day, START + 15 * day), KeyState.ACTIVE),
            _with(two, Interval(START + 10 * day, START + 35 * day), KeyState.PUBLISHED),
        ]


def _with(key: IssuerKey, window: Interval, state: KeyState) -> IssuerKey:
    return IssuerKey(key.tenant, key.issuer, key.key_id, key.slot, key.algorithm, key.public_key, window, state, 1)


@dataclass
class Alarms:
    """What operators were told."""

    told: list[tuple[int, float | None]] = field(default_factory=list[tuple[int, float | None]])

    def __call__(self, due: int, seconds: float | None) -> None:
        self.told.append((due, seconds))


@pytest_asyncio.fixture(loop_scope="session")
async def door(database_dsn: str) -> AsyncIterator[Door]:
    """A door whose first key is certified and whose second one is not."""
    async with open_door(database_dsn, signer=TwoKeys(), clock=ManualClock(START)) as opened:
        await opened.oid4vci.keys.active("default", "es256", ES256, START)
        second = list(opened.signer.keys)[1]
        async with opened.database.connection() as connection:
            await connection.execute("delete from issuer_certificate where key_id = $1", second)
        opened.oid4vci.keys.forget()
        yield opened


def renewal(door: Door, alarms: Alarms, authority: CertificateAuthority | None = None) -> Renewal:
    return Renewal(door.database, door.oid4vci.keys, X509Writer(), authority, door.oid4vci.door.clock, alarms)


async def due_events(door: Door) -> list[events_pb2.IssuerCertificateDue]:
    query = "select payload from outbox where type = 'sealwright.certify.v1.IssuerCertificateDue' order by id"
    async with door.database.connection() as connection:
        rows = await connection.fetch(query)
    return [events_pb2.IssuerCertificateDue.FromString(row["payload"]) for row in rows]


async def signing(door: Door) -> str:
    door.oid4vci.keys.forget()
    key = await door.oid4vci.keys.active("default", "es256", ES256, door.oid4vci.door.clock.now())
    assert key.chain
    return key.key_id


async def test_a_development_authority_certifies_the_key_that_follows(door: Door, tmp_path: Path) -> None:
    alarms = Alarms()
    first, second = door.signer.keys
    await renewal(door, alarms, DevelopmentAuthority(tmp_path)).run()
    published = await door.oid4vci.keys.published("default", "es256", START)
    [new] = [key for key in published if key.key_id == second]
    leaf = x509.load_der_x509_certificate(new.chain[0])
    before = x509.load_der_x509_certificate(door.signer.certificate(first))
    assert leaf.subject == before.subject
    trust = Trust(anchors=(IssuingCa.open(tmp_path).root,))
    assert trust.chain_key(new.chain, datetime.now(UTC), MDOC_SIGNER).jwk == new.jwk
    assert alarms.told == [(0, None)]
    await renewal(door, alarms, DevelopmentAuthority(tmp_path)).run()
    [again] = [k for k in await door.oid4vci.keys.published("default", "es256", START) if k.key_id == second]
    assert again.chain == new.chain, "renewed only when it is due"


async def test_with_an_authority_outside_it_is_told_once_a_day_and_again_with_the_request(door: Door) -> None:
    clock = door.oid4vci.door.clock
    assert isinstance(clock, ManualClock)
    alarms, (first, second) = Alarms(), door.signer.keys
    for _ in range(3):
        await renewal(door, alarms).run()
    [event] = await due_events(door)
    assert (event.key_issuer, event.key_id, event.certificate_request_pem) == ("es256", second, "")
    assert event.needed_time.ToDatetime(UTC) == START + timedelta(days=15)
    assert alarms.told[-1] == (1, timedelta(days=15).total_seconds())
    await clock.advance(timedelta(days=10, hours=1))
    assert await signing(door) == first, "the certified key signs on"
    for _ in range(2):
        await renewal(door, alarms).run()
    [_, event] = await due_events(door)
    request = x509.load_pem_x509_csr(event.certificate_request_pem.encode())
    assert request.is_signature_valid
    assert request.public_key() == door.signer.keys[second][1].public_key()
    await clock.advance(timedelta(days=1))
    await renewal(door, alarms).run()
    assert len(await due_events(door)) == 3
    chain = x509.load_der_x509_certificate(door.signer.certificate(second)).public_bytes(Encoding.PEM).decode()
    root = x509.load_der_x509_certificate(door.signer.anchor).public_bytes(Encoding.PEM).decode()
    async with door.database.begin_system("test") as work:
        read, _, expires = read_chain(chain + root, datetime.now(UTC))
        assert len(read) == 1, "the root stays with the verifiers"
        await work.certificates.put("default", second, read, expires)
    await renewal(door, alarms).run()
    assert alarms.told[-1] == (0, None)
    assert await signing(door) == second


async def test_a_chain_is_renewed_in_its_last_third(door: Door, tmp_path: Path) -> None:
    clock = door.oid4vci.door.clock
    assert isinstance(clock, ManualClock)
    first, second = door.signer.keys
    async with door.database.connection() as connection:
        await connection.execute(
            "update issuer_certificate set expires = $2 where key_id = $1", first, START + timedelta(days=9)
        )
    alarms = Alarms()
    authority = DevelopmentAuthority(tmp_path)
    before = await door.oid4vci.keys.published("default", "es256", START)
    await renewal(door, alarms, authority).run()
    unchanged = await door.oid4vci.keys.published("default", "es256", START)
    assert before[0].chain == unchanged[0].chain
    await clock.advance(timedelta(days=6))
    await renewal(door, alarms, authority).run()
    renewed = await door.oid4vci.keys.published("default", "es256", clock.now())
    assert renewed[0].chain != unchanged[0].chain
    assert {key.key_id for key in renewed if key.chain} == {first, second}


async def test_without_any_certificate_mdocs_are_not_offered(door: Door) -> None:
    for statement in (
        "update issuer_certificate set expires = stored - interval '31 days'",
        "delete from issuer_certificate",
    ):
        async with door.database.connection() as connection:
            await connection.execute(statement)
        alarms = Alarms()
        await renewal(door, alarms).run()
        assert alarms.told == [(0, None)], "an issuer that uses no certificates needs none"
    door.oid4vci.keys.forget()
    await door.store(issuer_document())
    issuer = await _issuer(door)
    with pytest.raises(FailedPrecondition, match="certificate"):
        await door.oid4vci.door.issuance.signing_key(issuer, issuer.configurations["person-mdoc"], START)


async def _issuer(door: Door) -> Issuer:
    async with door.database.read() as work:
        issuer = await work.issuers.by_path("demo")
    assert issuer is not None
    return issuer


def test_a_chain_that_is_an_authoritys_is_refused() -> None:
    root = x509.load_der_x509_certificate(IssuingCa().root).public_bytes(Encoding.PEM).decode()
    with pytest.raises(InvalidArgument):
        read_chain(root, datetime.now(UTC))


async def test_in_a_mesh_the_next_key_is_certified_before_it_signs(tmp_path: Path) -> None:
    """Rotator publishes key after key; once one of them was certified, each next one is, by itself."""
    services = (Service.SIGNER, Service.ROTATOR, Service.CERTIFY)
    async with open_mesh(tmp_path, services=services, sandbox=False) as mesh, Bus(mesh.profile.nats) as bus:
        client = client_of(mesh)
        schedule = rotator_resources.Schedule(duration="P1D", buffer=1, overlap=1)
        made = await client.rotator.CreateIssuer(
            rotator.CreateIssuerRequest(
                request_id=rid(),
                issuer_type="es256",
                schedule=schedule,
                algorithm=keys_pb2.KEY_ALGORITHM_ES256,
                purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
            )
        )
        await client.tenants.StoreTenant(tenants.StoreTenantRequest(request_id=rid(), key_issuer="es256"))
        stored = await bus.listen("sealwright.certify.v1.IssuerCertificatesStored")
        asked = await client.credential_issuers.CreateCertificateRequest(
            pb.CreateCertificateRequestRequest(key_issuer="es256", common_name="Signer", country="DK")
        )
        authority = IssuingCa.open(mesh.folder / "issuing-ca")
        await client.credential_issuers.ImportCertificates(
            pb.ImportCertificatesRequest(
                request_id=rid(), key_issuer="es256", chain_pem=authority.certify(asked.certificate_request_pem)
            )
        )
        waiting = {key.key_id for key in made.keys}
        async with asyncio.timeout(60):
            while waiting:
                event = events_pb2.IssuerCertificatesStored.FromString(await stored.get())
                waiting.discard(event.key_id)
        await client.close()
