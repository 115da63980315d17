"""Attestations from outside, over real connections: a PostgreSQL of somebody else, and a plugin service."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from grpc import aio
from sealwright.plugin.v1 import attestation_source_service_pb2 as plugin_pb
from sealwright_common.domain.errors import InvalidArgument, Unavailable
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_sandbox.embedded.postgres import PostgresServer

from tests.support.certify import Issuing, rid, template_definition
from tests.support.certify_mesh import Outside

pytestmark = pytest.mark.timeout(180)

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "attestation_source" / "server.py"

SCHEMA = """
create role certify_reader login password 'reader';
create schema trade;
grant usage on schema trade to certify_reader;
create table trade."Company" (
    "holderDid" text, area text, signed boolean, level integer, share numeric, ratio double precision, founded date,
    checked timestamptz, tags text[], extra jsonb, note text
);
create table trade.secret (did text, claim text);
grant select on trade."Company" to certify_reader;
"""

COMPANY = {
    "dataSource": "register",
    "table": "trade.Company",
    "idColumn": "holderDid",
    "tenantColumn": "area",
    "columns": ["signed", "level", "share", "ratio", "founded", "checked", "tags", "extra"],
    "outputClaim": "company",
    "required": True,
}


class Register:
    """The register's database server, which is not certify's."""

    def __init__(self, server: PostgresServer, dsn: str) -> None:
        self.server = server
        self._dsn = dsn

    async def run(self, statement: str, *arguments: Any) -> None:
        """One statement, or several without arguments."""
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    async def enter(self, did: str, *, level: int = 3, area: str = "default") -> None:
        """One row."""
        await self.run(
            """insert into trade."Company" values ($1, $2, true, $3, 0.25, 'NaN', '2020-01-31',
               '2024-01-01 01:00+01', '{a,b}', '{"n": {"deep": 1}}', 'not for credentials')""",
            did,
            area,
            level,
        )


@pytest.fixture(scope="module")
async def register(outside: Outside, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Register]:
    """The register, at the address that certify was told."""
    with PostgresServer(tmp_path_factory.mktemp("register"), outside.database_port) as server:
        assert server.port == outside.database_port
        made = Register(server, server.create_database("register"))
        await made.run(SCHEMA)
        yield made


async def test_r19_a_row_of_another_database_comes_with_its_types(issuing: Issuing, register: Register) -> None:
    """R19: quoted names, typed values, only the columns that were named; a rule compares numbers as numbers."""
    await issuing.attestation("company", "database", COMPANY)
    rule = {"type": "expression", "configuration": {"claim": "company.level", "operator": "geq", "value": 3}}
    template = {"credentialSubject": {"company": {"$eval": "claims.company"}}}
    await issuing.define(template_definition("Company", attestations=["company"], rules=[rule], template=template))
    member, junior = f"c{rid()[:8]}", f"c{rid()[:8]}"
    await register.enter(issuing.holders.holder(member).did)
    await register.enter(issuing.holders.holder(junior).did, level=2)

    assert (await issuing.ask(member, "Company"))[0] == 201
    assert (await issuing.ask(junior, "Company"))[0] == 403
    claims = issuing.verify((await issuing.holders.wait(member, 1))[0].payloads[0]).claims
    assert claims["company"] == {
        "signed": True,
        "level": 3,
        "share": 0.25,
        "ratio": None,
        "founded": "2020-01-31",
        "checked": "2024-01-01T00:00:00Z",
        "tags": ["a", "b"],
        "extra": {"n": {"deep": 1}},
    }


async def test_r19_only_one_row_of_the_own_tenant_attests(issuing: Issuing, register: Register) -> None:
    """R19: nobody's row and another tenant's are 403; two rows, or a table it may not read, are our trouble: 503."""
    await issuing.attestation("company", "database", COMPANY)
    await issuing.attestation("hidden", "database", {"dataSource": "register", "table": "trade.secret"})
    await issuing.attestation("gone", "database", {"dataSource": "register", "table": "trade.nothing"})
    for id_ in ("company", "hidden", "gone"):
        template = {"credentialSubject": {"n": 1}}
        await issuing.define(template_definition(f"One-{id_}", attestations=[id_], template=template))
    name = f"c{rid()[:8]}"
    did = issuing.holders.holder(name).did
    assert (await issuing.ask(name, "One-company"))[0] == 403
    await register.enter(did, area="elsewhere")
    assert (await issuing.ask(name, "One-company"))[0] == 403
    await register.enter(did)
    assert (await issuing.ask(name, "One-company"))[0] == 201
    await register.enter(did)
    for id_ in ("company", "hidden", "gone"):
        status, headers, text = await _answer(issuing, name, f"One-{id_}")
        assert (status, int(headers["retry-after"]) >= 1) == (503, True)
        assert "trade" not in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"table": 'trade."Company"; drop table trade.secret'},
        {"table": "a.b.c"},
        {"idColumn": "did = '' or 1"},
        {"tenantColumn": "x y"},
        {"columns": ["*"]},
        {"columns": []},
        {"dataSource": "nobody"},
        {"outputClaim": ""},
        {"required": "yes"},
        {"where": "true"},
    ],
)
async def test_r18_what_is_no_name_is_refused_when_it_is_stored(issuing: Issuing, wrong: dict[str, Any]) -> None:
    """R18: names are names, whatever quoting would make of them; nothing unknown is taken and ignored."""
    with pytest.raises(InvalidArgument, match=next(iter(wrong))):
        await issuing.attestation("wrong", "database", {**COMPANY, **wrong})


async def test_r19_a_database_that_is_away_is_waited_for(issuing: Issuing, register: Register) -> None:
    """R19: killed, the register costs its own requests a 503 with Retry-After, and the others nothing."""
    await issuing.attestation("company", "database", COMPANY)
    template = {"credentialSubject": {"n": 1}}
    await issuing.define(template_definition("Away", attestations=["company"], template=template))
    name = await issuing.member()
    await register.enter(issuing.holders.holder(name).did)
    assert (await issuing.ask(name, "Away"))[0] == 201
    register.server.kill()
    try:
        status, headers, _ = await _answer(issuing, name, "Away")
        assert (status, int(headers["retry-after"]) >= 1) == (503, True)
        assert (await issuing.ask(name, "MembershipCredential"))[0] == 201
    finally:
        await asyncio.to_thread(register.server.start)
    await _served(issuing, name, "Away")


# ---- remote


def _example() -> Any:
    """The example's module, as somebody would copy it."""
    spec = importlib.util.spec_from_file_location("attestation_source", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Plugin:
    """The example as a process of somebody else would run it; it can be made to misbehave."""

    credentials: grpc.ServerCredentials
    address: str
    example: Any = field(default_factory=_example)
    answer: Any = None
    """An answer to give instead of its own; an exception is raised, an event is waited for."""
    asked: list[plugin_pb.EvaluateSourceRequest] = field(default_factory=list[plugin_pb.EvaluateSourceRequest])
    server: aio.Server | None = None

    async def start(self) -> None:
        """Serves."""
        plugin, base = self, self.example.AttestationSource

        class Watched(base):
            async def EvaluateSource(self, request: Any, context: Any) -> Any:
                plugin.asked.append(request)
                match plugin.answer:
                    case None:
                        return await base.EvaluateSource(self, request, context)
                    case asyncio.Event():
                        await plugin.answer.wait()
                        return plugin_pb.EvaluateSourceResponse()
                    case grpc.StatusCode():
                        return await context.abort(plugin.answer, "the secret text of the plugin")
                    case text:
                        return plugin_pb.EvaluateSourceResponse(claims_json=text)

        self.server, _ = await self.example.serve(self.address, Watched(), self.credentials)

    async def stop(self) -> None:
        """Ends."""
        if self.server is not None:
            await self.server.stop(0)
            self.server = None

    def know(self, did: str, **claims: Any) -> None:
        """Enters a company."""
        self.example.REGISTERS["trade"][did] = claims


@pytest.fixture(scope="module")
def plugin_credentials(small_mesh_folder: Path) -> grpc.ServerCredentials:
    """The plugin's certificate, of the mesh's authority; certify has to show its own."""
    tls = DevelopmentCa.open(small_mesh_folder / "ca").issue("client", "plugin")
    return grpc.ssl_server_credentials(
        [(tls.key.read_bytes(), tls.cert.read_bytes())], tls.ca.read_bytes(), require_client_auth=True
    )


@pytest.fixture
async def plugin(outside: Outside, plugin_credentials: grpc.ServerCredentials) -> AsyncIterator[Plugin]:
    """The plugin, running."""
    made = Plugin(plugin_credentials, f"127.0.0.1:{outside.plugin_port}")
    await made.start()
    yield made
    await made.stop()


REMOTE = {"plugin": "checks", "configuration": {"register": "trade"}, "outputClaim": "checks"}


async def _remote(issuing: Issuing, id_: str) -> None:
    await _stored(issuing, id_, REMOTE)
    rule = {"type": "expression", "configuration": {"claim": "checks.level", "operator": "geq", "value": 3}}
    template = {"credentialSubject": {"level": {"$eval": "claims.checks.level"}}}
    await issuing.define(template_definition(id_, attestations=[id_], rules=[rule], template=template))


async def _stored(issuing: Issuing, id_: str, configuration: dict[str, Any]) -> None:
    """Stores it; the connection may still be in its back-off after an earlier test's plugin."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await issuing.attestation(id_, "remote", configuration)
            except Unavailable:
                await asyncio.sleep(0.2)


async def test_r18_a_plugin_service_attests(issuing: Issuing, plugin: Plugin) -> None:
    """R18: a type without a redeploy: over mTLS it is asked about the holder, claims are typed, none is 403."""
    await _remote(issuing, "Checked")
    name, low, stranger = (f"c{rid()[:8]}" for _ in range(3))
    plugin.know(issuing.holders.holder(name).did, level=3)
    plugin.know(issuing.holders.holder(low).did, level=2)

    assert (await issuing.ask(name, "Checked"))[0] == 201
    assert (await issuing.ask(low, "Checked"))[0] == 403
    assert (await issuing.ask(stranger, "Checked"))[0] == 403
    payload = (await issuing.holders.wait(name, 1))[0].payloads[0]
    assert issuing.verify(payload).claims["level"] == 3
    first = plugin.asked[0]
    assert (first.tenant, first.attestation_id, first.holder_did) == (
        "default",
        "Checked",
        issuing.holders.holder(name).did,
    )
    assert json.loads(first.configuration_json) == {"register": "trade"}


async def test_r18_a_plugin_says_what_is_wrong_with_its_configuration(issuing: Issuing, plugin: Plugin) -> None:
    """R18: its own opinion counts when the definition is stored, beside ours."""
    await _stored(issuing, "fine", REMOTE)
    for wrong, named in (
        ({"configuration": {"register": "fish"}}, "trade"),
        ({"configuration": "trade"}, "object"),
        ({"plugin": "nobody"}, "checks"),
        ({"colour": "red"}, "colour"),
    ):
        with pytest.raises(InvalidArgument, match=named):
            await issuing.attestation("wrong", "remote", {**REMOTE, **wrong})


@pytest.mark.parametrize(
    "answer",
    [
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.NOT_FOUND,
        "no JSON",
        "[1]",
        '{"a": NaN}',
        '{"a": "' + "x" * 300_000 + '"}',
    ],
    ids=["fails", "not found", "no JSON", "no object", "no number", "too much"],
)
async def test_r18_what_is_no_answer_attests_nothing(issuing: Issuing, plugin: Plugin, answer: Any) -> None:
    """R18: whatever a plugin does wrong says nothing about the holder: 503, and none of its words."""
    await _remote(issuing, "Broken")
    name = f"c{rid()[:8]}"
    plugin.know(issuing.holders.holder(name).did, level=3)
    plugin.answer = answer
    status, headers, text = await _answer(issuing, name, "Broken")
    assert (status, int(headers["retry-after"]) >= 1) == (503, True)
    assert "secret" not in text
    plugin.answer = None
    await _served(issuing, name, "Broken")


async def test_r17_r18_a_plugin_has_its_time_and_no_more(issuing: Issuing, plugin: Plugin) -> None:
    """R17, R18: one that never answers is left after its time box; meanwhile others are served; away, it is 503."""
    await _remote(issuing, "Late")
    name = await issuing.member()
    plugin.answer = asyncio.Event()
    hanging = asyncio.create_task(_answer(issuing, name, "Late"))
    assert (await issuing.ask(name, "MembershipCredential"))[0] == 201
    assert not hanging.done()
    assert (await hanging)[0] == 503
    plugin.answer.set()

    await plugin.stop()
    assert (await _answer(issuing, name, "Late"))[0] == 503
    plugin.answer = None
    plugin.know(issuing.holders.holder(name).did, level=3)
    await plugin.start()
    await _served(issuing, name, "Late")


async def _answer(issuing: Issuing, name: str, definition: str) -> tuple[int, dict[str, str], str]:
    holder = issuing.holders.holder(name)
    return await issuing.post("/credentials", holder.request(rid(), [definition]), holder.token(issuing.did))


async def _served(issuing: Issuing, name: str, definition: str) -> None:
    """Asks again, as told to, until it is accepted."""
    async with asyncio.timeout(60):
        while (status := (await issuing.ask(name, definition))[0]) != 201:
            assert status == 503
            await asyncio.sleep(0.3)
