"""The life of a key and which three of algorithm, purpose and protection go together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, Reason
from sealwright_common.domain.intervals import Interval
from sealwright_common.domain.keys import (
    Key,
    KeyAlgorithm,
    KeyPurpose,
    KeySlot,
    KeyState,
    Protection,
    check_combination,
    may_become,
)

START = datetime(2025, 6, 1, tzinfo=UTC)
END = START + timedelta(days=1)
TICK = timedelta(microseconds=1)


def key(
    state: KeyState, *, slot: bool = True, purpose: KeyPurpose = KeyPurpose.ASSERTION, disabled: bool = False
) -> Key:
    place = KeySlot("DK1", 1, 0, Interval(START, END)) if slot else None
    return Key(
        uuid4(),
        "default",
        KeyAlgorithm.EDDSA,
        purpose,
        Protection.HSM,
        state,
        bytes(32),
        START,
        disabled=disabled,
        slot=place,
    )


@pytest.mark.parametrize("state", [KeyState.PUBLISHED, KeyState.ACTIVE])
def test_the_window_moves_a_published_key_on(state: KeyState) -> None:
    published = key(state)
    assert published.state_at(START - TICK) is KeyState.PUBLISHED
    assert published.state_at(START) is KeyState.ACTIVE
    assert published.state_at(END - TICK) is KeyState.ACTIVE
    assert published.state_at(END) is KeyState.VERIFY_ONLY


@pytest.mark.parametrize("state", [s for s in KeyState if s not in (KeyState.PUBLISHED, KeyState.ACTIVE)])
def test_the_window_moves_no_other(state: KeyState) -> None:
    for now in (START - TICK, START, END):
        assert key(state).state_at(now) is state
        with pytest.raises(FailedPrecondition):
            key(state).check_signs(now, KeyPurpose.ASSERTION)


def test_who_signs_when() -> None:
    def reason(which: Key, now: datetime, purpose: KeyPurpose = KeyPurpose.ASSERTION) -> Reason | None:
        try:
            which.check_signs(now, purpose)
        except FailedPrecondition as problem:
            return problem.reason
        return None

    assert reason(key(KeyState.PUBLISHED), START) is None
    assert reason(key(KeyState.ACTIVE, slot=False), END) is None
    assert reason(key(KeyState.PUBLISHED), START - TICK) is Reason.KEY_OUT_OF_WINDOW
    assert reason(key(KeyState.ACTIVE), END) is Reason.KEY_OUT_OF_WINDOW
    assert reason(key(KeyState.PENDING), START) is Reason.KEY_NOT_USABLE
    assert reason(key(KeyState.ACTIVE, disabled=True), START) is Reason.KEY_DISABLED
    assert reason(key(KeyState.COMPROMISED), START) is Reason.KEY_COMPROMISED
    assert reason(key(KeyState.ACTIVE), START, KeyPurpose.TOKEN) is Reason.KEY_PURPOSE_MISMATCH
    blind = KeyPurpose.BLIND_SIGNATURE
    assert reason(key(KeyState.PUBLISHED, purpose=blind), START - TICK, blind) is None, "ahead of its window"
    assert reason(key(KeyState.PUBLISHED, purpose=blind), END, blind) is Reason.KEY_OUT_OF_WINDOW


def test_no_way_back() -> None:
    order = [KeyState.PENDING, KeyState.PUBLISHED, KeyState.ACTIVE, KeyState.VERIFY_ONLY]
    for position, state in enumerate(order):
        assert all(may_become(state, later) for later in order[position + 1 :])
        assert not any(may_become(state, earlier) for earlier in order[: position + 1])
        assert may_become(state, KeyState.COMPROMISED)
        assert may_become(state, KeyState.DESTROY_SCHEDULED)
    assert not any(may_become(KeyState.DESTROYED, state) for state in KeyState)
    assert [s for s in KeyState if may_become(KeyState.COMPROMISED, s)] == [KeyState.DESTROY_SCHEDULED]


@pytest.mark.parametrize("algorithm", list(KeyAlgorithm))
@pytest.mark.parametrize("purpose", list(KeyPurpose))
@pytest.mark.parametrize("protection", list(Protection))
def test_combinations(algorithm: KeyAlgorithm, purpose: KeyPurpose, protection: Protection) -> None:
    where = {True: Protection.WRAPPED, False: Protection.HSM}[algorithm.scalar]
    fits = algorithm.blind == (purpose is KeyPurpose.BLIND_SIGNATURE) and (not algorithm.blind or protection is where)
    if fits:
        check_combination(algorithm, purpose, protection)
    else:
        with pytest.raises(InvalidArgument):
            check_combination(algorithm, purpose, protection, "keys[0]")
