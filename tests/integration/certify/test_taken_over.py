"""What one instance was slow with and another one finished, on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from sealwright_certify.adapters.postgres.work import CertifyUnitOfWork
from sealwright_certify.codec.events import encode_event
from sealwright_certify.usecases.generate import Generation, Recorded
from sealwright_certify.usecases.making import Made
from sealwright_common.domain.credentials import CredentialDefinition, CredentialFormat
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuance import IssuanceState, Phase, Protocol
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database

from tests.contract.certify.test_contract import CREDENTIAL, PROCESS

MIGRATIONS = Path(__file__).resolve().parents[3] / "services" / "certify" / "migrations"


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database[CertifyUnitOfWork]]:
    """certify's database, empty."""
    made = Database(
        DatabaseSettings(dsn=SecretStr(database_dsn)),
        work=CertifyUnitOfWork,
        encode_event=encode_event,
        migrations=MIGRATIONS,
    )
    await made.start()
    await made.wait_available()
    yield made
    await made.stop()


@pytest.mark.parametrize("protocol", [Protocol.DCP, Protocol.GRPC])
async def test_r28_who_comes_too_late_with_its_signature_leaves_things_as_they_are(
    database: Database[CertifyUnitOfWork], protocol: Protocol
) -> None:
    """R28: two instances signed for one process, as after a lease that ran out: the first one stays as it was."""
    now = datetime.now(UTC)
    process = replace(
        PROCESS,
        id=new_id(now),
        protocol=protocol,
        state=IssuanceState.APPROVED,
        phase=Phase.GENERATE,
        next_attempt_time=now,
        create_time=now,
        update_time=now,
    )
    definition = CredentialDefinition(
        id="MembershipCredential",
        credential_type="MembershipCredential",
        format=CredentialFormat.VC20_BSSL_JWT,
        attestations=("onboarding",),
    )
    # Recording needs nothing of what signing needs.
    generation = Generation.__new__(Generation)
    async with database.begin_system("test") as work:
        definition = await work.definitions.put("default", definition)
        process = replace(process, definitions=(definition.ref,))
        assert await work.processes.insert([process])
    recorded: list[list[Recorded]] = []
    for payload in ("the.first.signature", "the.second.signature"):
        credential = replace(
            CREDENTIAL,
            id=new_id(now),
            definition=definition.ref,
            process_id=process.id,
            holder_did=process.holder_did,
            payload=payload,
        )
        async with database.begin_system("test") as work:
            recorded.append(await generation.record(work, [Made(process, (credential,))]))
    assert [len(processes) for processes in recorded] == [1, 0]
    async with database.read() as work:
        stored = await work.credentials.of_processes("default", [process.id])
        current = await work.processes.get("default", process.id)
        told = await work.connection.fetch("select type from outbox order by seq")
    assert [credential.payload for credential in stored] == ["the.first.signature"]
    assert current is not None
    assert current.state is (IssuanceState.APPROVED if protocol is Protocol.DCP else IssuanceState.DELIVERED)
    names = [row["type"].rpartition(".")[2] for row in told]
    assert names == ["IssuanceGenerated"] + (["IssuanceDelivered"] if protocol is Protocol.GRPC else [])
