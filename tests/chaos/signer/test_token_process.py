"""The process that holds the token dies, or the service does: no wrong answer, and nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sealwright.common.v1 import keys_pb2
from sealwright.signer.v1 import signing_service_pb2
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_sandbox.embedded.softhsm import Token
from sealwright_signer.adapters.roots import Login, Pkcs11Root
from sealwright_signer.adapters.token_process.frames import Reply
from sealwright_signer.adapters.token_process.process import TokenProcess
from sealwright_signer.adapters.token_process.server import Line
from sealwright_signer.crypto import signatures

from tests.integration.signer.test_keys_and_signing import create, signing_of, spec, verify
from tests.support.signer import SignerProcess
from tests.support.token_process import Breakable


def children(pid: int) -> list[int]:
    """Processes that ``pid`` has started."""
    return [
        int(child)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]


def child_of(signer: SignerProcess) -> int:
    """The token process."""
    assert signer.process is not None
    (child,) = children(signer.process.pid)
    return child


async def until(met: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.02)


@pytest.mark.promise(6)
async def test_killed_in_the_middle_of_two_hundred_calls(
    tmp_path: Path, database_dsn: str, nats_url: str, token: Token
) -> None:
    signer = SignerProcess(tmp_path, database_dsn, nats_url, token)
    signer.start()
    try:
        await signer.wait_ready()
        channel = signer.channel()
        (key,) = await create(channel, spec("ES256"))
        signing, answered = signing_of(channel), 0
        first = child_of(signer)

        async def call(number: int) -> str:
            nonlocal answered
            message = b"%d" % number
            request = signing_service_pb2.SignRequest(
                key_id=key.id, purpose=keys_pb2.KEY_PURPOSE_ASSERTION, input=message
            )
            try:
                signed = await signing.Sign(request, timeout=60)
            except Unavailable as problem:
                again = problem.reason is Reason.TOKEN_UNAVAILABLE and problem.retry_after is not None
                return "unavailable" if again else "refused without advice"
            verify(key, message, signed.signature)
            answered += 1
            if answered == 20:
                os.kill(first, signal.SIGKILL)
            return "signed"

        ended = Counter(await asyncio.gather(*(call(number) for number in range(200))))
        assert ended["signed"] >= 20
        assert ended["signed"] + ended["unavailable"] == 200, ended
        await until(lambda: "token process ended" in signer.log.read_text(), "the log did not tell")
        # The next calls work, by another process.
        assert Counter(await asyncio.gather(*(call(number) for number in range(1000, 1050))))["signed"] == 50
        assert child_of(signer) != first
        await signer.wait_ready()
        _, metrics = await asyncio.to_thread(signer.get, "metrics")
        assert "sealwright_signer_token_process_ends_total 1.0" in metrics
        await channel.close()
    finally:
        await asyncio.to_thread(signer.stop)


@pytest.mark.promise(7)
async def test_a_refused_pin_is_not_tried_by_another_process(
    tmp_path: Path, database_dsn: str, nats_url: str, token: Token
) -> None:
    signer = SignerProcess(tmp_path, database_dsn, nats_url, token, {"PKCS11__PIN": "0" * 8})
    signer.start()
    try:
        await until(lambda: "refused the PIN" in signer.get("readyz")[1], "the PIN was not refused")
        os.kill(child_of(signer), signal.SIGKILL)
        await until(lambda: "did not accept the PIN" in signer.get("readyz")[1], "it was not told")
        assert signer.process is not None
        assert children(signer.process.pid) == []
    finally:
        assert await asyncio.to_thread(signer.stop) == 0


async def test_a_process_that_dies_while_it_logs_in_is_the_last(tmp_path: Path) -> None:
    """Nobody knows whether the token counted that try."""
    started = 0

    class Dying:
        def wait(self, timeout: float | None = None) -> int:
            return -11

        def kill(self) -> None:
            pass

    def launch(signing: socket.socket, making: socket.socket) -> Dying:
        nonlocal started
        started += 1
        line = Line(signing.dup())
        line.write(0, Reply.LOGIN, [Login.TRIED.encode()])
        line.close()
        return Dying()

    process = TokenProcess(Pkcs11Root("/module.so", "token", "1234", tmp_path), threads=1, makers=1, launch=launch)
    await process.start()
    try:
        async with asyncio.timeout(30):
            await process.ended.wait()
        with pytest.raises(Unavailable, match="not tried again") as refused:
            await process.check()
        assert "1234" not in refused.value.message
        assert started == 1
    finally:
        await process.stop()


async def test_it_holds_no_secret_where_others_may_look_and_ends_with_the_service(
    tmp_path: Path, database_dsn: str, nats_url: str, token: Token
) -> None:
    signer = SignerProcess(tmp_path, database_dsn, nats_url, token)
    signer.start()
    try:
        await signer.wait_ready()
        child = child_of(signer)
        shown = Path(f"/proc/{child}/cmdline").read_bytes() + Path(f"/proc/{child}/environ").read_bytes()
        assert b"token_process" in shown
        assert token.pin.encode() not in shown
        # Signals that a terminal or a supervisor sends to a whole group are for the service.
        os.kill(child, signal.SIGINT)
        os.kill(child, signal.SIGTERM)
        channel = signer.channel()
        await create(channel, spec("ES256"))
        await channel.close()
        assert child_of(signer) == child
        await asyncio.to_thread(signer.kill)
        await until(lambda: not Path(f"/proc/{child}/cwd").exists(), "it outlived the service")
    finally:
        await asyncio.to_thread(signer.stop)


@pytest.mark.promise(6)
@pytest.mark.parametrize("what", [signal.SIGUSR1, signal.SIGUSR2], ids=["sessions closed", "finalised"])
async def test_a_token_that_is_lost_heals_inside_it(token: Token, tmp_path: Path, what: signal.Signals) -> None:
    program = Breakable(token.environment)
    root = Pkcs11Root(str(token.module), token.label, token.pin, tmp_path)
    process = TokenProcess(root, threads=2, makers=1, launch=program)
    await process.start()
    try:
        key, _ = await process.generate(f"lost {what.name}", KeyAlgorithm.ES256, 0)
        check = signatures.checker(key.algorithm, key.public_key)
        for number in range(3):
            inputs = [bytes([number]) * 32, bytes(32)]
            assert all(map(check, inputs, await process.sign(key, inputs)))
            program.break_it(what)
            assert check(bytes(32), (await process.sign(key, [bytes(32)]))[0])
        assert not process.ended.is_set()
        await process.destroy([key.label])
    finally:
        await process.stop()
