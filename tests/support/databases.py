"""Databases for tests on one real PostgreSQL: of the environment (SEALWRIGHT_POSTGRES_DSN), else an embedded one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sealwright_sandbox.embedded.postgres import PostgresServer, create_database, drop_database


class Databases:
    """Makes fresh databases and drops them."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        """A superuser's DSN, database `postgres`."""

    def create(self, prefix: str = "test", template: str | None = None) -> str:
        """A new database (as a copy of `template`, a database name nobody is connected to); returns its DSN."""
        return create_database(self.dsn, f"{prefix}_{uuid4().hex}", template)

    def drop(self, dsn: str) -> None:
        """Drops the database that `dsn` names, ending the sessions in it."""
        drop_database(self.dsn, dsn.rsplit("/", 1)[1])

    @contextmanager
    def fresh(self, prefix: str = "test", template: str | None = None) -> Iterator[str]:
        """A new database's DSN, for the length of a with block."""
        dsn = self.create(prefix, template)
        try:
            yield dsn
        finally:
            self.drop(dsn)


@contextmanager
def open_databases(folder: Path) -> Iterator[Databases]:
    """Databases on the server of the environment, else on an embedded one in `folder` that stops at the end."""
    if dsn := os.environ.get("SEALWRIGHT_POSTGRES_DSN"):
        yield Databases(dsn)
        return
    with PostgresServer(folder) as server:
        yield Databases(server.dsn)
