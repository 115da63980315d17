"""Merlin transcripts (https://merlin.cool): Fiat-Shamir challenges from STROBE-128 over Keccak-f[1600]."""

import struct

RATE = 166
"""Bytes a STROBE-128 state takes before it is permuted."""

META, ASSOCIATED, PRF = 16 | 2, 2, 1 | 2 | 4
"""STROBE operations: framing, associated data, and output; PRF forces a permutation first."""

MASK = (1 << 64) - 1
ROTATIONS = (1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44)
LANES = (10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1)


def _round_constants() -> tuple[int, ...]:
    """The 24 constants of FIPS 202, from their shift register."""
    constants, register = [], 1
    for _ in range(24):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register <<= 1
            if register & 0x100:
                register ^= 0x171
        constants.append(constant)
    return tuple(constants)


CONSTANTS = _round_constants()


def keccak_f1600(state: bytearray) -> None:
    """Permutes the 200 bytes of `state` in place (FIPS 202, section 3.3)."""
    a = list(struct.unpack("<25Q", state))
    for constant in CONSTANTS:
        c = [a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] for x in range(5)]
        for x in range(5):
            after = c[(x + 1) % 5]
            d = c[x - 1] ^ ((after << 1 | after >> 63) & MASK)
            for y in range(x, 25, 5):
                a[y] ^= d
        moving = a[1]
        for lane, rotation in zip(LANES, ROTATIONS, strict=True):
            a[lane], moving = (moving << rotation | moving >> (64 - rotation)) & MASK, a[lane]
        for y in range(0, 25, 5):
            p, q, r, s, t = a[y : y + 5]
            a[y : y + 5] = (p ^ (~q & r), q ^ (~r & s), r ^ (~s & t), s ^ (~t & p), t ^ (~p & q))
        a[0] ^= constant
    state[:] = struct.pack("<25Q", *a)


class Transcript:
    """A Merlin transcript: messages go in, challenges that depend on all of them come out."""

    def __init__(self, label: bytes) -> None:
        """A transcript of the protocol or context that `label` names."""
        self._state = bytearray(200)
        self._state[:18] = bytes((1, RATE + 2, 1, 0, 1, 96)) + b"STROBEv1.0.2"
        keccak_f1600(self._state)
        self._position = self._begin = 0
        self._operate(META)
        self._absorb(b"Merlin v1.0")
        self.append(b"dom-sep", label)

    def append(self, label: bytes, message: bytes) -> None:
        """Takes `message` in under `label`."""
        self._frame(label, len(message))
        self._operate(ASSOCIATED)
        self._absorb(message)

    def append_u64(self, label: bytes, number: int) -> None:
        """Takes `number` in as 8 bytes, little endian."""
        self.append(label, struct.pack("<Q", number))

    def challenge(self, label: bytes, length: int) -> bytes:
        """`length` bytes that depend on everything before."""
        self._frame(label, length)
        self._operate(PRF)
        return self._squeeze(length)

    def _frame(self, label: bytes, length: int) -> None:
        self._operate(META)
        self._absorb(label + struct.pack("<I", length))

    def _operate(self, flags: int) -> None:
        header = bytes((self._begin, flags))
        self._begin = self._position + 1
        self._absorb(header)
        if flags == PRF and self._position:
            self._permute()

    def _absorb(self, data: bytes) -> None:
        for byte in data:
            self._state[self._position] ^= byte
            self._position += 1
            if self._position == RATE:
                self._permute()

    def _squeeze(self, length: int) -> bytes:
        out = bytearray()
        for _ in range(length):
            out.append(self._state[self._position])
            self._state[self._position] = 0
            self._position += 1
            if self._position == RATE:
                self._permute()
        return bytes(out)

    def _permute(self) -> None:
        self._state[self._position] ^= self._begin
        self._state[self._position + 1] ^= 0x04
        self._state[RATE + 1] ^= 0x80
        keccak_f1600(self._state)
        self._position = self._begin = 0
