"""The database part against a real PostgreSQL: late start, transactions, failures, migrations, housekeeping."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from sealwright_common.domain.call import system_call
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.app import App
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db import Database, MigrationError, UnitOfWork, violated_constraint
from sealwright_common.runtime.db.housekeeping import Retention, clean
from sealwright_common.runtime.db.migrate import RUNTIME
from sealwright_sandbox.embedded.ports import free_port
from sealwright_sandbox.embedded.postgres import PostgresServer

from tests.integration.runtime_data.probe import EVENTS, MIGRATIONS, PENDING, make_database, running, until, value


async def test_what_commits_commits_together(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        async with database.begin_system("test") as work:
            await work.change("a", 3)
            work.audit("thing.change", "a", times=3)
        with pytest.raises(RuntimeError, match="changed my mind"):  # noqa: PT012
            async with database.begin_system("test") as work:
                await work.change("b", 3)
                work.audit("thing.change", "b")
                raise RuntimeError("changed my mind")
    assert await value(database_dsn, EVENTS) == 3
    assert await value(database_dsn, PENDING) == 3
    assert await value(database_dsn, "select count(*) from thing") == 1
    assert await value(database_dsn, "select count(*) from audit_log") == 1


async def test_a_caller_that_gives_up_during_the_commit_does_not_stop_it(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        reached = asyncio.Event()

        async def work_on_it() -> None:
            async with database.begin_system("test") as work:
                # The commit runs the trigger below, so it is still running when the caller gives up.
                await work.change("a")
                reached.set()

        connection = await asyncpg.connect(database_dsn)
        await connection.execute(
            """create function slow() returns trigger language plpgsql as
            'begin perform pg_sleep(0.3); return null; end';
            create constraint trigger slow after insert on thing deferrable initially deferred
            for each row execute function slow()"""
        )
        task = asyncio.create_task(work_on_it())
        await reached.wait()
        await until(lambda: _asleep(connection))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await connection.close()
        assert await value(database_dsn, "select count(*) from thing") == 1
        assert await value(database_dsn, PENDING) == 1


async def _asleep(connection: asyncpg.Connection) -> bool:
    return True is await connection.fetchval("select exists(select from pg_stat_activity where wait_event = 'PgSleep')")


async def test_a_read_cannot_write(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with database.read() as work:
                await work.connection.execute("delete from thing")
        async with database.read() as work:
            assert await work.connection.fetchval("show timezone") == "UTC"
            assert await work.connection.fetchval("show statement_timeout") == "15s"


async def test_a_broken_constraint_is_named_and_left_to_the_adapter(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        with pytest.raises(asyncpg.UniqueViolationError) as caught:
            async with database.begin_system("test") as work:
                await work.connection.execute("insert into thing values ('a', 1), ('a', 2)")
    assert violated_constraint(caught.value) == "thing_pkey"


async def test_conflicting_transactions_get_unavailable_and_a_time_to_retry(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        async with database.begin_system("test") as work:
            await work.change("a")
            await work.change("b")
        first_locked, second_locked = asyncio.Event(), asyncio.Event()

        async def lock(mine: str, other: str, done: asyncio.Event, wait_for: asyncio.Event) -> None:
            async with database.begin_system("test") as work:
                await work.change(mine)
                done.set()
                await wait_for.wait()
                await work.change(other)

        results = await asyncio.gather(
            lock("a", "b", first_locked, second_locked),
            lock("b", "a", second_locked, first_locked),
            return_exceptions=True,
        )
    problems = [result for result in results if result is not None]
    assert len(problems) == 1
    assert isinstance(problems[0], Unavailable)
    assert problems[0].reason is Reason.CONFLICT
    assert problems[0].retry_after


@pytest.mark.promise(5)
async def test_a_late_database_is_waited_for_and_a_killed_one_comes_back(
    postgres_factory: Callable[[], PostgresServer],
) -> None:
    server = postgres_factory()
    dsn = server.create_database("late")
    server.stop()
    database = make_database(dsn)
    async with running(database):
        assert "unreachable" in (database.ready() or "")
        with pytest.raises(Unavailable) as early:
            async with database.begin_system("test"):
                pass
        assert early.value.retry_after
        await asyncio.to_thread(server.start)
        async with asyncio.timeout(30):
            await database.wait_available()
        acknowledged = 0
        refused: list[Exception] = []

        async def write() -> None:
            nonlocal acknowledged
            while len(refused) < 3:
                try:
                    async with database.begin_system("test") as work:
                        await work.change("a")
                    acknowledged += 1
                except Exception as error:  # noqa: BLE001 - whatever it was is checked below
                    refused.append(error)
                    await asyncio.sleep(0.01)

        writer = asyncio.create_task(write())
        await until(lambda: acknowledged > 20)
        await asyncio.to_thread(server.kill)
        await writer
        assert all(isinstance(error, Unavailable) and error.retry_after for error in refused), refused
        await asyncio.to_thread(server.start)
        began = asyncio.get_running_loop().time()
        await until(lambda: database.ready() is None, 30)
        async with database.begin_system("test") as work:
            await work.change("b")
        assert asyncio.get_running_loop().time() - began < 5
        stored = await value(dsn, "select version from thing where id = 'a'")
        # A commit whose acknowledgement was cut off may be there too; an acknowledged one must be.
        assert acknowledged <= stored <= acknowledged + 1


@pytest.mark.promise(5)
async def test_a_silent_database_does_not_hold_its_callers(postgres_factory: Callable[[], PostgresServer]) -> None:
    server = postgres_factory()
    database = make_database(server.create_database("silent"))
    async with running(database):
        stopped = [server.pid]
        try:
            async with database.begin_system("test") as work:
                await work.change("a")
                stopped += children_of(server.pid)
                for pid in stopped:
                    os.kill(pid, signal.SIGSTOP)
                with pytest.raises(Unavailable):
                    async with asyncio.timeout(20), database.begin_system("other") as other:
                        await other.change("b")
            pytest.fail("committed on a server that stands still")
        except Unavailable:
            pass
        finally:
            for pid in reversed(stopped):
                os.kill(pid, signal.SIGCONT)
        await until(lambda: database.ready() is None)
        async with database.begin_system("test") as work:
            await work.change("c")


def children_of(parent: int) -> list[int]:
    """The processes that ``parent`` started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(after_name[1]) == parent:
            found.append(int(status.parent.name))
    return found


@pytest.mark.promise(5)
async def test_a_server_that_became_a_replica_is_left(database_dsn: str) -> None:
    name = database_dsn.rsplit("/", 1)[1]
    connection = await asyncpg.connect(database_dsn)
    database = make_database(database_dsn)

    async def change() -> None:
        async with database.begin_system("test") as work:
            await work.change("a")

    async with running(database):
        await change()
        # Connections made from now on see a server that only reads, as one that was demoted.
        await connection.execute(f'alter database "{name}" set default_transaction_read_only = on')
        async with database.connection() as pooled:
            await pooled.execute("set default_transaction_read_only = on")
        refusals = 0
        for _ in range(3):
            try:
                await change()
            except Unavailable as refused:
                refusals += 1
                assert "failing over" in refused.message  # noqa: PT017 - some of the pool's connections still write
                await connection.execute(f'alter database "{name}" set default_transaction_read_only = off')
        await change()
        assert refusals == 1
    await connection.close()


async def test_a_database_that_never_comes_is_reported(tmp_path: Path) -> None:
    database = make_database(f"postgresql://nobody:secret-word@127.0.0.1:{free_port(None)}/nothing")
    async with running(database):
        assert database.ready()
        assert "secret-word" not in (database.ready() or "")


async def test_three_starters_at_once_migrate_once(database_dsn: str) -> None:
    databases = [make_database(database_dsn, name=f"database{n}") for n in range(3)]
    async with running():
        await asyncio.gather(*(database.start() for database in databases))
        assert [database.ready() for database in databases] == [None] * 3
        for database in databases:
            await database.stop()
    applied = await value(database_dsn, "select array_agg(name order by owner, number) from schema_migration")
    assert applied == [*sorted(file.name for file in RUNTIME.folder.iterdir()), "0001_probe.sql"]


async def test_a_changed_migration_is_refused_and_named(database_dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "0001_probe.sql"
    file.write_text((MIGRATIONS / "0001_probe.sql").read_text())
    settings = DatabaseSettings(dsn=SecretStr(database_dsn))

    def database() -> Database[UnitOfWork]:
        return Database(settings, work=UnitOfWork, encode_event=lambda _: None, migrations=tmp_path)  # type: ignore

    async with running(database()):
        pass
    (tmp_path / "0002_more.sql").write_text("create table more (id int)")
    async with running(database()):
        pass
    assert await value(database_dsn, "select count(*) from more") == 0
    (tmp_path / "0002_more.sql").write_text("create table more (id bigint)")
    with pytest.raises(MigrationError, match=r"service/0002_more\.sql was changed"):
        await database().start()
    # An older release does not know number 2 and goes on.
    (tmp_path / "0002_more.sql").unlink()
    async with running(database()):
        pass
    (tmp_path / "0003_gap.sql").write_text("select 1")
    with pytest.raises(MigrationError, match="expected number 0002"):
        await database().start()


async def test_a_migration_refused_by_a_late_database_stops_the_service(
    postgres_factory: Callable[[], PostgresServer], tmp_path: Path
) -> None:
    server = postgres_factory()
    dsn = server.create_database("late")
    (tmp_path / "0001_bad.sql").write_text("select no_such_function()")
    server.stop()
    settings = DatabaseSettings(dsn=SecretStr(dsn))
    app = App("test")
    database = app.add(Database(settings, work=UnitOfWork, encode_event=lambda _: None, migrations=tmp_path))  # type: ignore
    running_app = asyncio.create_task(app.run())
    await until(lambda: "unreachable" in (database.ready() or ""))
    await asyncio.to_thread(server.start)
    with pytest.raises(MigrationError, match=r"0001_bad\.sql"):
        await asyncio.wait_for(running_app, 10)


async def test_a_failing_migration_leaves_nothing(database_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "0001_bad.sql").write_text("create table half (id int); select no_such_function()")
    settings = DatabaseSettings(dsn=SecretStr(database_dsn))
    database = Database(settings, work=UnitOfWork, encode_event=lambda _: None, migrations=tmp_path)  # type: ignore
    with pytest.raises(MigrationError, match=r"0001_bad\.sql"):
        await database.start()
    assert await value(database_dsn, "select to_regclass('half') is null")
    assert await value(database_dsn, "select to_regclass('outbox') is not null")


async def test_housekeeping_deletes_what_served_its_time_and_nothing_else(database_dsn: str) -> None:
    database = make_database(database_dsn)
    async with running(database):
        async with database.begin_system("test") as work:
            await work.change("a", 12_000)
        connection = await asyncpg.connect(database_dsn)
        await connection.execute("delete from outbox_pending where seq <= 11000")
        await connection.execute("update outbox set recorded_at = recorded_at - interval '80 hours' where seq <= 11500")
        await connection.execute(
            """insert into inbox select 'c', gen_random_uuid(), now() - interval '15 days' * (n % 2)
               from generate_series(1, 100) n;
               insert into idempotency select 't', 'c', 'm', n::text, '', '', now() - interval '3 days' * (n % 2)
               from generate_series(1, 100) n"""
        )
        deleted = await clean(connection, Retention(timedelta(hours=72), timedelta(days=14), timedelta(hours=48)))
        # Unpublished rows stay however old they are.
        assert deleted == {"outbox": 11_000, "inbox": 50, "answers": 50}
        assert await connection.fetchval("select count(*) from outbox") == 1000
        await connection.close()


def test_an_inbox_that_forgets_before_the_outbox_is_refused() -> None:
    with pytest.raises(ValueError, match="handled twice"):
        DatabaseSettings(dsn=SecretStr("postgresql://x"), outbox_retention=timedelta(days=8))


async def test_the_deadline_of_the_call_bounds_the_wait_for_a_connection(database_dsn: str) -> None:
    settings = DatabaseSettings(dsn=SecretStr(database_dsn), pool_size=1)
    database = Database(settings, work=UnitOfWork, encode_event=lambda _: None)  # type: ignore
    async with running(database):
        async with database.begin_system("test"):
            call = system_call("second")
            hurried = type(call)(caller=call.caller, deadline=asyncio.get_running_loop().time() + 0.1)
            began = asyncio.get_running_loop().time()
            with pytest.raises(Unavailable):
                async with database.begin(hurried):
                    pass
            assert asyncio.get_running_loop().time() - began < 1
