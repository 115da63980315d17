"""Uncaught exceptions: logged under an incident id, answered with the id alone."""

from __future__ import annotations

import secrets

import structlog

from sealwright_common.domain.errors import Code, DeadlineExceeded, Internal, Problem, Reason, Unavailable
from sealwright_common.runtime.completion import CutOff, DeadlinePassed

log = structlog.get_logger(__name__)


def as_problem(error: BaseException, door: str, method: str) -> Problem:
    """What the caller is told of ``error``: a Problem as it stands, a passed deadline, or Internal with an incident id.

    The incident, with where the exception came from, is in the log; its text is nowhere above DEBUG.
    """
    if isinstance(error, DeadlinePassed):
        return DeadlineExceeded(
            Reason.DEADLINE_PASSED,
            "the deadline passed before the work was done; repeat the call with the same request_id and more time",
        )
    if isinstance(error, CutOff):
        return Unavailable(Reason.STOPPING, "the work was cut off; repeat the call with the same request_id")
    if isinstance(error, Problem):
        if error.code in (Code.INTERNAL, Code.DATA_LOSS):
            log.error("fault", door=door, method=method, reason=error.reason.value, exc_info=error)
        return error
    incident = secrets.token_hex(8)
    log.error("uncaught exception", door=door, method=method, incident=incident, exc_info=error)
    return Internal(
        Reason.INTERNAL_ERROR,
        f"internal error; tell the operator incident {incident}",
        metadata={"incident": incident},
    )
