"""Two instances of certify on one database: what one of them saw counts at the other, and after a restart."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from sealwright.certify.v1 import issuance_service_pb2 as issuance
from sealwright_sandbox.holder import SandboxHolders
from sealwright_sandbox.mesh.options import Service

from tests.support.certify import Issuing, more_running, rid, template_definition
from tests.support.mesh import open_mesh

pytestmark = pytest.mark.timeout(300)

USES = 1000
RATE = 2
"""Requests per second of one source and of one DID."""
FLOOD = 60
"""Requests that come at once."""
ROOM = 200
"""Running processes of one tenant."""


@dataclass(frozen=True)
class Answer:
    """What a door said, and when it was asked."""

    status: int
    retry_after: str
    at: float


@pytest.fixture(scope="module")
async def twins(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Issuing]:
    """Two processes of signer, rotator and certify, behind a proxy at this very address."""
    guards = {
        "SEALWRIGHT_CERTIFY_DOOR__REQUESTS_PER_SOURCE": str(RATE),
        "SEALWRIGHT_CERTIFY_DOOR__REQUESTS_PER_DID": str(RATE),
        "SEALWRIGHT_CERTIFY_DOOR__TRUSTED_PROXIES": '["127.0.0.1"]',
        "SEALWRIGHT_CERTIFY_DOOR__OPEN_PER_TENANT": str(ROOM),
        # What happens here happens because somebody was told.
        "SEALWRIGHT_CERTIFY_SWEEP_INTERVAL": "PT1H",
    }
    services = (Service.SIGNER, Service.ROTATOR, Service.CERTIFY)
    holders = SandboxHolders()
    await holders.start()
    folder = tmp_path_factory.mktemp("twins")
    async with open_mesh(
        folder, services=services, instances=2, sandbox=False, environment={Service.CERTIFY: guards}
    ) as mesh:
        issuing = await Issuing.open(mesh, holders, "default")
        yield issuing
        await issuing.client.close()
    await holders.stop()


def doors(issuing: Issuing) -> list[str]:
    """The DCP base URL of each instance."""
    found = [running.listeners for running in issuing.mesh.services[Service.CERTIFY]]
    return [f"http://{listeners.http}/dcp/{issuing.tenant}" for listeners in found if listeners is not None]


def sources() -> Callable[[], str]:
    """Gives a fresh address of an IPv6 network of its own at each call."""
    numbers = iter(range(1 << 16))
    return lambda: f"2001:db8:{next(numbers):x}::1"


fresh = sources()


async def post(session: aiohttp.ClientSession, door: str, body: Any, token: str, source: str) -> Answer:
    """A request for credentials that a proxy forwarded for ``source``."""
    headers = {"authorization": f"Bearer {token}", "x-forwarded-for": source}
    at = asyncio.get_running_loop().time()
    async with session.post(f"{door}/credentials", data=json.dumps(body), headers=headers) as reply:
        await reply.read()
        return Answer(reply.status, reply.headers.get("retry-after", ""), at)


async def get(session: aiohttp.ClientSession, door: str, forwarded: str) -> Answer:
    """The issuer's metadata, asked for through a proxy."""
    at = asyncio.get_running_loop().time()
    async with session.get(f"{door}/metadata", headers={"x-forwarded-for": forwarded}) as reply:
        await reply.read()
        return Answer(reply.status, reply.headers.get("retry-after", ""), at)


async def flood(requests: list[Coroutine[Any, Any, Answer]], taken: int) -> list[Answer]:
    """The answers to requests that come at once: no more than the rate allows was ``taken``, the rest has to wait."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(*requests)
    allowed = RATE * (loop.time() - began) + RATE
    counted = Counter(answer.status for answer in answers)
    assert set(counted) == {taken, 429}
    assert counted[taken] <= allowed + 1
    assert all(int(answer.retry_after) >= 1 for answer in answers if answer.status == 429)
    return answers


@pytest.mark.promise(22)
async def test_a_token_is_good_once_on_two_instances_and_after_a_restart(twins: Issuing) -> None:
    """1000 uses at once, from as many addresses, half at each instance: one is accepted; none is after a restart."""
    name = await twins.member()
    holder = twins.holders.holder(name)
    token = holder.token(twins.did)

    def use(session: aiohttp.ClientSession, door: str) -> Coroutine[Any, Any, Answer]:
        return post(session, door, holder.request(rid(), ["MembershipCredential"]), token, fresh())

    urls = doors(twins)
    assert len(urls) == 2
    async with aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*(use(session, urls[number % 2]) for number in range(USES)))
    statuses = [answer.status for answer in answers]
    assert statuses.count(201) == 1
    # Under such a flood an instance may shed; it never accepts twice.
    assert set(statuses) <= {201, 401, 503}
    for number in range(2):
        await twins.mesh.restart(Service.CERTIFY, number)
    async with aiohttp.ClientSession() as session:
        assert [(await use(session, door)).status for door in doors(twins)] == [401, 401]


@pytest.mark.promise(30)
async def test_r12_r27_a_holders_rate_holds_over_both_instances(twins: Issuing) -> None:
    """R12, R27: fresh tokens of one DID from many addresses at two doors: 429 with Retry-After past the rate of one."""
    name = await twins.member()
    holder = twins.holders.holder(name)
    urls = doors(twins)
    async with aiohttp.ClientSession() as session:
        await flood(
            [
                post(
                    session,
                    urls[number % 2],
                    holder.request(rid(), ["MembershipCredential"]),
                    holder.token(twins.did),
                    fresh(),
                )
                for number in range(FLOOD)
            ],
            taken=201,
        )
        # Somebody else's flood in its name costs a holder nothing: what is not proven is not counted.
        victim = twins.holders.holder(await twins.member())
        forged = [victim.token(twins.did)[:-8] + "AAAAAAAA" for _ in range(FLOOD)]
        body = victim.request(rid(), ["MembershipCredential"])
        answers = await asyncio.gather(
            *(post(session, urls[n % 2], body, token, fresh()) for n, token in enumerate(forged))
        )
        assert {answer.status for answer in answers} == {401}
        assert (await post(session, urls[0], body, victim.token(twins.did), fresh())).status == 201


@pytest.mark.promise(30)
async def test_r12_r27_a_sources_rate_holds_over_both_instances(twins: Issuing) -> None:
    """R12, R27: one address at two doors, whatever it writes into its own headers; another address is not touched."""
    urls = doors(twins)
    noisy = fresh()
    async with aiohttp.ClientSession() as session:
        answers = await flood(
            [get(session, urls[n % 2], f"198.51.100.{n}, {noisy}") for n in range(FLOOD)],
            taken=200,
        )
        assert (await get(session, urls[0], fresh())).status == 200
        last = max(answers, key=lambda answer: answer.at if answer.status == 429 else 0.0)
        # Whoever waits as long as it was told to is served.
        await asyncio.sleep(int(last.retry_after))
        assert (await get(session, urls[1], noisy)).status == 200


async def test_r31_requests_and_approvals_wake_the_workers(twins: Issuing) -> None:
    """R31: at either instance a request, and an approval, lead to a delivery while the sweepers sleep for an hour."""
    await twins.define(template_definition("Woken", approvalsRequired=1))
    async with aiohttp.ClientSession() as session:
        for door in doors(twins):
            name = await twins.member()
            holder = twins.holders.holder(name)
            body = holder.request(rid(), ["MembershipCredential"])
            assert (await post(session, door, body, holder.token(twins.did), fresh())).status == 201
            await twins.holders.wait(name, 1)
            body = holder.request(rid(), ["Woken"])
            assert (await post(session, door, body, holder.token(twins.did), fresh())).status == 201
            process = await twins.rows(
                "select id from issuance_process where holder_did = $1 and state = 'SUBMITTED'", holder.did
            )
            await twins.client.issuance.ApproveIssuance(
                issuance.ApproveIssuanceRequest(request_id=rid(), id=str(process[0]["id"]))
            )
            await twins.holders.wait(name, 2)


async def test_r12_r27_a_tenant_has_room_for_so_many_processes(twins: Issuing) -> None:
    """R12, R27: with its most processes running both doors answer 503 with Retry-After, and 201 once there is room."""
    await twins.define(template_definition("Waiting", approvalsRequired=1))
    async with aiohttp.ClientSession() as session:

        async def ask(door: str) -> Answer:
            holder = twins.holders.holder(await twins.member())
            return await post(session, door, holder.request(rid(), ["Waiting"]), holder.token(twins.did), fresh())

        assert (await ask(doors(twins)[0])).status == 201
        await more_running(twins, ROOM)
        for door in doors(twins):
            async with asyncio.timeout(60):
                # An instance counts every few seconds.
                while (answer := await ask(door)).status == 201:
                    await asyncio.sleep(0.5)
            assert answer.status == 503
            assert int(answer.retry_after) >= 1
        await twins.rows("update issuance_process set state = 'ERRORED', phase = null where state = 'SUBMITTED'")
        async with asyncio.timeout(60):
            while (await ask(doors(twins)[0])).status != 201:
                await asyncio.sleep(0.5)
