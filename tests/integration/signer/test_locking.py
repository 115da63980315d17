"""Threads of one process on one token: safe with OS locking, and what happens without it. Two processes on one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sealwright_sandbox.embedded.softhsm import Token

ROOT = Path(__file__).parents[3]


def run(token: Token, how: str) -> subprocess.CompletedProcess[str]:
    """What became of the process."""
    return subprocess.run(
        [sys.executable, "-m", "tests.support.token_threads", str(token.module), token.label, how],
        cwd=ROOT,
        env={**os.environ, **token.environment, "TOKEN_PIN": token.pin},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


class Neighbour:
    """A process on the token that others use, too."""

    def __init__(self, token: Token, lock_dir: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.token_neighbour", str(token.module), token.label, str(lock_dir)],
            cwd=ROOT,
            env={**os.environ, **token.environment, "TOKEN_PIN": token.pin},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def told(self) -> str:
        """Its next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def tell(self, **what: Any) -> None:
        """Gives it something to do."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()

    def leave(self) -> None:
        """Ends it."""
        self._process.communicate(timeout=30)


def test_keys_that_two_processes_make_at_once_are_seen_by_both(token: Token, tmp_path: Path) -> None:
    """SoftHSM shows one process only what another made while it made nothing itself."""
    both = [Neighbour(token, tmp_path), Neighbour(token, tmp_path)]
    assert [each.told() for each in both] == ["ready\n"] * 2
    for _ in range(6):
        moment = time.time() + 0.05
        for each in both:
            each.tell(make=moment)
        made = [json.loads(each.told()) for each in both]
        for each, of_the_other in zip(both, reversed(made), strict=True):
            each.tell(sign=of_the_other)
        assert [json.loads(each.told()) for each in both] == [[], []]
    for each in both:
        each.leave()


@pytest.mark.promise(8)
def test_threads_sign_safely(token: Token) -> None:
    process = run(token, "locking")
    assert process.returncode == 0, (process.stdout, process.stderr)


@pytest.mark.promise(8)
def test_without_locking_threads_break_the_token(token: Token) -> None:
    """The control: the same work without the flag crashes (a signal) or fails (CKR_GENERAL_ERROR and the like)."""
    process = run(token, "plain")
    assert process.returncode < 0 or process.returncode == 1, (process.returncode, process.stdout, process.stderr)
    if process.returncode == 1:
        assert "threads failed" in process.stdout, (process.stdout, process.stderr)
