"""What stands between the signer's answer and the holder, and what doors remember."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr
from sealwright_certify.adapters.cel import CelFactory
from sealwright_certify.adapters.postgres.oid4vci_work import Oid4vciUnitOfWork
from sealwright_certify.adapters.schemas import JsonSchemas
from sealwright_certify.adapters.templates import JsonETemplates
from sealwright_certify.adapters.vc_jwt import VcJwtWriter
from sealwright_certify.codec.events import encode_event
from sealwright_certify.main import MIGRATIONS
from sealwright_certify.ports import AttestationDefinition, DcpPolicy, Prepared, SigningKey, Tenant
from sealwright_certify.usecases.catalogue import Catalogue
from sealwright_certify.usecases.evaluate import Evaluator, SourceRegistry
from sealwright_certify.usecases.keys import KeyCopy
from sealwright_certify.usecases.making import Making, Material, Writers
from sealwright_common.domain.definition_json import definition_from_json
from sealwright_common.domain.errors import NotFound, Reason
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Phase, Protocol
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.rules import ExpressionFactory, RuleRegistry
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database
from sealwright_common.runtime.signature_checks import SignatureChecks

from tests.support.certify import SEED
from tests.support.oid4vci import SoftwareDirectory, SoftwareSigner

NOW = datetime(2026, 6, 21, 12, tzinfo=UTC)
TENANT = Tenant("default", "did:web:issuer.example", "es256", "", DcpPolicy(), NOW)
DEFINITION = replace(definition_from_json(json.dumps(SEED)), version=1)


class FaultySigner(SoftwareSigner):
    """Signs one message of a batch wrongly: with the signature of another."""

    faulty: int

    async def sign(self, tenant: str, key: SigningKey, inputs: Sequence[bytes]) -> list[bytes]:
        signatures = await super().sign(tenant, key, inputs)
        signatures[self.faulty] = signatures[self.faulty - 1]
        return signatures


@pytest_asyncio.fixture(loop_scope="session")
async def database(database_dsn: str) -> AsyncIterator[Database[Oid4vciUnitOfWork]]:
    part = Database(
        DatabaseSettings(dsn=SecretStr(database_dsn)),
        work=Oid4vciUnitOfWork,
        encode_event=encode_event,
        migrations=MIGRATIONS,
    )
    await part.start()
    yield part
    await part.stop()


def process() -> IssuanceProcess:
    return IssuanceProcess(
        id=uuid4(),
        tenant="default",
        state=IssuanceState.APPROVED,
        protocol=Protocol.DCP,
        protocol_version="1.0",
        holder_did="did:web:holder.example",
        holder_pid="1",
        definitions=(DEFINITION.ref,),
        claims={},
        create_time=NOW,
        update_time=NOW,
        phase=Phase.GENERATE,
    )


async def test_a_faulty_signature_stops_its_own_process_alone(database: Database[Oid4vciUnitOfWork]) -> None:
    """What the signer gave is verified by separate code before it leaves."""
    signer, clock, checks = FaultySigner(KeyAlgorithm.ES256), ManualClock(NOW), SignatureChecks()
    signer.faulty = 1
    evaluator = Evaluator(
        SourceRegistry(), RuleRegistry(ExpressionFactory(), CelFactory()), JsonETemplates(), JsonSchemas(), clock
    )
    keys = KeyCopy(database, SoftwareDirectory(signer), clock)
    making = Making(evaluator, Writers(VcJwtWriter()), signer, checks, keys, clock, base_uri="https://issuer.example")
    processes = [process() for _ in range(3)]
    material = Material(
        {"default": TENANT},
        {"default": {DEFINITION.ref: DEFINITION}},
        {"default": {}},
        {one.id: {DEFINITION.ref: {"credentialSubject": {"a": 1}}} for one in processes},
    )
    prepared = {one.id: [Prepared(uuid4(), one.id, 0, DEFINITION.ref, NOW, ())] for one in processes}
    made = await making.make(processes, prepared, material)
    problems = [one.problem and one.problem.reason for one in made]
    assert problems == [None, Reason.SIGNATURE_FAULTY, None]
    assert [len(one.credentials) for one in made] == [1, 0, 1]
    # Where nothing can be checked, nothing leaves either.
    await checks.stop()
    made = await making.make(processes, prepared, material)
    assert [one.problem and one.problem.reason for one in made] == [Reason.STOPPING] * 3


async def test_doors_remember_definitions_for_a_second(database: Database[Oid4vciUnitOfWork]) -> None:
    clock = ManualClock(NOW)
    catalogue = Catalogue(database, clock)

    async def store() -> None:
        async with database.begin_system("test") as work:
            for id_ in DEFINITION.attestations:
                await work.attestations.put_definition("default", AttestationDefinition(id_, "static", {}))
            await work.definitions.put("default", DEFINITION)

    async def version() -> int:
        return (await catalogue.of("default", (DEFINITION.id,))).definitions[0].version

    with pytest.raises(NotFound):
        await version()
    await store()
    assert await version() == 1
    await store()
    assert await version() == 1
    catalogue.forget()
    assert await version() == 2
    await store()
    await clock.advance(timedelta(seconds=1.5))
    assert await version() == 3
