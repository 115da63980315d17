"""Every service tells the head of its audit log; the rotator signs it; a log that was changed afterwards shows."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright_client.authority import Seal
from sealwright_common.domain.errors import InvalidArgument, Reason, Unavailable
from sealwright_rotator.ports import AuditHead
from sealwright_rotator.usecases.audit_heads import sign_audit_heads
from sealwright_rotator.usecases.authority import ensure_authority

from tests.integration.rotator.conftest import Mesh
from tests.integration.rotator.operating import Here
from tests.integration.rotator.test_commands import said, sealwright

OUTBOX = "select count(*) from outbox where type = 'sealwright.rotator.v1.AuditHeadSigned'"


async def signed(mesh: Mesh, service: str, least: int = 1) -> list[dict[str, Any]]:
    """The signed heads of a service, once there are so many of them and none waits for its signature."""
    async with asyncio.timeout(60):
        while True:
            heads = await said(mesh, "audit", "heads", service)
            if len(heads) >= least and all(head["jws"] for head in heads):
                return heads


async def verdict(mesh: Mesh, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and row of `audit verify` for the rotator."""
    code, out, _ = await sealwright(mesh, "audit", "verify", "rotator", "--dsn", mesh.dsn, "--json", *words)
    return code, json.loads(out)[0]


@pytest.mark.promise(29)
async def test_a_log_is_held_against_the_heads_that_were_signed(mesh: Mesh) -> None:
    await said(mesh, "issuers", "create", "audited-once", "--duration", "P1D", "--purpose", "transaction")
    heads = await signed(mesh, "rotator")
    assert Seal.read(heads[-1]["jws"]).said["seq"] == heads[-1]["seq"]
    await signed(mesh, "signer")
    code, row = await verdict(mesh)
    assert (code, row["verdict"]) == (0, "whole")
    assert row["heads"] >= 1

    seq = heads[-1]["seq"]
    connection = await asyncpg.connect(mesh.dsn)
    try:
        await connection.execute("set session_replication_role = replica")
        # Cut off, head and all: the chain fits, but was longer once.
        whole = connection.transaction()
        await whole.start()
        cut = await connection.fetch("delete from audit_log where seq >= $1 returning *", seq)
        before = await connection.fetchval("select hash from audit_log where seq = $1", seq - 1) or bytes(32)
        now = await connection.fetchrow("update audit_head set seq = $1, hash = $2 returning *", seq - 1, before)
        assert now is not None
        await whole.commit()
        code, row = await verdict(mesh)
        assert code == 1
        assert "missing: a published head" in row["verdict"]
        await connection.copy_records_to_table("audit_log", records=cut)
        await connection.execute("update audit_head set seq = $1, hash = $2", cut[-1]["seq"], cut[-1]["hash"])
        assert await verdict(mesh) == (0, row | {"rows": cut[-1]["seq"], "first_bad": None, "verdict": "whole"})

        # Written anew and told again: two heads of one row.
        await connection.execute(
            "insert into service_audit_head (service, seq, hash, time) values ('rotator', $1, $2, now())",
            seq,
            bytes(32),
        )
        await signed(mesh, "rotator", len(heads) + 1)
        code, row = await verdict(mesh)
        assert code == 1
        assert "rewritten" in row["verdict"]
        await connection.execute("delete from service_audit_head where hash = $1", bytes(32))

        # A head that was not signed like that.
        await connection.execute("update service_audit_head set seq = seq + 1 where seq = $1", seq)
        code, row = await verdict(mesh)
        assert code == 1
        assert "signature" in row["verdict"]
        await connection.execute("update service_audit_head set seq = seq - 1 where seq = $1", seq + 1)
    finally:
        await connection.close()
    assert (await verdict(mesh))[0] == 0


async def test_heads_come_in_pages(mesh: Mesh) -> None:
    await said(mesh, "issuers", "create", "audited-twice", "--duration", "P1D", "--purpose", "transaction")
    await signed(mesh, "rotator")
    await signed(mesh, "signer")
    first = await mesh.stub.ListAuditHeads(pb.ListAuditHeadsRequest(page_size=1))
    assert [head.service for head in first.heads] == ["rotator"]
    rest = await mesh.stub.ListAuditHeads(pb.ListAuditHeadsRequest(page_token=first.next_page_token))
    assert {head.service for head in rest.heads} >= {"signer"}
    assert first.heads[0] not in rest.heads
    for token in ("x", "YQ==", "YQphCmE="):
        with pytest.raises(InvalidArgument) as refused:
            await mesh.stub.ListAuditHeads(pb.ListAuditHeadsRequest(page_token=token))
        assert refused.value.reason is Reason.PAGE_TOKEN_INVALID
    with pytest.raises(InvalidArgument):
        await mesh.stub.ListAuditHeads(pb.ListAuditHeadsRequest(service="nobody"))


async def test_without_a_rotator_the_chain_is_checked_and_that_is_said(mesh: Mesh) -> None:
    dsn = mesh.signer.environment["SEALWRIGHT_SIGNER_DATABASE__DSN"]
    target, mesh.rotator.target = mesh.rotator.target, "127.0.0.1:9"
    try:
        code, out, err = await sealwright(mesh, "audit", "verify", "signer", "--dsn", dsn, "--json", width=400)
    finally:
        mesh.rotator.target = target
    assert code == 0, err
    assert json.loads(out)[0]["heads"] == 0
    assert "checked without published heads" in err


async def test_heads_wait_for_the_signer_and_are_signed_once(here: Here) -> None:
    await ensure_authority(here.world, here.creating)
    head = AuditHead("stamp", 7, bytes(range(32)), here.clock.now(), "")
    async with here.world.store.begin_system("test") as work:
        await work.audit_heads.add([head, head])
    here.signer.away = Unavailable(Reason.PEER_UNAVAILABLE, "away")
    assert not await sign_audit_heads(here.world)
    here.signer.away = None
    await here.clock.advance(timedelta(seconds=5))
    await asyncio.gather(*(sign_audit_heads(here.world) for _ in range(4)))
    async with here.database.read() as work:
        (stored,) = await work.audit_heads.page("", None, 10)
        assert await work.audit_heads.unsigned(10) == []
        told = await work.connection.fetchval(OUTBOX)
    assert told == 1
    assert Seal.read(stored.jws).said == {
        "hash": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "seq": 7,
        "service": "stamp",
        "time": "2026-03-01T00:00:00.000000Z",
    }
