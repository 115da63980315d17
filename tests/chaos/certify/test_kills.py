"""kill -9 while credentials are issued: each holder has each credential once, each status index belongs to one.

Two instances of each service on one database; holders that ask at either door and repeat, under their holderPid, what
got no answer, as a careful holder does. Their tenant says that a finished holderPid stays finished (409), so that a
repeat that comes after the delivery makes no second credential. SEALWRIGHT_ISSUANCES raises the number of requests:
500 in a nightly run.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from sealwright_common.verify.jws import parse
from sealwright_sandbox.holder import SandboxHolders
from sealwright_sandbox.mesh.options import Service

from tests.support.certify import SEED, Issuing, template_definition
from tests.support.mesh import open_mesh

pytestmark = pytest.mark.timeout(600)

ISSUANCES = int(os.environ.get("SEALWRIGHT_ISSUANCES", "60"))
"""Requests, of two credentials each, while everything is killed once."""
AT_ONCE = 8
"""Holders that ask at a time."""
DEFINITIONS = ("MembershipCredential", "DataAuditCredential")
POINTS = ("certify.accepted", "certify.reserved", "certify.signed", "certify.generated", "certify.delivered")
FAULT = "SEALWRIGHT_FAULT"
TURNS = itertools.count()
"""Requests take turns at the doors."""


@pytest.fixture(scope="module")
async def storm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Issuing]:
    """A mesh of our own, whose processes we may kill."""
    services = (Service.SIGNER, Service.ROTATOR, Service.CERTIFY)
    settings = {
        "SEALWRIGHT_CERTIFY_LEASE": "PT4S",
        "SEALWRIGHT_CERTIFY_DOOR__REQUESTS_PER_SOURCE": "100000",
    }
    folder = tmp_path_factory.mktemp("storm")
    holders = SandboxHolders()
    await holders.start()
    environment = {Service.CERTIFY: settings}
    async with open_mesh(folder, services=services, instances=2, sandbox=False, environment=environment) as mesh:
        issuing = await Issuing.open(mesh, holders, "default", conflict_after_terminal=True)
        await issuing.define({**SEED, "validityPeriod": 3_600_000})
        await issuing.define(template_definition("DataAuditCredential"))
        await issuing.define({**SEED, "id": "Replacing", "validityPeriod": 3_600_000, "onReissue": "revokePrevious"})
        yield issuing
        await issuing.client.close()
    await holders.stop()


@pytest.mark.promise(1)
@pytest.mark.parametrize("point", POINTS)
async def test_r11_r28_one_of_two_dies_at_each_step(storm: Issuing, point: str) -> None:
    """R11, R28: at each of five named steps of an issuance one of two instances dies in mid-load, by its second pass.

    Every request that was accepted, and every one repeated for want of an answer, ends as one process with its two
    credentials, at its holder once; the other instance, or the dead one started anew, finishes what was begun.
    """
    child = storm.mesh.services[Service.CERTIFY][0].child
    child.env = {**(child.env or {}), FAULT: f"{point}:2"}
    await storm.mesh.restart(Service.CERTIFY, 0)
    child.env = {name: value for name, value in child.env.items() if name != FAULT}
    members: list[str] = []
    async with asyncio.TaskGroup() as group:
        async with asyncio.timeout(120):
            while child.running:
                wave = await _members(storm, 4)
                members += wave
                begun = [group.create_task(_persist(storm, name)) for name in wave]
                await asyncio.wait(begun, timeout=1)
        assert child.exit_code == -signal.SIGKILL
        await storm.mesh.restart(Service.CERTIFY, 0)
    await _each_once(storm, members)


@pytest.mark.promise(1)
@pytest.mark.promise(3)
@pytest.mark.promise(5)
async def test_r11_r28_everything_dies_once_while_credentials_are_issued(storm: Issuing) -> None:
    """R11, R28: SIGKILL to each certify, to both signers, to the broker and to the database during so many requests.

    Without one certify the other serves; without signers and without the broker requests are accepted all the same;
    without the database they are refused with 503 and Retry-After. In the end every holder has its two credentials,
    one of each definition, under status indices nobody else has, and every process told its steps once, in order.
    """
    mesh = storm.mesh
    members = await _members(storm, ISSUANCES)
    waiting = list(reversed(members))
    answered: list[str] = []

    async def holder() -> None:
        while waiting:
            name = waiting.pop()
            await _persist(storm, name)
            answered.append(name)

    async def more(count: int) -> None:
        """Returns when so many more requests were answered, or none are left."""
        wanted = min(len(answered) + count, len(members))
        while len(answered) < wanted:
            await asyncio.sleep(0.02)

    async def certify(number: int) -> None:
        mesh.kill(Service.CERTIFY, number)
        await more(2)
        await mesh.restart(Service.CERTIFY, number)

    async def signers() -> None:
        for number in range(2):
            mesh.kill(Service.SIGNER, number)
        await more(2)
        await asyncio.gather(*(mesh.restart(Service.SIGNER, number) for number in range(2)))

    async def broker() -> None:
        assert mesh.nats is not None
        await asyncio.to_thread(mesh.nats.kill)
        await more(2)
        await asyncio.to_thread(mesh.nats.start)

    async def database() -> None:
        assert mesh.postgres is not None
        await asyncio.to_thread(mesh.postgres.kill)
        await _refused_for_now(storm)
        await asyncio.to_thread(mesh.postgres.start)

    victims: list[Callable[[], Awaitable[None]]] = [lambda: certify(0), signers, lambda: certify(1)]
    victims += [broker] if mesh.nats is not None else []
    victims += [database] if mesh.postgres is not None else []
    async with asyncio.TaskGroup() as group, asyncio.timeout(60 + ISSUANCES):
        for _ in range(AT_ONCE):
            group.create_task(holder())
        for kill in victims:
            await more(len(members) // (len(victims) + 2))
            await kill()
    await _each_once(storm, members)


@pytest.mark.promise(1)
async def test_r4_what_is_replaced_is_revoked_once_after_the_delivery(storm: Issuing) -> None:
    """R4: an instance dies when the holder has the new credential and nothing says so yet: the previous one counts
    until another instance, or the same one later, has delivered once more; then it is revoked, once."""
    [name] = await _members(storm, 1)
    did = storm.holders.holder(name).did
    assert (await storm.holders.ask(name, doors(storm)[1], storm.did, ["Replacing"]))[0] == 201
    [old] = await _states(storm, did, delivered=1)

    child = storm.mesh.services[Service.CERTIFY][0].child
    child.env = {**(child.env or {}), FAULT: "certify.delivered"}
    await storm.mesh.restart(Service.CERTIFY, 0)
    child.env = {key: value for key, value in child.env.items() if key != FAULT}
    assert (await storm.holders.ask(name, doors(storm)[0], storm.did, ["Replacing"]))[0] == 201
    async with asyncio.timeout(60):
        while child.running:
            await asyncio.sleep(0.02)
    [now] = await _rows(
        storm,
        """select array(select state from credential where holder_did = $1) as credentials,
                  array(select state from issuance_process where holder_did = $1 order by id) as processes""",
        did,
    )
    # Nobody has taken it over yet, unless the machine is slower than the lease.
    assert (now["credentials"] == ["VALID", "VALID"]) is (now["processes"] == ["DELIVERED", "APPROVED"])
    assert len(storm.holders.holder(name).deliveries) >= 2

    await storm.mesh.restart(Service.CERTIFY, 0)
    states = await _states(storm, did, delivered=2)
    assert sorted(states.items()) == [(old, "REVOKED"), (max(states), "VALID")]
    told = "select 1 from outbox where aggregate_id = $1 and type like '%.CredentialRevoked'"
    assert len(await _rows(storm, told, str(old))) == 1
    audited = "select 1 from audit_log where action = 'credential.revoked' and target = $1"
    assert len(await _rows(storm, audited, str(old))) == 1


async def _states(issuing: Issuing, did: str, delivered: int = 0) -> dict[uuid.UUID, str]:
    """The states of a holder's credentials, once so many of its processes are delivered."""
    over = "select 1 from issuance_process where holder_did = $1 and state = 'DELIVERED'"
    async with asyncio.timeout(120):
        while len(await _rows(issuing, over, did)) < delivered:
            await asyncio.sleep(0.1)
    return {
        row["id"]: row["state"]
        for row in await _rows(issuing, "select id, state from credential where holder_did = $1", did)
    }


def doors(issuing: Issuing) -> list[str]:
    """The DCP base URL of each instance."""
    found = [running.listeners for running in issuing.mesh.services[Service.CERTIFY]]
    return [f"http://{listeners.http}/dcp/{issuing.tenant}" for listeners in found if listeners is not None]


async def _members(issuing: Issuing, count: int) -> list[str]:
    """Onboarded holders: rows of the attestation table, which need no running certify."""
    names = [f"h{uuid.uuid4().hex[:12]}" for _ in range(count)]
    await issuing.rows(
        "insert into attestation select 'default', did, $2, now(), now() from unnest($1::text[]) did",
        [issuing.holders.holder(name).did for name in names],
        '{"signedDocuments": true, "companyNumber": "DK-123"}',
    )
    return names


async def _persist(issuing: Issuing, name: str) -> None:
    """Asks at either door, always with the same holderPid, until it is accepted or known to be finished."""
    pid, urls = str(uuid.uuid4()), doors(issuing)
    async with asyncio.timeout(120):
        while True:
            try:
                status, _ = await issuing.holders.ask(
                    name, urls[next(TURNS) % 2], issuing.did, list(DEFINITIONS), holder_pid=pid
                )
            except (aiohttp.ClientError, OSError, TimeoutError):
                status = 0
            if status in (201, 409):
                return
            assert status in (0, 503, 504), status
            await asyncio.sleep(0.1)


async def _refused_for_now(issuing: Issuing) -> None:
    """Returns when a door said 503 with Retry-After to a good request."""
    holder = issuing.holders.holder("impatient")
    async with asyncio.timeout(60):
        while True:
            body = holder.request(str(uuid.uuid4()), list(DEFINITIONS))
            status, headers, _ = await issuing.post("/credentials", body, holder.token(issuing.did))
            if status == 503:
                assert int(headers["retry-after"]) >= 1
                return
            await asyncio.sleep(0.1)


async def _each_once(issuing: Issuing, members: list[str]) -> None:
    """Waits until every process of the holders is over, and compares what they hold with what was promised."""
    dids = {issuing.holders.holder(name).did: name for name in members}
    async with asyncio.timeout(180):
        while open_ := await _rows(
            issuing,
            """select state, phase, error_detail from issuance_process
               where holder_did = any($1) and state <> 'DELIVERED'""",
            list(dids),
        ):
            assert not [row for row in open_ if row["state"] == "ERRORED"], open_
            await asyncio.sleep(0.2)
    stored = await _rows(
        issuing,
        """select p.holder_did, p.id, c.payload from issuance_process p join credential c on c.process_id = p.id
           where p.holder_did = any($1)""",
        list(dids),
    )
    assert Counter(row["holder_did"] for row in stored) == dict.fromkeys(dids, len(DEFINITIONS))
    assert len({row["id"] for row in stored}) == len(members)
    places: list[tuple[str, str]] = []
    for did, name in dids.items():
        held = set(issuing.holders.holder(name).credentials())
        assert held == {row["payload"] for row in stored if row["holder_did"] == did}
        claims = [parse(payload).claims for payload in held]
        bodies: list[dict[str, Any]] = [one.get("vc", one) for one in claims]
        assert sorted(body["type"][-1] for body in bodies) == sorted(DEFINITIONS)
        places += [
            (body["credentialStatus"]["statusListCredential"], body["credentialStatus"]["statusListIndex"])
            for body in bodies
        ]
    assert len(set(places)) == len(places) == len(members) * len(DEFINITIONS)
    told = await _rows(
        issuing,
        "select aggregate_id, type from outbox where aggregate_id = any($1) order by seq",
        sorted({str(row["id"]) for row in stored}),
    )
    steps: dict[str, list[str]] = {}
    for row in told:
        steps.setdefault(row["aggregate_id"], []).append(row["type"].rpartition(".")[2])
    assert Counter(map(tuple, steps.values())) == {
        ("IssuanceApproved", "IssuanceGenerated", "IssuanceDelivered"): len(members)
    }


async def _rows(issuing: Issuing, statement: str, *arguments: Any) -> list[Any]:
    """Rows of the database, once it takes connections."""
    while True:
        try:
            return await issuing.rows(statement, *arguments)
        except OSError:
            await asyncio.sleep(0.1)
