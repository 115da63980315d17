"""Stamp's own database: all of its SQL."""

from sealwright_stamp.adapters.postgres.work import SESSION, PostgresWork

__all__ = ["SESSION", "PostgresWork"]
