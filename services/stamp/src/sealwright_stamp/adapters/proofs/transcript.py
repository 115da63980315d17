"""Merlin transcripts (https://merlin.cool): STROBE-128 over Keccak-f[1600], the permutation compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from sealwright_stamp.adapters.proofs.bases import ORDER

RATE = 166
_META, _AD, _PRF = 16 | 2, 2, 1 | 2 | 4

_ROTATIONS = np.array(
    (1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44), np.uint64
)
_LANES = np.array((10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1), np.int64)


def _round_constants() -> list[int]:
    """The 24 constants of FIPS 202, section 3.2.5, from their shift register."""
    constants: list[int] = []
    register = 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << ((1 << power) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


_CONSTANTS = np.array(_round_constants(), np.uint64)


@njit(cache=True)
def keccak_f1600(state):
    """Permutes 25 words in place (FIPS 202, section 3.3)."""
    c = np.empty(5, np.uint64)
    for round_ in range(24):
        for x in range(5):
            c[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20]
        for x in range(5):
            after = c[(x + 1) % 5]
            d = c[(x + 4) % 5] ^ ((after << np.uint64(1)) | (after >> np.uint64(63)))
            for y in range(0, 25, 5):
                state[y + x] ^= d
        moving = state[1]
        for i in range(24):
            lane = _LANES[i]
            rotated = (moving << _ROTATIONS[i]) | (moving >> (np.uint64(64) - _ROTATIONS[i]))
            moving = state[lane]
            state[lane] = rotated
        for y in range(0, 25, 5):
            a0, a1, a2, a3, a4 = state[y], state[y + 1], state[y + 2], state[y + 3], state[y + 4]
            state[y] = a0 ^ (~a1 & a2)
            state[y + 1] = a1 ^ (~a2 & a3)
            state[y + 2] = a2 ^ (~a3 & a4)
            state[y + 3] = a3 ^ (~a4 & a0)
            state[y + 4] = a4 ^ (~a0 & a1)
        state[0] ^= _CONSTANTS[round_]


class Transcript:
    """Messages go in, challenges that depend on all of them come out."""

    def __init__(self, label: bytes) -> None:
        self._words = np.zeros(25, np.uint64)
        self._state = self._words.view(np.uint8)
        self._state[:18] = np.frombuffer(bytes((1, RATE + 2, 1, 0, 1, 96)) + b"STROBEv1.0.2", np.uint8)
        keccak_f1600(self._words)
        self._position = self._begin = 0
        self._operate(_META, b"Merlin v1.0")
        self.append(b"dom-sep", label)

    def append(self, label: bytes, message: bytes) -> None:
        """Takes ``message`` in under ``label``."""
        self._operate(_META, label + len(message).to_bytes(4, "little"))
        self._operate(_AD, message)

    def append_number(self, label: bytes, number: int) -> None:
        """Takes ``number`` in as 8 bytes, little endian."""
        self.append(label, number.to_bytes(8, "little"))

    def challenge(self, label: bytes) -> int:
        """A scalar that depends on everything before: 64 bytes, little endian, modulo the group's order."""
        return int.from_bytes(self.challenge_bytes(label, 64), "little") % ORDER

    def challenge_bytes(self, label: bytes, length: int) -> bytes:
        """``length`` bytes that depend on everything before."""
        self._operate(_META, label + length.to_bytes(4, "little"))
        self._operate(_PRF, b"")
        if self._position:
            self._permute()
        out = bytearray()
        while len(out) < length:
            take = min(length - len(out), RATE - self._position)
            part = self._state[self._position : self._position + take]
            out += part.tobytes()
            part[:] = 0
            self._position += take
            if self._position == RATE:
                self._permute()
        return bytes(out)

    def _operate(self, flags: int, data: bytes) -> None:
        begin, self._begin = self._begin, self._position + 1
        self._absorb(bytes((begin, flags)) + data)

    def _absorb(self, data: bytes) -> None:
        new = np.frombuffer(data, np.uint8)
        while len(new):
            take = min(len(new), RATE - self._position)
            self._state[self._position : self._position + take] ^= new[:take]
            self._position += take
            new = new[take:]
            if self._position == RATE:
                self._permute()

    def _permute(self) -> None:
        self._state[self._position] ^= self._begin
        self._state[self._position + 1] ^= 0x04
        self._state[RATE + 1] ^= 0x80
        keccak_f1600(self._words)
        self._position = self._begin = 0
