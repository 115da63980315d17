"""What operators do to issuers, on a real database with a clock that is moved by hand."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from sealwright.common.v1.keys_pb2 import KEY_STATE_ACTIVE, KEY_STATE_VERIFY_ONLY
from sealwright.signer.v1.events_pb2 import KeyDestroyed, KeyDestructionCancelled, KeyDestructionScheduled
from sealwright.signer.v1.resources_pb2 import Key as SignerKey
from sealwright_common.domain.call import Call, system_call
from sealwright_common.domain.durations import CalendarDuration
from sealwright_common.domain.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Reason,
    Unavailable,
)
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuers import IssuerKey, IssuerState
from sealwright_common.domain.keys import KeyState
from sealwright_common.domain.schedule import ScheduleMode
from sealwright_common.runtime.app import App
from sealwright_common.runtime.clock import ManualClock
from sealwright_common.runtime.collector import gathering
from sealwright_common.runtime.events import Event
from sealwright_common.runtime.idempotency import Replay
from sealwright_rotator.adapters.metrics import Alarms
from sealwright_rotator.job import Job
from sealwright_rotator.subscriptions import key_endings
from sealwright_rotator.usecases import change_issuer
from sealwright_rotator.usecases.create_issuer import CreateIssuer
from sealwright_rotator.usecases.directory import Directories, Format
from sealwright_rotator.usecases.mark_compromised import mark_compromised
from sealwright_rotator.usecases.queries import get_active_keys
from sealwright_rotator.usecases.rotate import Round, rotate
from sealwright_rotator.usecases.rotate_now import rotate_now

from tests.integration.rotator.operating import CALL, START, Here


async def test_a_key_lives_its_life(here: Here) -> None:
    await here.create("life", mode=ScheduleMode.SPARE, buffer=1, overlap=0)
    assert (await here.tick(hours=17)).claimed == 0
    assert (await here.tick(hours=1)).made == 1
    states = {slot: key.state for slot, key in (await here.keys("life")).items()}
    assert states == {0: KeyState.ACTIVE, 1: KeyState.PUBLISHED}
    await here.tick(hours=6)
    states = {slot: key.state for slot, key in (await here.keys("life")).items()}
    assert states == {0: KeyState.VERIFY_ONLY, 1: KeyState.ACTIVE}
    first = (await here.keys("life"))[0]
    assert first.verify_until == first.window.end + timedelta(days=2)
    for _ in range(8):
        await here.tick(hours=6)
    first = (await here.keys("life"))[0]
    assert first.state is KeyState.DESTROY_SCHEDULED
    assert first.destroy_at == here.clock.now() + timedelta(days=7)
    assert first.key_id is not None
    assert here.signer.held[first.key_id].state is KeyState.DESTROY_SCHEDULED
    events = await here.events()
    assert events[:4] == ["IssuerCreated", "KeyScheduled", "KeyPublished", "KeyActivated"]
    assert events.count("KeyScheduled") == events.count("KeyPublished")
    assert {"KeyRetired", "KeyDestructionScheduled"} <= set(events)


async def test_one_issuer_that_fails_stops_no_other_and_is_tried_again(here: Here) -> None:
    for name in ("bad", "good", "away"):
        await here.create(name)
    here.signer.fails = {
        "bad": FailedPrecondition(Reason.TOKEN_UNAVAILABLE, "the token is full"),
        "away": Unavailable(Reason.PEER_UNAVAILABLE, "the signer is away"),
    }
    done = await here.tick(days=2)
    assert (done.claimed, done.made, done.failed) == (3, 1, 2)
    assert sorted(await here.keys("good")) == [0, 1, 2, 3]
    assert (await here.keys("bad"))[3].state is KeyState.PENDING
    assert (await here.events()).count("RotationFailed") == 2
    assert (await here.tick(milliseconds=900)).claimed == 0, "retried in a hot loop"
    here.signer.fails = {}
    done = await here.tick(seconds=1)
    assert (done.claimed, done.made, done.failed) == (2, 2, 0)
    assert (await here.keys("bad"))[3].state is KeyState.PUBLISHED
    assert await here.active("bad") == [1, 2]


async def test_a_refusal_by_the_signer_leaves_nothing(here: Here) -> None:
    here.signer.fails = {"refused": InvalidArgument.of("keys", "something else")}
    with pytest.raises(InvalidArgument):
        await here.create("refused")
    async with here.database.read() as work:
        assert await work.connection.fetchval("select count(*) from time_aware_issuer") == 0
        assert await work.connection.fetchval("select count(*) from time_aware_keys") == 0
    here.signer.fails = {}
    assert len(await here.create("refused")) == 3


def repeatable(request_id: str, **over: Any) -> Call:
    """A call that may be made again."""
    return replace(CALL, request_id=request_id, digest=b"the body", encode=lambda _: b"the answer", **over)


async def test_a_creation_that_was_cut_off_is_invisible_and_finished_by_the_job(here: Here) -> None:
    here.signer.fails = {"cut": Unavailable(Reason.PEER_UNAVAILABLE, "the signer is away")}
    for _ in range(2):
        with pytest.raises(Unavailable):
            await here.create("cut", repeatable("cut"))
    async with here.database.read() as work:
        assert await work.issuers.find("default", "cut") is None
        assert not await work.keys.page(None, "", (), None, 10)
    for other in (CALL, repeatable("other"), replace(repeatable("cut"), digest=b"another body")):
        with pytest.raises(AlreadyExists):
            await here.create("cut", other)
    here.signer.fails = {}
    await here.tick(seconds=61)
    assert sorted(await here.keys("cut")) == [0, 1, 2]
    assert (await here.events())[0] == "IssuerCreated"
    assert len(await here.create("cut", repeatable("cut"))) == 3, "the same request finds what the job has made"
    here.signer.fails = {"late": Unavailable(Reason.PEER_UNAVAILABLE, "the signer is away")}
    with pytest.raises(Unavailable):
        await here.create("late", repeatable("late"))
    here.signer.fails = {}
    assert len(await here.create("late", repeatable("late"))) == 3, "the same request takes it up"
    with pytest.raises(Replay):
        await here.create("late", repeatable("late"))
    with pytest.raises(AlreadyExists):
        await here.create("late")


async def test_creations_at_the_same_time_share_their_commits_and_not_their_fate(here: Here) -> None:
    app = App("rotator")
    here.creating = CreateIssuer(here.world, gathering(app))
    here.signer.fails = {
        "refused": InvalidArgument.of("keys", "something else"),
        "away": Unavailable(Reason.PEER_UNAVAILABLE, "the signer is away"),
    }
    callers = [repeatable(f"n{n}", caller=f"spiffe://sealwright/client/{n}", trace=f"trace {n}") for n in range(30)]
    creating = [here.create(f"issuer-{n}", call) for n, call in enumerate(callers)]
    creating += [here.create("twice", CALL), here.create("twice", CALL), here.create("refused"), here.create("away")]
    creating += [here.create("again", repeatable("again")), here.create("again", repeatable("again"))]
    results = await asyncio.gather(*creating, return_exceptions=True)
    assert [len(keys) for keys in results[:30] if isinstance(keys, list)] == [3] * 30
    kinds = [type(result) for result in results[30:]]
    assert {*kinds[:2]} == {AlreadyExists, list}
    assert kinds[2:4] == [InvalidArgument, Unavailable]
    assert {*kinds[4:]} == {list, Replay}
    async with here.database.read() as work:
        entries = await work.log.entries(0, 1000)
        assert [entry.position for entry in entries] == list(range(32 * 8))
        assert Counter(json.loads(entry.leaf)["type"] for entry in entries) == {
            "ISSUER_CREATED": 32, "KEY_SCHEDULED": 96, "KEY_PUBLISHED": 96, "KEY_ACTIVATED": 32,
        }  # fmt: skip
        audited = await work.connection.fetch("select caller, trace from audit_log where action = 'issuer.create'")
        assert {(row["caller"], row["trace"]) for row in audited} >= {(call.caller, call.trace) for call in callers}
        traces = await work.connection.fetch("select trace, count(*) from outbox group by 1")
        assert {(row["trace"], row["count"]) for row in traces} >= {(call.trace, 8) for call in callers}
        answers = await work.connection.fetchval("select count(*) from idempotency where method = $1", CALL.method)
        assert answers == 31
        assert (
            await work.connection.fetchval("select count(*) from time_aware_issuer where issuer_type = 'refused'") == 0
        )
    assert (await here.database.verify_audit()).whole
    begun = await here.transactions()
    await asyncio.gather(*(here.create(f"more-{n}") for n in range(30)))
    assert await here.transactions() - begun < 30, "each creation had transactions of its own"
    await app.stop()


async def test_rotate_now_brings_the_next_boundary_forward_once(here: Here) -> None:
    await here.create("now", mode=ScheduleMode.SPARE)
    await here.clock.advance(timedelta(hours=5))
    rotated = await rotate_now(here.world, CALL, "now", 1, 1)
    assert rotated.rotated
    assert rotated.key.window.start == here.clock.now()
    assert not (await rotate_now(here.world, CALL, "now", 1, 1)).rotated
    assert await here.active("now") == [1]
    keys = await here.keys("now")
    assert keys[0].state is KeyState.VERIFY_ONLY
    assert keys[0].window.end == START + timedelta(days=1), "no window is cut short"
    with pytest.raises(FailedPrecondition, match="rotate to slot 2"):
        await rotate_now(here.world, CALL, "now", 1, 0)
    assert keys[3].state is KeyState.PUBLISHED, "the key that was used up has been replaced before it was retired"
    assert (await here.tick(seconds=1)).made == 0
    # The slots that follow are where they were.
    await here.tick(days=2)
    assert await here.active("now") == [2]


async def test_rotate_now_makes_the_next_key_where_none_is_kept_ready(here: Here) -> None:
    await here.create("alone", buffer=1, overlap=0, duration=CalendarDuration(months=1))
    first = (await here.keys("alone"))[0]
    await here.clock.advance(timedelta(days=2))
    with pytest.raises(NotFound, match="no slot 2"):
        await rotate_now(here.world, CALL, "alone", 1, 2)
    assert list(await here.keys("alone")) == [0], "nothing was made for a slot that is not the next one"
    rotated = await rotate_now(here.world, CALL, "alone", 1, 1)
    assert rotated.rotated
    assert rotated.key.key_id not in {None, first.key_id}
    assert rotated.key.window.start == here.clock.now()
    assert await here.active("alone") == [1]
    assert (await here.keys("alone"))[0].state is KeyState.VERIFY_ONLY
    assert not (await rotate_now(here.world, CALL, "alone", 1, 1)).rotated
    assert (await here.tick(minutes=1)).made == 0
    # A key that the crash of a call left planned is made by the job; the repeated call finds it.
    here.signer.fails["alone"] = Unavailable(Reason.TOKEN_UNAVAILABLE, "away")
    with pytest.raises(Unavailable, match="away"):
        await rotate_now(here.world, CALL, "alone", 1, 2)
    here.signer.fails.clear()
    assert (await here.tick(minutes=1)).made == 1
    assert (await rotate_now(here.world, CALL, "alone", 1, 2)).rotated
    assert await here.active("alone") == [2]


async def test_however_often_it_was_rotated_the_active_keys_are_found(here: Here) -> None:
    await here.create("often", mode=ScheduleMode.SPARE, duration=CalendarDuration(months=12), overlap=0)
    for slot in range(1, 11):
        assert (await rotate_now(here.world, CALL, "often", 1, slot)).rotated
        await here.tick(minutes=1)
    found = await get_active_keys(here.world, CALL, "often", 1, None)
    assert [key.slot for key in found.active] == [10]
    assert [key.slot for key in found.signing] == [10, 11]
    # At a moment in the past it is what was active then.
    before = await get_active_keys(here.world, CALL, "often", 1, START + timedelta(minutes=3, seconds=30))
    assert [key.slot for key in before.active] == [4]
    with pytest.raises(NotFound, match="no cohort 2; it has 1"):
        await get_active_keys(here.world, CALL, "often", 2, None)


async def test_a_compromised_key_signs_no_more_and_the_next_slot_takes_over(here: Here) -> None:
    await here.create("leak", mode=ScheduleMode.SPARE)
    await here.clock.advance(timedelta(hours=5))
    out = await mark_compromised(here.world, CALL, "leak", 1, 0, "found on a laptop")
    assert out.key.state is KeyState.COMPROMISED
    assert out.successor is not None
    assert out.successor.slot == 1
    assert await here.active("leak") == [1]
    assert out.key.key_id is not None
    assert here.signer.held[out.key.key_id].state is KeyState.COMPROMISED
    again = await mark_compromised(here.world, CALL, "leak", 1, 0, "again")
    assert again.key.version == out.key.version
    assert len([key for key in (await here.keys("leak")).values() if key.signs]) == 3
    assert (await here.tick(seconds=1)).made == 0, "the call has made what was missing"
    assert (await here.events()).count("KeyCompromised") == 1


async def test_a_single_compromised_key_is_replaced_by_a_new_slot(here: Here) -> None:
    await here.create("only", mode=ScheduleMode.SPARE, buffer=1, overlap=0)
    out = await mark_compromised(here.world, CALL, "only", 1, 0, "")
    assert out.successor is not None
    assert out.successor.slot == 1
    assert await here.active("only") == [1]
    assert (await here.tick(seconds=1)).made == 0


async def test_a_paused_issuer_makes_no_keys_and_catches_up(here: Here) -> None:
    await here.create("pause")
    await change_issuer.pause_issuer(here.world, CALL, "pause")
    await here.tick(days=1)
    assert sorted(await here.keys("pause")) == [0, 1, 2]
    assert await here.active("pause") == [0, 1]
    await here.tick(days=5)
    assert await here.active("pause") == []
    await change_issuer.resume_issuer(here.world, CALL, "pause")
    await here.tick(seconds=1)
    assert await here.active("pause") == [5, 6]
    assert sorted(await here.keys("pause")) == [0, 1, 2, 5, 6, 7]


async def test_a_retired_issuer_signs_no_more_and_verifies_to_the_end_of_its_windows(here: Here) -> None:
    await here.create("retire")
    await here.clock.advance(timedelta(hours=30))
    await rotate(here.world)
    issuer = await change_issuer.retire_issuer(here.world, CALL, "retire")
    assert issuer.state is IssuerState.RETIRED
    keys = await here.keys("retire")
    assert {key.state for key in keys.values()} == {KeyState.VERIFY_ONLY}
    assert keys[0].window.end == START + timedelta(days=2)
    assert keys[0].verify_until == START + timedelta(days=4)
    assert keys[2].verify_until == here.clock.now(), "what never signed has nothing to verify"
    with pytest.raises(FailedPrecondition):
        await change_issuer.resume_issuer(here.world, CALL, "retire")
    await here.tick(days=1)
    assert (await here.keys("retire"))[2].state is KeyState.DESTROY_SCHEDULED
    assert max(await here.keys("retire")) == 2


async def test_an_expired_issuer_has_no_window_left(here: Here) -> None:
    await here.create("expire")
    await here.clock.advance(timedelta(hours=30))
    issuer = await change_issuer.expire_issuer(here.world, CALL, "expire")
    assert issuer.schedule.expires_at == here.clock.now()
    assert await here.active("expire") == []
    keys = await here.keys("expire")
    assert keys[0].window.end == here.clock.now()
    assert keys[1].window.end == here.clock.now()
    await here.tick(seconds=1)
    assert (await here.keys("expire"))[2].state is KeyState.DESTROY_SCHEDULED


async def test_an_issuer_expires_by_itself(here: Here) -> None:
    await here.create("until", expires_at=START + timedelta(days=2, hours=12))
    assert sorted(await here.keys("until")) == [0, 1, 2]
    for _ in range(6):
        await here.tick(hours=12)
    async with here.database.read() as work:
        issuer = await work.issuers.find("default", "until")
    assert issuer is not None
    assert issuer.state is IssuerState.EXPIRED
    keys = await here.keys("until")
    assert max(key.window.end for key in keys.values()) == START + timedelta(days=2, hours=12)
    assert await here.active("until") == []


async def test_privileged_deeds_are_audited(here: Here) -> None:
    await here.create("audit")
    await change_issuer.pause_issuer(here.world, CALL, "audit")
    await mark_compromised(here.world, CALL, "audit", 1, 0, "")
    async with here.database.read(system_call("test")) as work:
        rows = await work.connection.fetch("select action from audit_log order by seq")
    assert [row["action"] for row in rows] == ["issuer.create", "issuer.pause", "key.compromise"]
    assert (await here.database.verify_audit()).whole


@pytest.mark.promise(12)
async def test_a_key_is_public_long_before_it_signs_and_verifies_until_the_last_credential_expired(here: Here) -> None:
    """Verifiers that keep a directory for its whole max-age never meet a key they do not know."""
    name, directories = "cached", Directories(here.world)
    await here.create(name, mode=ScheduleMode.SPARE, buffer=1, overlap=0)
    copies: list[tuple[datetime, timedelta, set[int]]] = []
    for _ in range(24 * 12):
        await here.tick(minutes=30)
        found = await directories.get(CALL, Format.JWKS, name)
        listed = {key["slot"] for key in json.loads(found.document)["keys"]}
        copies.append((here.clock.now(), found.max_age, listed))
        active = await here.active(name)
        assert len(active) == 1
        # Every copy that is still fresh has the key that signs now, and every key whose signatures may still live.
        for taken, max_age, slots in copies:
            if here.clock.now() - taken <= max_age:
                assert set(active) <= slots
        for slot, key in (await here.keys(name)).items():
            if key.window.start <= here.clock.now() < key.window.end + timedelta(days=2):
                assert slot in listed, "an old key verifies until the last thing it signed has expired"
    for slot, key in (await here.keys(name)).items():
        if slot:
            assert key.published_at is not None
            assert key.window.start - key.published_at >= 2 * copies[0][1]


@pytest.mark.promise(28)
async def test_a_wrong_clock_rotates_nothing(here: Here) -> None:
    for wrong in (timedelta(minutes=11), timedelta(minutes=-11)):
        clock = ManualClock(datetime.now(UTC) + wrong)
        alarms = Alarms(here.database, timedelta(minutes=10), clock)
        assert alarms.ready() is None
        await alarms.look()
        assert alarms.ready() is not None
        rounds: list[Round] = []
        job = Job(here.world, 10, alarms.check, rounds.append)
        with pytest.raises(Unavailable) as refused:
            await job.run()
        assert refused.value.reason is Reason.CLOCK_SKEWED
        assert not rounds
        clock.set_wall(datetime.now(UTC))
        await alarms.look()
        await job.run()
        assert len(rounds) == 1


async def test_the_signer_has_the_last_word_on_the_end_of_a_key(here: Here) -> None:
    """Its events come in their order, some twice; a key that was to sign is replaced."""
    active, coming, _ = await here.create("ends", mode=ScheduleMode.SPARE)
    woken: list[bool] = []
    subscription = key_endings(here.world, lambda: woken.append(True))
    version = 0

    async def tell(message: type[Message], key: IssuerKey, **fields: Any) -> KeyState:
        nonlocal version
        version += 1
        payload = message(key=SignerKey(id=str(key.key_id), **fields)).SerializeToString()
        name = message.DESCRIPTOR.full_name
        event = Event(new_id(here.clock.now()), name, str(key.key_id), version, "default", here.clock.now(), payload)
        for _ in range(2):
            await subscription.handler([event], lambda _=None: here.database.begin_system("test"))
        return (await here.keys("ends"))[key.slot].state

    when = Timestamp()
    when.FromDatetime(here.clock.now() + timedelta(days=7))
    scheduled, cancelled, destroyed = KeyDestructionScheduled, KeyDestructionCancelled, KeyDestroyed
    assert await tell(scheduled, active, destroy_time=when) is KeyState.DESTROY_SCHEDULED
    assert woken == [True]
    assert (await here.tick(seconds=1)).made == 1
    assert await here.active("ends") == [coming.slot]
    assert await tell(cancelled, active, state=KEY_STATE_ACTIVE) is KeyState.VERIFY_ONLY
    assert active.key_id is not None
    assert here.signer.held[active.key_id].state is KeyState.VERIFY_ONLY, "it was replaced: it signs no more"
    kept = (await here.keys("ends"))[active.slot]
    assert (kept.verify_until, kept.destroy_at) == (active.window.end + timedelta(days=2), None)

    await here.tick(days=4)
    assert (await here.keys("ends"))[active.slot].state is KeyState.DESTROY_SCHEDULED
    assert await tell(cancelled, active, state=KEY_STATE_VERIFY_ONLY) is KeyState.VERIFY_ONLY
    await here.tick(days=30)
    assert (await here.keys("ends"))[active.slot].state is KeyState.VERIFY_ONLY, "kept on purpose"
    assert await tell(destroyed, active) is KeyState.DESTROYED
    assert await tell(cancelled, active) is KeyState.DESTROYED
    stranger = replace(active, key_id=new_id(here.clock.now()))
    await tell(destroyed, stranger)
    named = [name for name in await here.events() if name.startswith("KeyDest")]
    assert named[:2] == ["KeyDestructionScheduled", "KeyDestructionCancelled"]
    assert named.count("KeyDestroyed") == 1


async def test_a_key_is_compromised_although_no_other_can_be_made(here: Here) -> None:
    await here.create("drill")
    here.signer.fails = {"drill": Unavailable(Reason.TOKEN_UNAVAILABLE, "the token is away")}
    await mark_compromised(here.world, CALL, "drill", 1, 0, "")
    assert (await here.keys("drill"))[0].state is KeyState.COMPROMISED
    here.signer.fails = {}
    assert (await here.tick(seconds=1)).made == 1
