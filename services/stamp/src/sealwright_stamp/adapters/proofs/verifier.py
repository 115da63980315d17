"""Verifies range proofs, many in one equation: each proof's checks under a random weight, one sum over fixed generators
and one over all the proofs' points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from secrets import randbits

import numpy as np

from sealwright_stamp.adapters.proofs import group, prover
from sealwright_stamp.adapters.proofs.bases import BITS, ORDER
from sealwright_stamp.adapters.proofs.prover import BLINDING, G_FIRST, H_FIRST, PROOF_BYTES, VALUE, open_transcript

_PLACES = np.array([VALUE, BLINDING, *range(G_FIRST, H_FIRST + BITS)])
_IDENTITY = bytes(32)


@dataclass(frozen=True, slots=True)
class Claim:
    """A commitment with the proof that it hides a quantity below 2^32, under a label."""

    commitment: bytes
    proof: bytes
    label: bytes


def verify(claims: Sequence[Claim]) -> bool:
    """Whether every claim holds."""
    fixed = [0] * len(_PLACES)
    points: list[bytes] = []
    scalars: list[int] = []
    for claim in claims:
        terms = _terms(claim)
        if terms is None:
            return False
        weight = randbits(128) | 1
        for place, scalar in enumerate(terms.fixed):
            fixed[place] += weight * scalar
        points += terms.points
        scalars += [weight * scalar % ORDER for scalar in terms.scalars]
    return bool(
        group.vanishes(
            prover.tables(), _PLACES, _packed([scalar % ORDER for scalar in fixed]),
            np.frombuffer(b"".join(points), np.uint8).reshape(-1, 32), _packed(scalars),
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Terms:
    """A proof's checks as one sum that is the identity: scalars of the fixed bases, points and their scalars."""

    fixed: list[int]
    points: list[bytes]
    scalars: list[int]


def _packed(scalars: Sequence[int]) -> np.ndarray:
    return np.frombuffer(b"".join([s.to_bytes(32, "little") for s in scalars]), np.uint8).reshape(-1, 32)


def _terms(claim: Claim) -> _Terms | None:
    """The equation of one proof; None if it is malformed."""
    if len(claim.proof) != PROOF_BYTES or len(claim.commitment) != 32:
        return None
    parts = [claim.proof[i : i + 32] for i in range(0, PROOF_BYTES, 32)]
    a_point, s_point, t1_point, t2_point = parts[:4]
    rounds = parts[7:-2]
    t_x, t_x_blinding, e_blinding, a, b = (int.from_bytes(part, "little") for part in (*parts[4:7], *parts[-2:]))
    if max(t_x, t_x_blinding, e_blinding, a, b) >= ORDER or _IDENTITY in (
        a_point,
        s_point,
        t1_point,
        t2_point,
        *rounds,
    ):
        return None
    transcript = open_transcript(claim.label, claim.commitment)
    transcript.append(b"A", a_point)
    transcript.append(b"S", s_point)
    y, z = transcript.challenge(b"y"), transcript.challenge(b"z")
    transcript.append(b"T_1", t1_point)
    transcript.append(b"T_2", t2_point)
    x = transcript.challenge(b"x")
    for name, part in zip((b"t_x", b"t_x_blinding", b"e_blinding"), parts[4:7], strict=True):
        transcript.append(name, part)
    w = transcript.challenge(b"w")
    transcript.append(b"dom-sep", b"ipp v1")
    transcript.append_number(b"n", BITS)
    challenges: list[int] = []
    for left, right in zip(rounds[::2], rounds[1::2], strict=True):
        transcript.append(b"L", left)
        transcript.append(b"R", right)
        challenges.append(transcript.challenge(b"u"))
    inverses = [pow(u, -1, ORDER) for u in challenges]
    c = randbits(128) | 1

    zz = z * z % ORDER
    y_inverse = pow(y, -1, ORDER)
    g_scalars: list[int] = []
    h_scalars: list[int] = []
    factors = _factors(challenges, inverses)
    y_power, y_sum = 1, 0
    y_back = 1
    for i in range(BITS):
        g_scalars.append((-z - a * factors[i]) % ORDER)
        h_scalars.append((z + y_back * ((zz << i) - b * factors[BITS - 1 - i])) % ORDER)
        y_sum += y_power
        y_power = y_power * y % ORDER
        y_back = y_back * y_inverse % ORDER
    delta = (z - zz) * y_sum - zz * z * (2**BITS - 1)
    fixed = [
        (w * (t_x - a * b) + c * (delta - t_x)) % ORDER,
        (-e_blinding - c * t_x_blinding) % ORDER,
        *g_scalars,
        *h_scalars,
    ]
    scalars = [c * zz, 1, x, c * x, c * x * x]
    for u, inverse in zip(challenges, inverses, strict=True):
        scalars += (u * u, inverse * inverse)
    points = [claim.commitment, a_point, s_point, t1_point, t2_point, *rounds]
    return _Terms(fixed, points, [scalar % ORDER for scalar in scalars])


def _factors(challenges: Sequence[int], inverses: Sequence[int]) -> list[int]:
    """What each generator of the bits has been multiplied by in the end: u of the rounds in whose upper half it was,
    1/u of the others. Those of the second vector are the same backwards."""
    factors = [1]
    for u, inverse in zip(challenges, inverses, strict=True):
        factors = [factor * side % ORDER for factor in factors for side in (inverse, u)]
    return factors
