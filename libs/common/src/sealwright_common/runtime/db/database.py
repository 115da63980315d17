"""The database part: pools that wait for a late server, migrations, units of work, housekeeping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import asyncpg
import structlog

from sealwright_common.domain.call import Call, system_call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Problem, Reason, Unavailable
from sealwright_common.domain.tenants import DEFAULT_TENANT
from sealwright_common.runtime import audit, idempotency
from sealwright_common.runtime.clock import SystemClock
from sealwright_common.runtime.config import DatabaseSettings
from sealwright_common.runtime.db.connection import Connection
from sealwright_common.runtime.db.failures import RETRY_AFTER, database_failures
from sealwright_common.runtime.db.housekeeping import Retention, clean
from sealwright_common.runtime.db.migrate import RUNTIME, MigrationError, MigrationSet, migrate
from sealwright_common.runtime.db.work import EncodeEvent, UnitOfWork
from sealwright_common.runtime.telemetry.context import current_traceparent

if TYPE_CHECKING:
    from sealwright_common.runtime.app import App

log = structlog.get_logger(__name__)

# How talking to a database may fail; anything else is a fault of ours and must be seen.
_FAILURES = (
    Problem,
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)

W = TypeVar("W", bound=UnitOfWork)

_ACQUIRE_SECONDS = 5.0
_CONNECT_SECONDS = 3.0
_PROBE_SECONDS = 1.0
_SILENT_PROBES = 2
_HOUSEKEEPING = timedelta(minutes=1)
_SESSION: dict[str, str] = {
    "application_name": "sealwright",
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
}


class Database(Generic[W]):
    """A service's own database.

    ``work`` is the service's unit of work, ``encode_event`` turns its domain events into messages, ``migrations`` is
    the folder with its SQL files, ``session`` PostgreSQL settings of its own. The part starts without the server: until
    it answers and is migrated, ``ready`` says why and every unit of work raises Unavailable. A wrong migration stops
    the service at start.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        work: type[W],
        encode_event: EncodeEvent,
        migrations: Traversable | Path | None = None,
        clock: Clock | None = None,
        session: Mapping[str, str] | None = None,
        name: str = "database",
    ) -> None:
        self.name = name
        self._dsn = settings.dsn
        self._pool_size = settings.pool_size
        self._work = work
        self._encode_event = encode_event
        self._sets = [RUNTIME] if migrations is None else [RUNTIME, MigrationSet("service", migrations)]
        self._clock = clock or SystemClock()
        self._retention = Retention(
            outbox=settings.outbox_retention, inbox=settings.inbox_retention, answers=settings.answer_retention
        )
        self._session = {
            **_SESSION,
            **(session or {}),
            "statement_timeout": _milliseconds(settings.statement_timeout),
            "lock_timeout": _milliseconds(settings.lock_timeout),
        }
        self._pool: asyncpg.Pool | None = None
        self._reading: asyncpg.Pool | None = None
        self._why_not: str | None = "not started"
        self._available = asyncio.Event()
        self._app: App | None = None
        self._probing: asyncpg.Connection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._on_commit: list[Callable[[], None]] = []

    def attach(self, app: App) -> None:
        """Lets a migration that is refused when the server comes late stop the service."""
        self._app = app

    # -- the part -----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connects and migrates if the server is there, else goes on trying. Raises MigrationError on a wrong file."""
        self._why_not = "connecting"
        try:
            await self._open()
        except _FAILURES as error:
            self._note(error)
        self._tasks = [
            asyncio.create_task(self._keep_watch(), name=f"{self.name} watch"),
            asyncio.create_task(self._keep_house(), name=f"{self.name} housekeeping"),
        ]

    async def stop(self) -> None:
        """Ends the background work and closes the pool; running transactions get five seconds."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []
        self._available.clear()
        self._why_not = "stopped"
        if self._probing is not None:
            self._probing.terminate()
        pools, self._pool, self._reading = self._pools, None, None
        try:
            async with asyncio.timeout(5):
                await asyncio.gather(*(pool.close() for pool in pools))
        except TimeoutError:
            log.warning("transactions were cut off at shutdown", part=self.name)
            for pool in pools:
                pool.terminate()

    def ready(self) -> str | None:
        """None while the database answers, else why not."""
        return self._why_not

    async def wait_available(self) -> None:
        """Returns once the database is connected and migrated; it may go away again later."""
        await self._available.wait()

    # -- transactions -------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def begin(self, call: Call) -> AsyncGenerator[W, None]:
        """One transaction for ``call``: commits what was done, emitted, audited and answered together, or nothing.

        Raises :class:`idempotency.Replay` if the call's request id was answered before, AlreadyExists if it was used
        for another body, Unavailable (with retry_after) if the database is away or another transaction got in between.
        The commit completes even if the caller gives up meanwhile.
        """
        async with self._primary(), self._connection(call, self._pool) as connection:
            async with self._transaction(connection) as transaction:
                with database_failures(sockets=True):
                    await idempotency.claim(connection, call)
                trace = current_traceparent() or call.trace
                work = self._work(connection, call, self._clock.now(), self._encode_event, trace)
                yield work
                with database_failures(sockets=True):
                    await _to_the_end(self._commit(work, transaction))
        if work.emitted:
            for wake in self._on_commit:
                wake()

    @asynccontextmanager
    async def read(self, call: Call | None = None) -> AsyncGenerator[W, None]:
        """Reads: each statement sees what committed before it; nothing can be changed.

        Each is a transaction of its own, on a connection that only reads: beginning and ending one around them would
        cost two round trips and keep nothing together, as statements see new commits inside of it, too.
        """
        call = call or system_call("read")
        async with self._connection(call, self._reading) as connection:
            yield self._work(connection, call, self._clock.now(), self._encode_event, call.trace)

    def begin_system(self, name: str, tenant: str = DEFAULT_TENANT) -> AbstractAsyncContextManager[W]:
        """One transaction for background work called ``name``; no request id."""
        return self.begin(system_call(name, tenant))

    async def find_answer(self, call: Call) -> bytes | None:
        """The stored answer of a repeated call, found without a transaction; None if it is new or has no request id.

        Raises AlreadyExists (REQUEST_ID_REUSED) for another body under the same id.
        """
        if call.request_id is None:
            return None
        async with self._connection(call, self._reading) as connection:
            with database_failures(sockets=True):
                return await idempotency.find(connection, call)

    async def verify_audit(self, published: tuple[audit.AuditHead, ...] = ()) -> audit.AuditVerdict:
        """Whether the audit log is what was written; see :func:`audit.verify_audit`."""
        async with self._connection(system_call("verify_audit"), self._reading) as connection:
            return await audit.verify_audit(connection, published)

    async def audit_head(self) -> audit.AuditHead:
        """The newest audit row's number and hash."""
        async with self._connection(system_call("audit_head"), self._reading) as connection:
            return await audit.read_head(connection)

    # -- for the runtime ----------------------------------------------------------------------------------------------

    def on_events_committed(self, wake: Callable[[], None]) -> None:
        """Calls ``wake`` after each commit of this process that emitted events."""
        self._on_commit.append(wake)

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """A connection of the pool outside any transaction, for the runtime's own tables and cleaning jobs.

        Raises Unavailable while the database is away or all connections are taken for too long.
        """
        return self._connection(system_call("runtime"), self._pool)

    @asynccontextmanager
    async def _connection(self, call: Call, pool: asyncpg.Pool | None) -> AsyncGenerator[Connection, None]:
        if pool is None or not self._available.is_set():
            raise Unavailable(
                Reason.DATABASE_UNAVAILABLE, f"the database is not ready: {self._why_not}", retry_after=RETRY_AFTER
            )
        remaining = call.remaining()
        with database_failures(sockets=True):
            connection = await pool.acquire(
                timeout=_ACQUIRE_SECONDS if remaining is None else min(remaining, _ACQUIRE_SECONDS)
            )
        try:
            with database_failures():
                yield connection
        finally:
            await pool.release(connection)

    @asynccontextmanager
    async def _primary(self) -> AsyncGenerator[None, None]:
        """Work that writes: if the server turns out to be a replica, a failover is under way, and connections are made
        anew until they reach the primary (name all servers in the DSN, with target_session_attrs=read-write)."""
        try:
            yield
        except asyncpg.ReadOnlySQLTransactionError as error:
            for pool in self._pools:
                await pool.expire_connections()
            raise Unavailable(
                Reason.DATABASE_UNAVAILABLE, "the database is failing over; repeat the call", retry_after=RETRY_AFTER
            ) from error

    @asynccontextmanager
    async def _transaction(self, connection: Connection) -> AsyncGenerator[Any, None]:
        """A started transaction, rolled back if the body raises; the body commits."""
        transaction = connection.transaction()
        with database_failures(sockets=True):
            await transaction.start()
        try:
            yield transaction
        except BaseException:
            await _to_the_end(_rollback(transaction))
            raise

    async def _commit(self, work: W, transaction: Any) -> None:
        await work.flush()
        await transaction.commit()

    # -- background ---------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        async with asyncio.timeout(_CONNECT_SECONDS):
            connection = await asyncpg.connect(self._dsn.get_secret_value(), server_settings=self._session)
        try:
            applied = await migrate(connection, self._sets)
        finally:
            await connection.close()
        if applied:
            log.info("migrated", part=self.name, applied=applied)
        if self._pool is None:
            self._pool = await self._connect(None)
        if self._reading is None:
            # Told after connecting: a DSN that wants a primary would refuse a session that starts without writing.
            self._reading = await self._connect(_only_read)
        self._why_not = None
        self._available.set()

    @property
    def _pools(self) -> list[asyncpg.Pool]:
        return [pool for pool in (self._pool, self._reading) if pool is not None]

    async def _connect(self, prepare: Callable[[asyncpg.Connection], Awaitable[None]] | None) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            self._dsn.get_secret_value(),
            min_size=min(2, self._pool_size),
            max_size=self._pool_size,
            server_settings=self._session,
            timeout=_CONNECT_SECONDS,
            init=prepare,
            # Nothing here changes session state, so there is nothing to reset: one round trip less per use.
            reset=_nothing_to_reset,
        )

    async def _keep_watch(self) -> None:
        """Probes the database, and opens it when it comes late."""
        silent = 0
        while True:
            try:
                if not self._available.is_set():
                    await self._open()
                else:
                    async with asyncio.timeout(_CONNECT_SECONDS):
                        await self._probe()
                    self._why_not, silent = None, 0
            except MigrationError as error:
                self._why_not = str(error)
                log.error("migration refused; mend it and start again", part=self.name, problem=str(error))
                if self._app is not None:
                    self._app.fail(error)
                return
            except _FAILURES as error:
                self._note(error)
                silent += isinstance(error, TimeoutError)
                if silent == _SILENT_PROBES:
                    self._cut_off()
                    silent = 0
            await asyncio.sleep(_PROBE_SECONDS)

    def _cut_off(self) -> None:
        """A server that says nothing at all (hung, or behind a dead network) would hold its callers for ever: end their
        connections, which gives them Unavailable, and open new ones when it speaks again."""
        self._available.clear()
        if self._pools:
            log.error("database is silent; its connections are cut off", part=self.name)
        for pool in self._pools:
            pool.terminate()
        self._pool = self._reading = None

    async def _probe(self) -> None:
        """Over a connection of its own: that the pool is busy does not mean that the database is away."""
        probing = self._probing
        if probing is None or probing.is_closed():
            probing = await asyncpg.connect(self._dsn.get_secret_value(), server_settings=self._session)
            self._probing = probing
        try:
            await probing.fetchval("select 1")
        except BaseException:
            probing.terminate()
            raise

    async def _keep_house(self) -> None:
        while True:
            await self._available.wait()
            try:
                async with self._connection(system_call("housekeeping"), self._pool) as connection:
                    await clean(connection, self._retention)
            except Exception as error:
                log.warning("housekeeping failed; it will be tried again", part=self.name, exc_info=error)
            await asyncio.sleep(_HOUSEKEEPING.total_seconds())

    def _note(self, error: Exception) -> None:
        """Remembers why the database is away; the text of connection errors holds no password."""
        cause = error.__cause__ if isinstance(error, Unavailable) and error.__cause__ is not None else error
        why = f"database unreachable: {type(cause).__name__}: {cause}".rstrip(": ")
        if why != self._why_not:
            log.warning("database unreachable; still trying", part=self.name, error=str(cause) or type(cause).__name__)
        self._why_not = why


def _milliseconds(duration: timedelta) -> str:
    return f"{duration // timedelta(milliseconds=1)}ms"


async def _rollback(transaction: Any) -> None:
    try:
        await transaction.rollback()
    except _FAILURES as error:
        # The connection died or the transaction was over: the server rolls back by itself, and the first error matters.
        log.debug("rollback not needed", error=str(error))


async def _to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Runs ``work`` to its end even if the awaiting task is cancelled meanwhile; then raises the cancellation.

    The connection must not go back to the pool while a commit is still running on it.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # seen: the cancellation is what the caller gets
        raise cancelled
    task.result()


async def _nothing_to_reset(_: Connection) -> None: ...


async def _only_read(connection: asyncpg.Connection) -> None:
    await connection.execute("set default_transaction_read_only = on")
