"""Where claims come from: PostgreSQL, CSV, HTTP, a plugin service, another issuer; and what audit plugins hear."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web
from grpc import aio
from sealwright.plugin.v1 import audit_service_pb2 as audit_pb
from sealwright.plugin.v1 import audit_service_pb2_grpc as audit_grpc
from sealwright_certify.adapters.formats.status_list import ListToken, pack, prepare_cwt, prepare_jwt
from sealwright_certify.adapters.oid4vci.outside import OutsideDocuments
from sealwright_certify.adapters.postgres.audit_follower import AuditFollower
from sealwright_certify.adapters.postgres_sources import DatabaseFactory, DataSources
from sealwright_certify.adapters.providers.attested import AttestedClaims
from sealwright_certify.adapters.providers.csv_file import CsvClaims
from sealwright_certify.adapters.providers.http_json import HttpClaims
from sealwright_certify.adapters.providers.plugin import PluginClaims
from sealwright_certify.adapters.providers.proxy import PluginIssuer
from sealwright_certify.codec.plugins import AuditPlugin
from sealwright_certify.usecases.oid4vci.ports import ClaimsRequest
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, Problem, Unavailable
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.status_lists import encoded_list
from sealwright_common.runtime.egress import Egress, EgressSettings
from sealwright_common.runtime.grpc import Channel, connect
from sealwright_common.verify.jws import parse
from sealwright_common.verify.sd_jwt import disclose, split
from sealwright_sandbox.oid4vci_wallet import Refused, Wallet, WalletKey

from tests.support.databases import Databases
from tests.support.oid4vci import Door, issuer_document, open_door

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def example(name: str) -> Any:
    """An example's module, as somebody would copy it."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / name / "server.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def question(settings: Mapping[str, Any], subject: str | None = "user-1") -> ClaimsRequest:
    return ClaimsRequest("default", "demo", "person", "person-sd", subject, (), settings, 5.0)


class AuditListener(audit_grpc.AuditServiceServicer):
    """An audit plugin that remembers."""

    def __init__(self) -> None:
        self.records: list[audit_pb.AuditRecord] = []

    async def RecordAudit(self, request: audit_pb.RecordAuditRequest, context: Any) -> audit_pb.RecordAuditResponse:
        self.records += request.records
        return audit_pb.RecordAuditResponse()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other() -> Any:
    return example("proxied_issuer").OtherIssuer()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def channels(other: Any) -> AsyncIterator[dict[str, Channel]]:
    provider, first = await example("data_provider").serve("127.0.0.1:0")
    issuer, second = await example("proxied_issuer").serve("127.0.0.1:0", other)
    made = {name: connect(f"127.0.0.1:{port}", name, None) for name, port in (("members", first), ("other", second))}
    yield made
    for channel in made.values():
        await channel.close()
    await provider.stop(0)
    await issuer.stop(0)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def lists() -> dict[str, str | bytes]:
    """Status lists by URL, as the other issuer serves them."""
    return {}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def door(
    module_database_dsn: str, channels: dict[str, Channel], other: Any, lists: dict[str, str | bytes]
) -> AsyncIterator[Door]:
    async def fetch(url: str) -> str | bytes:
        return lists[url]

    providers = {"plugin": PluginClaims(channels)}
    proxies = {"issuer-plugin": PluginIssuer(channels, fetch)}
    async with open_door(module_database_dsn, providers=providers, proxies=proxies) as opened:
        document = issuer_document()
        settings = {"plugin": "members", "settings": {"club": "rowing"}}
        document["datasets"]["person"]["source"] = {"type": "plugin", "settings": settings}
        document["datasets"]["member"] = {
            "source": {"type": "issuer-plugin", "settings": other.settings},
            "configurations": {"member": {"format": "jwt_vc_json", "types": ["MemberCredential"], "scope": "member"}},
        }
        await opened.store(document)
        yield opened


async def obtained(door: Door, configuration: str, subject: str, keys: int = 1) -> list[Any]:
    made = await door.offer(configuration, claims={}, subject=subject)
    async with Wallet(base=door.base) as wallet:
        opened = await wallet.open_offer(made.by_value)
        await wallet.redeem(opened)
        answer = await wallet.obtain(opened, configuration, [WalletKey() for _ in range(keys)])
        return [entry["credential"] for entry in answer["credentials"]]


async def test_a_plugin_service_gives_the_claims(door: Door) -> None:
    [credential] = await obtained(door, "person-sd", "user-2")
    jws, disclosures = split(credential)
    assert disclose(jws.claims, disclosures)["given_name"] == "Grace"
    with pytest.raises(Refused) as refused:
        await obtained(door, "person-sd", "nobody")
    assert refused.value.error == "credential_request_denied"


async def test_a_plugin_says_what_is_wrong_with_its_settings(door: Door) -> None:
    document = issuer_document(path="wrong")
    for settings, wrong in (
        ({"plugin": "members", "settings": {"club": "chess"}}, "rowing"),
        ({"plugin": "nobody"}, "members"),
        ({"plugin": "members", "more": 1}, "more"),
    ):
        document["datasets"]["person"]["source"] = {"type": "plugin", "settings": settings}
        with pytest.raises(InvalidArgument, match=wrong):
            await door.store(document)


async def test_credentials_of_another_issuer_are_passed_on_verified(door: Door, other: Any) -> None:
    credentials = await obtained(door, "member", "user-1", keys=2)
    assert len(credentials) == 2
    for credential in credentials:
        jws = parse(credential, "JWT")
        jws.verify(other.key.public)
        assert jws.claims["iss"] == "https://other-issuer.example"
    with pytest.raises(Refused) as refused:
        await obtained(door, "member", "user-2")
    assert refused.value.error == "credential_request_denied"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"nbf": 4102444800},
        {"cnf": {"jwk": WalletKey().public.jwk}},
        {"cnf": None},
        {"vc": {"type": ["VerifiableCredential", "Other"], "issuer": "https://other-issuer.example"}},
    ],
    ids=["issuer", "expired", "not yet", "another holder", "no holder", "type"],
)
async def test_what_does_not_verify_is_not_passed_on(
    door: Door, other: Any, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    make = type(other).credential
    monkeypatch.setattr(type(other), "credential", lambda self, jwk: make(self, jwk, **changes))
    with pytest.raises(Refused) as refused:
        await obtained(door, "member", "user-1")
    assert refused.value.error == "credential_request_denied"
    assert "evil" not in str(refused.value.body)


async def test_another_key_is_not_believed(door: Door, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other, "key", WalletKey())
    with pytest.raises(Refused):
        await obtained(door, "member", "user-1")


async def test_a_revoked_credential_is_not_passed_on(
    door: Door, other: Any, lists: dict[str, str | bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "https://other-issuer.example/status/1"
    subject = {"type": "BitstringStatusList", "statusPurpose": "revocation"}

    def published(*revoked: int) -> str:
        credential = {
            "type": ["VerifiableCredential", "BitstringStatusListCredential"],
            "issuer": "https://other-issuer.example",
            "credentialSubject": {**subject, "encodedList": encoded_list(131072, revoked, multibase=True)},
        }
        return other.key.jws({"typ": "vc+jwt", "kid": "other-1"}, credential)

    entry = {
        "type": "BitstringStatusListEntry",
        "statusListCredential": uri,
        "statusListIndex": "7",
        "statusPurpose": "revocation",
    }
    vc = {
        "type": ["VerifiableCredential", "MemberCredential"],
        "issuer": "https://other-issuer.example",
        "credentialStatus": entry,
    }
    make = type(other).credential
    monkeypatch.setattr(type(other), "credential", lambda self, jwk: make(self, jwk, vc=vc))
    lists[uri] = published(8)
    assert await obtained(door, "member", "user-1")
    lists[uri] = published(7)
    with pytest.raises(Refused):
        await obtained(door, "member", "user-1")


@pytest.mark.parametrize("form", [prepare_jwt, prepare_cwt], ids=["JWT", "CWT"])
async def test_token_status_lists_of_another_issuer_in_both_forms(
    door: Door, other: Any, lists: dict[str, str | bytes], monkeypatch: pytest.MonkeyPatch, form: Any
) -> None:
    uri = "https://other-issuer.example/tokens/1"
    vc = {
        "type": ["VerifiableCredential", "MemberCredential"],
        "issuer": "https://other-issuer.example",
        "credentialSubject": {},
    }
    status = {"status_list": {"idx": 3, "uri": uri}}
    make = type(other).credential
    monkeypatch.setattr(type(other), "credential", lambda self, jwk: make(self, jwk, vc=vc, status=status))
    signer = IssuerKey("other-1", KeyAlgorithm.ES256, other.key.public.jwk, "https://other-issuer.example", "other-1")

    def published(*revoked: int) -> str | bytes:
        now = datetime.now(UTC)
        packed = pack([(index, 1) for index in revoked], 1024, 1)
        message, assemble = form(ListToken(uri, packed, 1, now, now + timedelta(hours=1), 60), signer)
        return assemble(other.key.sign(message))

    lists[uri] = published(4)
    assert await obtained(door, "member", "user-1")
    for wrong in (published(3), b"\xd2", "no list"):
        lists[uri] = wrong
        with pytest.raises(Refused):
            await obtained(door, "member", "user-1")


async def test_audit_plugins_hear_every_row_once_in_order(door: Door) -> None:
    listener = AuditListener()
    server = aio.server()
    audit_grpc.add_AuditServiceServicer_to_server(listener, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    await obtained(door, "person-sd", "user-2")
    async with connect(f"127.0.0.1:{port}", "audit", None) as channel:
        follower = AuditFollower(door.database, "audit", AuditPlugin(channel))
        while await follower.run():
            pass
        async with door.database.connection() as connection:
            actions = [row["action"] for row in await connection.fetch("select action from audit_log order by seq")]
        assert [record.action for record in listener.records] == actions
        assert {"oid4vci.issuer.store", "oid4vci.offer.create", "oid4vci.credential.issue"} <= set(actions)
        assert {r.outcome for r in listener.records if r.action == "oid4vci.credential.deny"} == {"DENIED"}
        assert not any("Grace" in str(record) or "user-1" in str(record) for record in listener.records)
        await obtained(door, "person-sd", "user-1")
        count = len(listener.records)
        await follower.run()
        assert len(listener.records) > count
    await server.stop(0)


async def test_postgresql(postgres: Databases, door: Door) -> None:
    with postgres.fresh() as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute('create table "people" (id text, "Given name" text, age int, tags jsonb)')
        await connection.execute("""insert into people values ('user-1', 'Ada "; drop', 35, '["a"]')""")
        await connection.close()
        sources = DataSources({"registry": dsn})
        provider = AttestedClaims(DatabaseFactory(door.database, sources))
        settings = {"dataSource": "registry", "table": "people", "idColumn": "id", "columns": ["Given", "age", "tags"]}
        assert await provider.problems({**settings, "table": "people; drop table people"})
        settings["columns"] = ["age", "tags"]
        assert await provider.problems(settings) == []
        assert await provider.fetch(question(settings)) == {"age": 35, "tags": ["a"]}
        assert await provider.fetch(question(settings, "' or 1=1 --")) is None
        assert await provider.fetch(question(settings, None)) is None
        await sources.stop()


async def test_csv(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text('id,name,age,member\nuser-1,"Ada, Countess",35,true\nuser-2,Grace,,false\n', "utf-8")
    provider = CsvClaims({"people": file})
    settings = {
        "file": "people",
        "key_column": "id",
        "columns": {"given_name": "name", "age": "age", "member": "member"},
        "types": {"age": "integer", "member": "boolean"},
    }
    assert await provider.problems(settings) == []
    assert len(await provider.problems({"file": "/etc/passwd", "types": {"a": "code"}, "x": 1})) == 5
    assert await provider.fetch(question(settings)) == {"given_name": "Ada, Countess", "age": 35, "member": True}
    assert await provider.fetch(question(settings, "user-2")) == {"given_name": "Grace", "member": False}
    assert await provider.fetch(question(settings, "user-3")) is None
    file.write_text("id,name,age,member\nuser-1,Eve,old,true\n", "utf-8")
    with pytest.raises(FailedPrecondition):
        await provider.fetch(question(settings))
    file.unlink()
    with pytest.raises(Unavailable):
        await provider.fetch(question(settings))


async def test_http() -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        match request.match_info["id"]:
            case "user-1":
                return web.json_response({"person": {"name": "Ada", "roles": [{"id": 5}]}})
            case "busy":
                return web.Response(status=503)
            case "text":
                return web.Response(text="no JSON")
            case "moved":
                return web.Response(status=302, headers={"Location": "http://169.254.169.254/"})
            case _:
                return web.Response(status=404)

    application = web.Application()
    application.router.add_get("/people/{id}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    egress = Egress(EgressSettings(allow_hosts=[f"{host}:{port}"]))
    await egress.start()
    provider = HttpClaims(OutsideDocuments(egress).get, {"api": "secret"})
    base = f"http://{host}:{port}/people/{{subject}}"
    settings = {"url": base, "claims": {"given_name": "person.name", "role": "person.roles[0].id"}, "token": "api"}
    assert await provider.problems(settings) == []
    assert len(await provider.problems({"url": "http://{subject}/", "claims": {"a": "."}, "token": "x", "y": 1})) >= 4
    assert await provider.fetch(question(settings)) == {"given_name": "Ada", "role": 5}
    assert seen[0].headers["Authorization"] == "Bearer secret"
    assert await provider.fetch(question(settings, "../secret?x=1")) is None
    assert seen[-1].raw_path.startswith("/people/..%2Fsecret%3Fx")
    for subject, expected in (("busy", Unavailable), ("text", FailedPrecondition), ("moved", FailedPrecondition)):
        with pytest.raises(expected):
            await provider.fetch(question(settings, subject))
    inside = HttpClaims(OutsideDocuments(egress).get, {})
    with pytest.raises(Problem):
        await inside.fetch(question({"url": "http://169.254.169.254/{subject}", "claims": {"a": "a"}}))
    await egress.stop()
    await runner.cleanup()


async def test_a_provider_that_is_away_tells_the_wallet_to_try_again(door: Door) -> None:
    away = PluginClaims({"members": connect("127.0.0.1:1", "members", None)})
    request = question({"plugin": "members", "settings": {"club": "rowing"}})
    with pytest.raises(Unavailable):
        await away.fetch(ClaimsRequest(**{**{f: getattr(request, f) for f in request.__slots__}, "remaining": 0.3}))
