"""Fixtures every test may use: real PostgreSQL, NATS with JetStream and a PKCS#11 token.

Nothing is started before a test asks for it. Servers that a test kills or stops come from the `*_factory` fixtures, so
that other tests keep theirs.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog
from sealwright_sandbox.data import packages_folder
from sealwright_sandbox.embedded.nats import NatsServer
from sealwright_sandbox.embedded.postgres import PostgresServer
from sealwright_sandbox.embedded.softhsm import SoftHsm, Token, find_softhsm, make_token
from sealwright_sandbox.errors import SandboxError
from sealwright_sandbox.mesh import Mesh

from tests.support.databases import Databases, open_databases
from tests.support.mesh import open_mesh

pytest_plugins = ["tests.support.certify_mesh", "tests.support.promises"]

# structlog's own default draws every local variable of every frame, which takes longer than most tests.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=True),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """One PostgreSQL for all tests of this process; it makes and drops databases. Do not stop or kill it."""
    with open_databases(tmp_path_factory.mktemp("postgres")) as databases:
        yield databases


@pytest.fixture
def database_dsn(postgres: Databases) -> Iterator[str]:
    """The DSN of an empty database of this test alone."""
    with postgres.fresh() as dsn:
        yield dsn


@pytest.fixture(scope="module")
def module_database_dsn(postgres: Databases) -> Iterator[str]:
    """The DSN of an empty database that the tests of one module share."""
    with postgres.fresh() as dsn:
        yield dsn


@pytest.fixture
def postgres_factory(tmp_path: Path) -> Iterator[Callable[[], PostgresServer]]:
    """Starts PostgreSQL servers that the test may kill and start again; each call starts another one."""
    with ExitStack() as stack:
        numbers = iter(range(1000))
        yield lambda: stack.enter_context(PostgresServer(tmp_path / f"postgres{next(numbers)}"))


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """An empty nats-server with JetStream, fsync on every write, shared by the tests of one module."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture(scope="module")
def nats_url(nats: NatsServer) -> str:
    """The URL, password included, of the module's nats-server."""
    return nats.url


@pytest.fixture
def nats_factory(tmp_path: Path) -> Iterator[Callable[[], NatsServer]]:
    """Starts nats-servers that the test may kill and start again; each call starts another one."""
    with ExitStack() as stack:
        numbers = iter(range(1000))
        yield lambda: stack.enter_context(NatsServer(tmp_path / f"nats{next(numbers)}"))


@pytest.fixture(scope="session")
def softhsm() -> SoftHsm:
    """The PKCS#11 module: installed, or fetched without installing it. Without one tests are skipped, or fail in CI."""
    try:
        return find_softhsm(packages_folder())
    except SandboxError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PKCS#11 module: {error}")


@pytest.fixture(scope="module")
def token(softhsm: SoftHsm, tmp_path_factory: pytest.TempPathFactory) -> Token:
    """A fresh token, shared by the tests of one module. Load it in a process whose environment has `token.environment`.

    SoftHSM reads its configuration once per process: tests that load the module in their own process use
    `process_token`, the one token of that process.
    """
    return make_token(softhsm, tmp_path_factory.mktemp("token"))


@pytest.fixture(scope="session")
def process_token(softhsm: SoftHsm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """The one token that tests load in their own process; SOFTHSM2_CONF is set while it is there."""
    token = make_token(softhsm, tmp_path_factory.mktemp("process-token"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in token.environment.items():
            patch.setenv(name, value)
        yield token


@pytest.fixture(scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """The whole mesh, two processes of each service, with registry and wallet. Do not kill its parts."""
    async with open_mesh(tmp_path_factory.mktemp("mesh"), instances=2) as mesh:
        yield mesh
