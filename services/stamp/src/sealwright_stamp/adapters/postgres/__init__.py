"""Stamp's own database: all of its SQL."""

from sealwright_stamp.adapters.postgres.work import PostgresWork

__all__ = ["PostgresWork"]
