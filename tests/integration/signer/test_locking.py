"""Threads of one process on one token: safe with OS locking, and what happens without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
