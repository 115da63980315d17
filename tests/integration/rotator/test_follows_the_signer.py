"""The end of a key is the signer's doing: what an operator does there, the rotator shows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import asyncpg
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2
from sealwright.rotator.v1 import rotator_service_pb2 as pb
from sealwright.signer.v1 import key_service_pb2
from sealwright.signer.v1.key_service_pb2_grpc import KeyServiceStub
from sealwright_common.domain.keys import KeyState

from tests.integration.rotator.conftest import Mesh


async def created(mesh: Mesh, name: str) -> list[resources_pb2.IssuerKey]:
    """An issuer's first keys: one active, one to come."""
    schedule = resources_pb2.Schedule(duration="P1D", buffer=2, mode=resources_pb2.SCHEDULE_MODE_SPARE)
    request = pb.CreateIssuerRequest(
        issuer_type=name, schedule=schedule, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, verify_duration={"seconds": 86400}
    )
    return list((await mesh.stub.CreateIssuer(request, timeout=60)).keys)


async def until(mesh: Mesh, name: str, holds: Callable[[dict[int, resources_pb2.IssuerKey]], bool]) -> list[str]:
    """The states of the issuer's keys by slot, once they are as they should be."""
    keys: dict[int, resources_pb2.IssuerKey] = {}
    async with asyncio.timeout(60):
        while not keys or not holds(keys):
            page = await mesh.stub.ListKeys(pb.ListKeysRequest(issuer_type=name))
            keys = {key.slot: key for key in page.keys}
            await asyncio.sleep(0.05)
    return [keys_pb2.KeyState.Name(keys[slot].state).removeprefix("KEY_STATE_") for slot in sorted(keys)]


def state(slot: int, wanted: KeyState) -> Callable[[dict[int, resources_pb2.IssuerKey]], bool]:
    """Whether a slot is in a state, and its issuer has two keys to sign with."""
    number = keys_pb2.KeyState.Value(f"KEY_STATE_{wanted}")
    signs = (keys_pb2.KEY_STATE_PUBLISHED, keys_pb2.KEY_STATE_ACTIVE)
    return lambda keys: keys[slot].state == number and sum(1 for key in keys.values() if key.state in signs) == 2


async def kinds(mesh: Mesh, key_id: str) -> list[str]:
    """What the key log says of a key, in order."""
    found: list[str] = []
    async for answer in mesh.stub.WatchKeys(pb.WatchKeysRequest(from_position=0), timeout=60):
        for change in answer.changes:
            if change.HasField("key") and change.key.key_id == key_id:
                found.append(resources_pb2.KeyLogEntryType.Name(change.type).removeprefix("KEY_LOG_ENTRY_TYPE_KEY_"))
        if found and found[-1] in ("DESTROYED", "DESTRUCTION_CANCELLED"):
            break
    return found


async def test_a_destruction_taken_back_in_the_signer_is_taken_back_here(mesh: Mesh) -> None:
    keys, signer = await created(mesh, "kept"), KeyServiceStub(mesh.signer_channel)
    active = keys[0].key_id
    await signer.ScheduleKeyDestruction(key_service_pb2.ScheduleKeyDestructionRequest(key_id=active))
    # The key that was to sign is replaced, and the next one takes over.
    seen = await until(mesh, "kept", state(0, KeyState.DESTROY_SCHEDULED))
    assert seen == ["DESTROY_SCHEDULED", "ACTIVE", "PUBLISHED"]
    await signer.CancelKeyDestruction(key_service_pb2.CancelKeyDestructionRequest(key_id=active))
    seen = await until(mesh, "kept", state(0, KeyState.VERIFY_ONLY))
    assert seen == ["VERIFY_ONLY", "ACTIVE", "PUBLISHED"]
    held = (await signer.GetKey(key_service_pb2.GetKeyRequest(key_id=active))).key
    assert held.state == keys_pb2.KEY_STATE_VERIFY_ONLY, "it was replaced: it signs no more"
    assert (await kinds(mesh, active))[-2:] == ["DESTRUCTION_SCHEDULED", "DESTRUCTION_CANCELLED"]


async def test_a_key_the_signer_destroyed_is_destroyed_here(mesh: Mesh) -> None:
    keys, signer = await created(mesh, "gone"), KeyServiceStub(mesh.signer_channel)
    active = keys[0].key_id
    await signer.ScheduleKeyDestruction(key_service_pb2.ScheduleKeyDestructionRequest(key_id=active))
    await until(mesh, "gone", state(0, KeyState.DESTROY_SCHEDULED))
    connection = await asyncpg.connect(mesh.signer.environment["SEALWRIGHT_SIGNER_DATABASE__DSN"])
    try:
        await connection.execute("update signing_key set destroy_time = now() where id = $1::text::uuid", active)
    finally:
        await connection.close()
    # The signer looks for keys to destroy when it starts, and once a minute.
    mesh.signer.stop()
    mesh.signer.start()
    await mesh.signer.wait_ready()
    assert (await until(mesh, "gone", state(0, KeyState.DESTROYED)))[0] == "DESTROYED"
    assert (await kinds(mesh, active))[-2:] == ["DESTRUCTION_SCHEDULED", "DESTROYED"]
