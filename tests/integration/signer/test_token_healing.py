"""A token that loses sessions, login, itself: signing heals. A wrong PIN is tried once. SoftHSM2, in this process."""

from __future__ import annotations

import ctypes
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pkcs11 import Attribute, ObjectClass
from prometheus_client import REGISTRY
from sealwright_common.domain.errors import DataLoss, FailedPrecondition, Internal, Reason, Unavailable
from sealwright_common.domain.keys import Key, KeyAlgorithm, KeyPurpose, KeyState, Protection
from sealwright_sandbox.embedded.softhsm import Token
from sealwright_signer.adapters.file_root import FileHsm
from sealwright_signer.adapters.pkcs11 import Pkcs11Hsm, mechanisms
from sealwright_signer.adapters.pkcs11 import token as token_module
from sealwright_signer.adapters.pkcs11.hsm import SELF_TEST_KEY, WRAPPING_KEY
from sealwright_signer.adapters.roots import Pkcs11Root
from sealwright_signer.adapters.vault import KeyVault
from sealwright_signer.crypto import signatures
from sealwright_signer.ports import InputKind, SignatureFormat, StoredKey, TokenKey

from tests.support.token_process import serving

PATIENCE = 0.25
"""Seconds within which the next call succeeds (promise 6)."""


@pytest.fixture
def hsm(process_token: Token, tmp_path: Path) -> Iterator[Pkcs11Hsm]:
    root = Pkcs11Hsm(settings(process_token, tmp_path))
    yield root
    root.close()


def settings(token: Token, lock_dir: Path, pin: str | None = None) -> Pkcs11Root:
    return Pkcs11Root(str(token.module), token.label, pin or token.pin, lock_dir)


@pytest.fixture
def key(hsm: Pkcs11Hsm) -> Iterator[TokenKey]:
    key = hsm.generate(str(uuid4()), KeyAlgorithm.ES256, 0)
    yield key
    hsm.destroy(key.label)


def slot_of(hsm: Pkcs11Hsm) -> ctypes.c_ulong:
    module: Any = hsm._token._module  # pyright: ignore[reportPrivateUsage]
    return ctypes.c_ulong(module.token(hsm._token.settings.label).slot.slot_id)  # pyright: ignore[reportPrivateUsage]


def session_of(hsm: Pkcs11Hsm) -> ctypes.c_ulong:
    return ctypes.c_ulong(hsm._token._local.session.raw.handle)  # pyright: ignore[reportPrivateUsage]


def close_all_sessions(module: ctypes.CDLL, hsm: Pkcs11Hsm) -> int:
    return module.C_CloseAllSessions(slot_of(hsm))


def log_out(module: ctypes.CDLL, hsm: Pkcs11Hsm) -> int:
    return module.C_Logout(session_of(hsm))


def finalize(module: ctypes.CDLL, hsm: Pkcs11Hsm) -> int:
    return module.C_Finalize(None)


@pytest.mark.promise(6)
@pytest.mark.parametrize("break_it", [close_all_sessions, log_out, finalize])
def test_a_lost_session_heals(
    hsm: Pkcs11Hsm, key: TokenKey, process_token: Token, break_it: Callable[[ctypes.CDLL, Pkcs11Hsm], int]
) -> None:
    check = signatures.checker(key.algorithm, key.public_key)
    hsm.sign(key, [bytes(32)])
    module = ctypes.CDLL(str(process_token.module))
    took: list[float] = []
    for number in range(5):
        assert break_it(module, hsm) == 0
        began = time.monotonic()
        (signature,) = hsm.sign(key, [bytes([number]) * 32])
        took.append(time.monotonic() - began)
        assert check(bytes([number]) * 32, signature)
    assert min(took) <= PATIENCE


def test_a_pair_whose_session_is_lost_when_it_is_half_made_is_made_once(
    hsm: Pkcs11Hsm, process_token: Token, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, read, losses = ctypes.CDLL(str(process_token.module)), mechanisms.public_key, iter([True])

    def lost(public: Any, algorithm: KeyAlgorithm) -> bytes:
        if next(losses, False):
            assert close_all_sessions(module, hsm) == 0
        return read(public, algorithm)

    monkeypatch.setattr(mechanisms, "public_key", lost)
    key = hsm.generate(str(uuid4()), KeyAlgorithm.ES256, 0)
    assert not list(losses), "nothing was lost"
    # Signing wants exactly one pair of the label.
    assert signatures.checker(key.algorithm, key.public_key)(bytes(32), hsm.sign(key, [bytes(32)])[0])
    hsm.destroy(key.label)


@pytest.mark.promise(6)
def test_a_token_that_is_taken_away_and_comes_back(hsm: Pkcs11Hsm, key: TokenKey, process_token: Token) -> None:
    hsm.sign(key, [bytes(32)])
    tokens = process_token.config.parent / "tokens"
    aside = tokens.with_name("tokens.aside")
    tokens.rename(aside)
    tokens.mkdir()
    try:
        finalize(ctypes.CDLL(str(process_token.module)), hsm)
        for _ in range(2):
            with pytest.raises(Unavailable) as away:
                hsm.sign(key, [bytes(32)])
            assert away.value.reason is Reason.TOKEN_UNAVAILABLE
            assert away.value.retry_after is not None
    finally:
        tokens.rmdir()
        aside.rename(tokens)
    began = time.monotonic()
    hsm.sign(key, [bytes(32)])
    assert time.monotonic() - began <= PATIENCE


@pytest.mark.promise(6)
def test_threads_heal_together(hsm: Pkcs11Hsm, key: TokenKey, process_token: Token) -> None:
    check = signatures.checker(key.algorithm, key.public_key)
    module = ctypes.CDLL(str(process_token.module))
    problems: list[Exception] = []
    signed, stop = [0] * 4, threading.Event()

    def work(number: int) -> None:
        try:
            while not stop.is_set():
                (signature,) = hsm.sign(key, [bytes(32)])
                assert check(bytes(32), signature)
                signed[number] += 1
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            problems.append(error)

    hsm.sign(key, [bytes(32)])
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        before = sum(signed)
        while sum(signed) < before + 50 and not problems:
            time.sleep(0.001)
        # Between two calls: SoftHSM itself dies if sessions are closed while one of them signs.
        with hsm._token._gate.alone():  # pyright: ignore[reportPrivateUsage]
            close_all_sessions(module, hsm)
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert all(signed)


@pytest.mark.promise(7)
def test_a_wrong_pin_is_tried_once(process_token: Token, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0
    log_in = token_module.Token._log_in  # pyright: ignore[reportPrivateUsage]

    def counted(self: token_module.Token, token: Any) -> Any:
        nonlocal attempts
        attempts += 1
        return log_in(self, token)

    # A fresh process state: sessions of other tests must not be logged in for us.
    ctypes.CDLL(str(process_token.module)).C_Finalize(None)
    monkeypatch.setattr(token_module.Token, "_log_in", counted)
    hsm = Pkcs11Hsm(settings(process_token, tmp_path, pin="0" * 8))
    problems: list[Exception] = []

    def work() -> None:
        try:
            hsm.check()
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hsm.close()
    assert attempts == 1
    assert len(problems) == 16
    for problem in problems:
        assert isinstance(problem, Unavailable)
        assert "not tried again" in problem.message
        assert "0" * 8 not in problem.message
    right = Pkcs11Hsm(settings(process_token, tmp_path))
    right.check()
    right.close()


def test_what_either_of_two_wrapping_keys_wrapped_opens(hsm: Pkcs11Hsm, process_token: Token, tmp_path: Path) -> None:
    """As it is after two machines met an empty token at the same moment."""
    sealed = hsm.wrap(b"first", b"of both")
    labelled(hsm, WRAPPING_KEY)[0][Attribute.LABEL] = "aside"
    other = Pkcs11Hsm(settings(process_token, tmp_path))
    later = other.wrap(b"second", b"of both")
    labelled(hsm, "aside")[0][Attribute.LABEL] = WRAPPING_KEY
    assert len(labelled(hsm, WRAPPING_KEY)) == 2
    assert [each.unwrap(sealed, b"of both") for each in (hsm, other)] == [b"first"] * 2
    assert [each.unwrap(later, b"of both") for each in (hsm, other)] == [b"second"] * 2
    with pytest.raises(DataLoss):
        hsm.unwrap(later, b"of another")
    other.close()


def test_another_self_test_key_is_found_at_the_next_test(hsm: Pkcs11Hsm) -> None:
    hsm.check()
    for half in labelled(hsm, SELF_TEST_KEY):
        half.destroy()
    with pytest.raises(FailedPrecondition):
        hsm.check()
    hsm.check()


def labelled(hsm: Pkcs11Hsm, label: str) -> list[Any]:
    """The objects of that label, by a session that works."""
    return hsm._token.use(lambda session: list(session.raw.get_objects({Attribute.LABEL: label})))  # pyright: ignore[reportPrivateUsage]


def test_keys_never_leave(hsm: Pkcs11Hsm) -> None:
    for algorithm in (KeyAlgorithm.EDDSA, KeyAlgorithm.ES256, KeyAlgorithm.RSABSSA_DETERMINISTIC):
        key = hsm.generate(f"attributes {algorithm}", algorithm, 2048)

        def read(session: Any, label: str = key.label) -> Any:
            (private,) = session.raw.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.LABEL: label})
            return {
                name: private[name]
                for name in (
                    Attribute.SENSITIVE,
                    Attribute.ALWAYS_SENSITIVE,
                    Attribute.NEVER_EXTRACTABLE,
                    Attribute.EXTRACTABLE,
                    Attribute.SIGN,
                    Attribute.DECRYPT,
                    Attribute.UNWRAP,
                    Attribute.DERIVE,
                    Attribute.ALLOWED_MECHANISMS,
                )
            }

        found = hsm._token.use(read)  # pyright: ignore[reportPrivateUsage]
        assert found[Attribute.SENSITIVE]
        assert found[Attribute.ALWAYS_SENSITIVE]
        assert found[Attribute.NEVER_EXTRACTABLE]
        assert not found[Attribute.EXTRACTABLE]
        assert found[Attribute.SIGN]
        assert not any(found[other] for other in (Attribute.DECRYPT, Attribute.UNWRAP, Attribute.DERIVE))
        assert len(found[Attribute.ALLOWED_MECHANISMS]) == 1
        hsm.destroy(key.label)


@pytest.mark.promise(9)
async def test_a_faulty_signature_never_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The root of trust flips a bit in one signature of a thousand: of 100,000 none of those leaves."""
    hsm = FileHsm(tmp_path)
    key = hsm.generate(str(uuid4()), KeyAlgorithm.ES256, 0)
    right, numbers, flipped = hsm.sign, itertools.count(1), set[bytes]()

    def faulty(which: TokenKey, inputs: Sequence[bytes]) -> list[bytes]:
        made = right(which, inputs)
        for position, number in zip(range(len(made)), numbers, strict=False):
            if number % 1000 == 0:
                made[position] = made[position][:-1] + bytes([made[position][-1] ^ 1])
                flipped.add(made[position])
        return made

    monkeypatch.setattr(hsm, "sign", faulty)
    stored = StoredKey(
        Key(
            UUID(key.label),
            "default",
            key.algorithm,
            KeyPurpose.ASSERTION,
            Protection.HSM,
            KeyState.ACTIVE,
            key.public_key,
            datetime.now(UTC),
        ),
        hsm.uri(key),
    )
    check = signatures.checker(key.algorithm, key.public_key)
    inputs = [bytes([number]) * 32 for number in range(100)]
    alarms, released, withheld = _alarms(), 0, 0
    async with serving(hsm, threads=2) as token:
        vault = KeyVault(token, threads=2, cached_keys=10)
        for _ in range(1000):
            try:
                made = await vault.sign(stored, inputs, InputKind.DIGEST, SignatureFormat.RAW)
            except Internal as fault:
                withheld += fault.reason is Reason.SIGNATURE_FAULTY
            else:
                assert flipped.isdisjoint(made)
                assert check(inputs[-1], made[-1])
                released += len(made)
        assert released + withheld * len(inputs) == 100_000
        assert 0 < withheld <= len(flipped) <= 101
        assert _alarms() - alarms == len(flipped), "an alarm each time"
        await vault.close()


def _alarms() -> float:
    return REGISTRY.get_sample_value("sealwright_signer_faulty_signatures_total", {"algorithm": "ES256"}) or 0.0
