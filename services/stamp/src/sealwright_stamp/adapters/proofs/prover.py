"""32-bit Bulletproofs (https://eprint.iacr.org/2017/1066) as the registry's verifier wants them: 608 bytes in the
encoding of the dalek ``bulletproofs`` crate.

The generators of the inner-product argument are never folded: each round's L and R are sums over the fixed generators
with folded scalars, so that every multiplication has its table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from secrets import randbelow

import numpy as np

from sealwright_stamp.adapters.proofs import bases, group
from sealwright_stamp.adapters.proofs.bases import BITS, ORDER
from sealwright_stamp.adapters.proofs.transcript import Transcript

PROOF_BYTES = 32 * (7 + 2 * 5 + 2)
VALUE, BLINDING, G_FIRST, H_FIRST = 0, 1, 2, 2 + BITS
"""Places of the bases in the tables."""
_ALL_BITS = np.arange(G_FIRST, H_FIRST + BITS)


@cache
def tables() -> np.ndarray:
    """Multiples of all 66 bases: 20 MB, made in a fraction of a second."""
    points = (bases.VALUE_BASE, bases.BLINDING_BASE, *bases.G_VECTOR, *bases.H_VECTOR)
    return group.build_tables(np.frombuffer(b"".join(points), np.uint8).reshape(-1, 32))


def multiply(places: np.ndarray, scalars: Sequence[int]) -> bytes:
    """Σ scalar · base over the bases at ``places``; scalars are reduced."""
    packed = np.frombuffer(b"".join([scalar.to_bytes(32, "little") for scalar in scalars]), np.uint8)
    out = np.empty(32, np.uint8)
    group.fixed_sum(tables(), places, packed.reshape(-1, 32), out)
    return out.tobytes()


_PEDERSEN = np.array((VALUE, BLINDING))


def commit(quantity: int, blinding: int) -> bytes:
    """The Pedersen commitment quantity·G + blinding·H. ValueError if either is out of range."""
    if not 0 <= quantity < 2**BITS or not 0 <= blinding < ORDER:
        raise ValueError("a quantity is below 2^32, a blinding below the group's order")
    return multiply(_PEDERSEN, (quantity, blinding))


def _random() -> int:
    return randbelow(ORDER)


def open_transcript(label: bytes, commitment: bytes) -> Transcript:
    """The beginning prover and verifier share; ``label`` is the stream id's text."""
    transcript = Transcript(label)
    transcript.append(b"dom-sep", b"rangeproof v1")
    transcript.append_number(b"n", BITS)
    transcript.append_number(b"m", 1)
    transcript.append(b"V", commitment)
    return transcript


def prove(quantity: int, blinding: int, commitment: bytes, label: bytes, random: Callable[[], int] = _random) -> bytes:
    """A proof that ``commitment`` hides a quantity below 2^32, bound to ``label``."""
    transcript = open_transcript(label, commitment)
    bits = [quantity >> i & 1 for i in range(BITS)]
    alpha, rho = random(), random()
    s_left, s_right = [random() for _ in range(BITS)], [random() for _ in range(BITS)]
    # A commits to the bits and to the bits minus one: one of the two bases of each bit.
    chosen = [G_FIRST + i if bit else H_FIRST + i for i, bit in enumerate(bits)]
    a_point = multiply(np.array([BLINDING, *chosen]), [alpha, *(1 if bit else ORDER - 1 for bit in bits)])
    s_point = multiply(np.concatenate(([BLINDING], _ALL_BITS)), [rho, *s_left, *s_right])
    transcript.append(b"A", a_point)
    transcript.append(b"S", s_point)
    y, z = transcript.challenge(b"y"), transcript.challenge(b"z")

    zz = z * z % ORDER
    l0 = [bit - z for bit in bits]
    r0: list[int] = []
    r1: list[int] = []
    y_power = 1
    for i, bit in enumerate(bits):
        r0.append((y_power * (bit - 1 + z) + (zz << i)) % ORDER)
        r1.append(y_power * s_right[i] % ORDER)
        y_power = y_power * y % ORDER
    t0 = sum(left * right for left, right in zip(l0, r0, strict=True))
    t2 = sum(left * right for left, right in zip(s_left, r1, strict=True))
    both = sum((a + b) * (c + d) for a, b, c, d in zip(l0, s_left, r0, r1, strict=True))
    t1 = (both - t0 - t2) % ORDER
    tau1, tau2 = random(), random()
    t1_point, t2_point = multiply(_PEDERSEN, (t1, tau1)), multiply(_PEDERSEN, (t2 % ORDER, tau2))
    transcript.append(b"T_1", t1_point)
    transcript.append(b"T_2", t2_point)
    x = transcript.challenge(b"x")

    left = [(a + b * x) % ORDER for a, b in zip(l0, s_left, strict=True)]
    right = [(a + b * x) % ORDER for a, b in zip(r0, r1, strict=True)]
    t_x = (t0 + x * (t1 + x * t2)) % ORDER
    t_x_blinding = (zz * blinding + x * (tau1 + x * tau2)) % ORDER
    e_blinding = (alpha + rho * x) % ORDER
    scalars = [number.to_bytes(32, "little") for number in (t_x, t_x_blinding, e_blinding)]
    for name, scalar in zip((b"t_x", b"t_x_blinding", b"e_blinding"), scalars, strict=True):
        transcript.append(name, scalar)
    w = transcript.challenge(b"w")
    return b"".join((a_point, s_point, t1_point, t2_point, *scalars, *_inner_product(transcript, w, y, left, right)))


def _inner_product(transcript: Transcript, w: int, y: int, a: list[int], b: list[int]) -> list[bytes]:
    """The argument that ⟨a, b⟩ is what it is, in rounds that halve the vectors: L and R of each, then a and b."""
    transcript.append(b"dom-sep", b"ipp v1")
    transcript.append_number(b"n", BITS)
    y_inverse = pow(y, -1, ORDER)
    # What each fixed generator has been multiplied by so far.
    g_factor = [1] * BITS
    h_factor = [1] * BITS
    for i in range(1, BITS):
        h_factor[i] = h_factor[i - 1] * y_inverse % ORDER
    out: list[bytes] = []
    half = BITS
    while half > 1:
        width, half = half, half // 2
        a_low, a_high, b_low, b_high = a[:half], a[half:], b[:half], b[half:]
        c_left = w * sum(p * q for p, q in zip(a_low, b_high, strict=True)) % ORDER
        c_right = w * sum(p * q for p, q in zip(a_high, b_low, strict=True)) % ORDER
        low, high = _halves(width)
        left_point = multiply(
            _round_places(width, 0),
            [
                c_left,
                *(a_low[i % half] * g_factor[i] % ORDER for i in high),
                *(b_high[i % half] * h_factor[i] % ORDER for i in low),
            ],
        )
        right_point = multiply(
            _round_places(width, 1),
            [
                c_right,
                *(a_high[i % half] * g_factor[i] % ORDER for i in low),
                *(b_low[i % half] * h_factor[i] % ORDER for i in high),
            ],
        )
        transcript.append(b"L", left_point)
        transcript.append(b"R", right_point)
        u = transcript.challenge(b"u")
        u_inverse = pow(u, -1, ORDER)
        a = [(p * u + q * u_inverse) % ORDER for p, q in zip(a_low, a_high, strict=True)]
        b = [(p * u_inverse + q * u) % ORDER for p, q in zip(b_low, b_high, strict=True)]
        for i in low:
            g_factor[i] = g_factor[i] * u_inverse % ORDER
            h_factor[i] = h_factor[i] * u % ORDER
        for i in high:
            g_factor[i] = g_factor[i] * u % ORDER
            h_factor[i] = h_factor[i] * u_inverse % ORDER
        out += (left_point, right_point)
    return [*out, a[0].to_bytes(32, "little"), b[0].to_bytes(32, "little")]


@cache
def _halves(width: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Generators that belong to the lower and to the upper half of vectors folded to ``width``."""
    low = tuple(i for i in range(BITS) if i % width < width // 2)
    return low, tuple(i for i in range(BITS) if i % width >= width // 2)


@cache
def _round_places(width: int, side: int) -> np.ndarray:
    """Places of the bases of L (0) or R (1) in a round: Q's, then half of the G, then half of the H."""
    low, high = _halves(width)
    g_half, h_half = (high, low) if side == 0 else (low, high)
    # Q is w·G: the base of the quantity, its factor in the scalar.
    return np.array([VALUE, *(G_FIRST + i for i in g_half), *(H_FIRST + i for i in h_half)])
