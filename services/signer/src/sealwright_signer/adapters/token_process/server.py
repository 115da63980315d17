"""The token process's side: threads that take a frame, do what it asks with the root of trust, and answer.

A line is a socket with threads of its own. Whichever thread is free reads the next frame itself, so that no thread
hands work to another.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence

from sealwright_common.domain.errors import Problem
from sealwright_common.domain.keys import KeyAlgorithm

from sealwright_signer.adapters.token_process.frames import HEAD, LENGTH, Ask, Reply, pack, problem_parts, unpack
from sealwright_signer.crypto import blind_rsa, signatures
from sealwright_signer.ports import Hsm, TokenKey


class Line:
    """One socket to the service."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", buffering=1 << 16)
        self._reading, self._writing = threading.Lock(), threading.Lock()

    def read(self) -> bytes | None:
        """The next frame; None when the service is gone."""
        with self._reading:
            start = self._stream.read(LENGTH)
            if len(start) < LENGTH:
                return None
            rest = self._stream.read(int.from_bytes(start, "little"))
        return start + rest if len(start) + len(rest) >= HEAD.size else None

    def write(self, number: int, kind: int, parts: Sequence[bytes]) -> None:
        """Sends a frame whole."""
        frame = pack(number, kind, parts)
        with self._writing:
            self._sock.sendall(frame)

    def close(self) -> None:
        """Nobody reads or writes any more."""
        self._stream.close()
        self._sock.close()


class _Faulty(Exception):
    """A signature does not verify."""


class TokenServer:
    """Answers what is asked on its lines with a root of trust."""

    def __init__(self, hsm: Hsm) -> None:
        self._hsm = hsm
        self._answers: dict[int, Callable[[list[bytes]], list[bytes]]] = {
            Ask.SIGN: self._sign,
            Ask.GENERATE: self._generate,
            Ask.DESTROY: self._destroy,
            Ask.WRAP: lambda parts: [hsm.wrap(parts[0], parts[1])],
            Ask.UNWRAP: lambda parts: [hsm.unwrap(parts[0], parts[1])],
            Ask.CHECK: self._check,
        }

    def serve(self, line: Line, threads: int) -> list[threading.Thread]:
        """Starts the threads of a line; they end when the service closes it."""
        started = [threading.Thread(target=self._work, args=(line,), daemon=True) for _ in range(threads)]
        for thread in started:
            thread.start()
        return started

    def _work(self, line: Line) -> None:
        try:
            while (frame := line.read()) is not None:
                number, kind, parts = unpack(frame)
                line.write(number, *self._answer(kind, parts))
        except OSError:
            pass  # The service is gone and so is whoever waits for this.

    def _answer(self, kind: int, parts: list[bytes]) -> tuple[Reply, list[bytes]]:
        try:
            return Reply.DONE, self._answers[kind](parts)
        except Problem as problem:
            return Reply.REFUSED, problem_parts(problem)
        except _Faulty:
            return Reply.FAULTY, []
        except Exception as error:  # noqa: BLE001 - the service logs it
            # Imported here: it takes long, and is needed hardly ever.
            from sealwright_common.runtime.telemetry.logs import describe_exception

            return Reply.FAILED, [line.encode() for line in describe_exception(error)]

    def _sign(self, parts: list[bytes]) -> list[bytes]:
        """Signs and verifies with the public key on record: a faulty signature could give the key away."""
        label, algorithm, public_key, *inputs = parts
        key = TokenKey(label.decode(), KeyAlgorithm(algorithm.decode()), public_key)
        made = self._hsm.sign(key, inputs)
        check = _check(key)
        if len(made) != len(inputs) or not all(map(check, inputs, made)):
            raise _Faulty
        return made

    def _generate(self, parts: list[bytes]) -> list[bytes]:
        label, algorithm, rsa_bits = (part.decode() for part in parts)
        made = self._hsm.generate(label, KeyAlgorithm(algorithm), int(rsa_bits))
        return [made.public_key, self._hsm.uri(made).encode()]

    def _destroy(self, parts: list[bytes]) -> list[bytes]:
        for label in parts:
            self._hsm.destroy(label.decode())
        return []

    def _check(self, _: list[bytes]) -> list[bytes]:
        self._hsm.check()
        return []


def _check(key: TokenKey) -> signatures.Check:
    if key.algorithm.blind:
        return lambda blinded, signature: blind_rsa.inverts(key.public_key, blinded, signature)
    return signatures.checker(key.algorithm, key.public_key)
