"""The database of a service: pool, migrations, units of work, housekeeping."""

from sealwright_common.runtime.db.database import Database
from sealwright_common.runtime.db.failures import violated_constraint
from sealwright_common.runtime.db.migrate import MigrationError
from sealwright_common.runtime.db.work import SEVERAL_TENANTS, EventRecord, UnitOfWork

__all__ = [
    "SEVERAL_TENANTS",
    "Database",
    "EventRecord",
    "MigrationError",
    "UnitOfWork",
    "violated_constraint",
]
