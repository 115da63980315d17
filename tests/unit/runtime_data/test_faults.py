"""Fault points kill, but only where it was asked for and only in development."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from sealwright_common.runtime.faults import FaultsForbidden, arm, fault_point


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int]]]:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: seen.append((pid, number)))
    yield seen
    arm("development", {})


def test_the_named_point_kills_at_the_asked_pass(kills: list[tuple[int, int]]) -> None:
    arm("development", {"SEALWRIGHT_FAULT": "relay.taken:3"})
    fault_point("relay.other")
    fault_point("relay.taken")
    fault_point("relay.taken")
    assert kills == []
    fault_point("relay.taken")
    assert kills == [(os.getpid(), signal.SIGKILL)]
    fault_point("relay.taken")
    assert len(kills) == 1


def test_unarmed_points_do_nothing(kills: list[tuple[int, int]]) -> None:
    arm("production", {})
    fault_point("")
    fault_point("relay.taken")
    assert kills == []


def test_outside_development_it_is_an_error() -> None:
    with pytest.raises(FaultsForbidden, match="unset it"):
        arm("production", {"SEALWRIGHT_FAULT": "relay.taken"})


@pytest.mark.parametrize("text", ["relay.taken:0", "relay.taken:x", "relay.taken:-1"])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(FaultsForbidden, match="NAME:N"):
        arm("development", {"SEALWRIGHT_FAULT": text})
