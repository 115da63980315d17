"""Fault points: named places between two steps where a test may kill the process, to prove that nothing is lost.

``SEALWRIGHT_FAULT=name`` (or ``name:3`` for the third pass) makes :func:`fault_point` send SIGKILL to the own process
at that place: no cleanup runs, as in a crash. The variable is honoured only where the environment is development;
anywhere else it is an error at start, so that it cannot be left switched on unnoticed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping

VARIABLE = "SEALWRIGHT_FAULT"


class FaultsForbidden(RuntimeError):
    """SEALWRIGHT_FAULT is set outside development, or to no fault."""


class _Armed:
    """The one fault this process was told to have, and how many passes remain until it happens."""

    name: str = ""
    passes: int = 0


def arm(environment: str, variables: Mapping[str, str] | None = None) -> None:
    """Reads SEALWRIGHT_FAULT, once at start. Raises FaultsForbidden unless it may be so."""
    text = (os.environ if variables is None else variables).get(VARIABLE, "")
    if text and environment != "development":
        raise FaultsForbidden(f"{VARIABLE} is set but the environment is {environment}; unset it")
    name, _, passes = text.partition(":")
    if passes and not (passes.isascii() and passes.isdigit() and int(passes) > 0):
        raise FaultsForbidden(f"{VARIABLE} is {text!r}; expected NAME or NAME:N with N of 1 or more")
    _Armed.name = name
    _Armed.passes = int(passes or 1)


def fault_point(name: str) -> None:
    """Kills this process with SIGKILL if ``name`` is armed and this is the pass it is armed for."""
    if not name or _Armed.name != name:
        return
    _Armed.passes -= 1
    if _Armed.passes == 0:
        os.kill(os.getpid(), signal.SIGKILL)
