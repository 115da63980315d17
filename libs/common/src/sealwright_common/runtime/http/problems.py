"""Problems as RFC 9457 problem+json."""

from __future__ import annotations

from starlette.responses import Response

from sealwright_common.domain.errors import Problem


def problem_response(problem: Problem) -> Response:
    """The problem+json answer of a problem."""
    raise NotImplementedError
