"""What goes between the service and its token process: a number, a kind and some byte strings.

A frame is its length, the number of its call, its kind, how many parts it has, the length of each, and the parts.
Nothing in it is ever executed, as a pickle would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from enum import IntEnum
from functools import cache
from struct import Struct

from sealwright_common.domain.errors import Code, Problem, Reason

HEAD = Struct("<IIBI")
"""Length of all that follows this first number, number of the call, kind, number of parts."""
LENGTH = 4
"""Bytes of the length at the start of a frame."""


class Ask(IntEnum):
    """What is asked of the token process, with its parts and the parts of the answer."""

    SIGN = 1
    """Label, algorithm, public key, inputs. As many verified raw signatures."""
    GENERATE = 2
    """Label, algorithm, bits of an RSA key in decimal. The public key and the URI of the private one."""
    DESTROY = 3
    """Labels. Nothing."""
    WRAP = 4
    """Plain bytes and their context. The wrapped bytes."""
    UNWRAP = 5
    """Wrapped bytes and their context. The plain bytes."""
    CHECK = 6
    """Nothing. Nothing."""


class Reply(IntEnum):
    """What the token process says."""

    DONE = 1
    """The parts of the answer."""
    REFUSED = 2
    """A Problem."""
    FAULTY = 3
    """A signature did not verify. Nothing."""
    FAILED = 4
    """Something unforeseen: the lines that describe it, without values."""
    LOGIN = 5
    """Without a call: what became of the PIN, a word of :class:`Login`."""


@cache
def _lengths(count: int) -> Struct:
    return Struct(f"<{count}I")


def pack(number: int, kind: int, parts: Sequence[bytes]) -> bytes:
    """A whole frame."""
    lengths = _lengths(len(parts))
    length = HEAD.size - LENGTH + lengths.size + sum(map(len, parts))
    head = HEAD.pack(length, number, kind, len(parts))
    return b"".join((head, lengths.pack(*map(len, parts)), *parts))


def unpack(frame: bytes) -> tuple[int, int, list[bytes]]:
    """Number, kind and parts of a whole frame."""
    _, number, kind, count = HEAD.unpack_from(frame)
    lengths = _lengths(count)
    at = HEAD.size + lengths.size
    parts: list[bytes] = []
    for length in lengths.unpack_from(frame, HEAD.size):
        parts.append(frame[at : at + length])
        at += length
    return number, kind, parts


def problem_parts(problem: Problem) -> list[bytes]:
    """A Problem without fields and metadata, which no root of trust raises."""
    wait = problem.retry_after
    words = (problem.code, problem.reason, problem.message, "" if wait is None else str(wait.total_seconds()))
    return [word.encode() for word in words]


def problem(parts: Sequence[bytes]) -> Problem:
    """The Problem of :func:`problem_parts`."""
    code, reason, message, wait = (part.decode() for part in parts)
    retry_after = timedelta(seconds=float(wait)) if wait else None
    return _KINDS[Code(code)](Reason(reason), message, retry_after=retry_after)


_KINDS = {kind.code: kind for kind in Problem.__subclasses__() if kind.__module__ == Problem.__module__}
