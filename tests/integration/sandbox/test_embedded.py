"""The embedded servers are real, keep their data and recover from being killed."""

import stat
from collections.abc import Callable
from pathlib import Path

import nats as nats_client
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.postgres import PostgresServer, create_database, execute
from sealwright_sandbox.embedded.softhsm import SoftHsm, Token, make_token

from tests.support.databases import Databases


def test_postgres_keeps_what_was_committed_before_a_kill(postgres_factory: Callable[[], PostgresServer]) -> None:
    server = postgres_factory()
    dsn = server.create_database("survivor")
    execute(dsn, "create table t (n int)", "insert into t values (42)")
    port = server.port
    server.kill()
    server.start()
    assert server.port == port
    assert execute(dsn, "select n from t") == "42"


def test_postgres_is_durable_and_asks_for_a_password(postgres: Databases, database_dsn: str) -> None:
    assert execute(database_dsn, "show fsync") == "on"
    assert (
        execute(database_dsn, "select setting from pg_settings where name = 'password_encryption'") == "scram-sha-256"
    )


def test_a_new_owner_stops_the_server_that_a_killed_one_left(tmp_path: Path) -> None:
    with PostgresServer(tmp_path / "with a space") as orphan:
        execute(orphan.dsn, "create database kept")
        with PostgresServer(tmp_path / "with a space") as successor:
            assert not orphan.running
            assert execute(successor.dsn, "select 1 from pg_database where datname = 'kept'") == "1"


def test_create_database_copies_a_template(postgres: Databases) -> None:
    with postgres.fresh("template") as template:
        execute(template, "create table t (n int)")
        with postgres.fresh("copy", template=template.rsplit("/", 1)[1]) as copy:
            assert execute(copy, "select count(*) from t") == "0"
            assert create_database(postgres.dsn, copy.rsplit("/", 1)[1]) == copy


async def test_nats_keeps_what_it_acknowledged_before_a_kill(nats_factory: Callable[[], NatsServer]) -> None:
    server = nats_factory()
    url = server.url
    client = await nats_client.connect(url)
    await client.jetstream().add_stream(name="kept", subjects=["kept.*"])
    await client.jetstream().publish("kept.one", b"x")
    await client.close()
    server.kill()
    server.start()
    assert server.url == url
    client = await nats_client.connect(url)
    assert (await client.jetstream().stream_info("kept")).state.messages == 1
    await client.close()


def test_secrets_are_closed_to_others(nats: NatsServer, token: Token) -> None:
    for file in (nats.folder / "password", nats.folder / "nats.conf", token.pin_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_is_found_again(softhsm: SoftHsm, tmp_path: Path) -> None:
    first = make_token(softhsm, tmp_path)
    made = sorted((tmp_path / "tokens").iterdir())
    again = make_token(softhsm, tmp_path)
    assert (again, again.pin) == (first, first.pin)
    assert sorted((tmp_path / "tokens").iterdir()) == made
