"""What a database failure means to a caller: wait and repeat, say it otherwise, or a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import asyncpg

from sealwright_common.domain.errors import InvalidArgument, Problem, Reason, Unavailable

RETRY_AFTER = timedelta(seconds=1)
CONFLICT_RETRY_AFTER = timedelta(milliseconds=50)

_SOCKET = (OSError, TimeoutError)
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.DiskFullError,
    asyncpg.InternalClientError,  # the server's parting words came between two statements
)
_CLOSED = ("is closed", "is closing", "released back to the pool")
_BUSY = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)
_CONFLICT = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)


def problem_of(error: BaseException) -> Problem | None:
    """The problem a database failure is to the caller; None for everything else.

    Unavailable if it passes, InvalidArgument for text that cannot be stored.

    Constraint violations are not translated: adapters know what they mean and catch them.
    """
    if isinstance(error, _CONFLICT):
        return Unavailable(
            Reason.CONFLICT,
            "another change of the same rows came first; repeat the call",
            retry_after=CONFLICT_RETRY_AFTER,
        )
    if isinstance(error, _BUSY):
        return Unavailable(
            Reason.DATABASE_UNAVAILABLE, "the database took too long; repeat the call", retry_after=RETRY_AFTER
        )
    if isinstance(error, _AWAY) or _is_closed(error):
        return Unavailable(
            Reason.DATABASE_UNAVAILABLE, "the database is not reachable; repeat the call", retry_after=RETRY_AFTER
        )
    if isinstance(error, asyncpg.CharacterNotInRepertoireError):
        return InvalidArgument(Reason.FIELD_INVALID, "a text holds the character U+0000, which cannot be stored")
    return None


def _is_closed(error: BaseException) -> bool:
    """asyncpg has no class for a closed connection; the one it raises also means misuse, which must not be hidden.

    A pooled connection that dies is taken back by the pool at once, hence the last text.
    """
    return type(error) is asyncpg.InterfaceError and any(text in str(error) for text in _CLOSED)


@contextmanager
def database_failures(*, sockets: bool = False) -> Iterator[None]:
    """Raises passing database failures as Unavailable, with the original as cause.

    ``sockets`` also takes OSError and TimeoutError for the database's: only around nothing but database calls.
    """
    try:
        yield
    except Problem:
        raise
    except Exception as error:
        problem = problem_of(error)
        if problem is None and sockets and isinstance(error, _SOCKET):
            problem = Unavailable(
                Reason.DATABASE_UNAVAILABLE, "the database is not reachable; repeat the call", retry_after=RETRY_AFTER
            )
        if problem is None:
            raise
        raise problem from error


def violated_constraint(error: asyncpg.PostgresError) -> str | None:
    """The name of the constraint that ``error`` violated, as in the migration; None if it is of another kind."""
    if not isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return None
    return getattr(error, "constraint_name", None)
