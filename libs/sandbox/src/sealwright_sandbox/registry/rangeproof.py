"""Checks Pedersen commitments and 32-bit Bulletproof range proofs on ristretto255, as the registry's verifier does.

A commitment is C = quantity·G + blinding·H. The proof (https://eprint.iacr.org/2017/1066, in the encoding of the dalek
`bulletproofs` crate, 608 bytes) shows that the hidden quantity is below 2^32. This module only verifies, and shares no
code with the prover that stamp uses.
"""

import hashlib
import secrets
from dataclasses import dataclass
from functools import cache

from sealwright_common.ristretto import rbcl

from sealwright_sandbox.registry.transcript import Transcript

ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes(32)
BITS = 32
ROUNDS = 5
PROOF_BYTES = 32 * (7 + 2 * ROUNDS + 2)

_SEED = b"3.141592653589793238462643383279502884197169"


@dataclass(frozen=True)
class Bases:
    """The points for the quantity (G) and for the blinding (H)."""

    quantity: bytes
    blinding: bytes


REGISTRY_BASES = Bases(
    rbcl.crypto_core_ristretto255_from_hash(hashlib.sha512(_SEED).digest()),
    rbcl.crypto_core_ristretto255_from_hash(hashlib.sha512(hashlib.sha512(_SEED).digest()).digest()),
)
"""The registry's own bases; not the defaults of the dalek crate."""


def commit(quantity: int, blinding: bytes, bases: Bases = REGISTRY_BASES) -> bytes:
    """The commitment to `quantity` (below 2^32) with a blinding of 32 bytes, little endian, below the group's order.

    Raises ValueError if either is out of range.
    """
    r = int.from_bytes(blinding, "little")
    if not 0 <= quantity < 2**BITS or len(blinding) != 32 or r >= ORDER:
        raise ValueError("the quantity must be below 2^32 and the blinding 32 bytes below the group's order")
    return _sum([(quantity, bases.quantity), (r, bases.blinding)])


def proof_is_valid(commitment: bytes, proof: bytes, label: bytes, bases: Bases = REGISTRY_BASES) -> bool:
    """Whether `proof` shows, under `label` (the stream id's text), that `commitment` hides a number below 2^32."""
    if len(proof) != PROOF_BYTES or len(commitment) != 32:
        return False
    parts = [proof[i : i + 32] for i in range(0, PROOF_BYTES, 32)]
    points, scalars = (
        [*parts[:4], *parts[7:-2]],
        [int.from_bytes(part, "little") for part in (*parts[4:7], *parts[-2:])],
    )
    if any(scalar >= ORDER for scalar in scalars) or IDENTITY in points:
        return False
    if not all(rbcl.crypto_core_ristretto255_is_valid_point(point) for point in (commitment, *points)):
        return False
    return _verify(commitment, points, scalars, label, bases)


def _verify(commitment: bytes, points: list[bytes], scalars: list[int], label: bytes, bases: Bases) -> bool:
    """The one equation that holds for a valid proof; both of the protocol's checks, joined by a random weight."""
    a_point, s_point, t1, t2, *rounds = points
    t_x, t_x_blinding, e_blinding, a, b = scalars
    transcript = Transcript(label)
    transcript.append(b"dom-sep", b"rangeproof v1")
    transcript.append_u64(b"n", BITS)
    transcript.append_u64(b"m", 1)
    _append(transcript, (b"V", commitment), (b"A", a_point), (b"S", s_point))
    y, z = _challenge(transcript, b"y"), _challenge(transcript, b"z")
    _append(transcript, (b"T_1", t1), (b"T_2", t2))
    x = _challenge(transcript, b"x")
    for name, scalar in ((b"t_x", t_x), (b"t_x_blinding", t_x_blinding), (b"e_blinding", e_blinding)):
        transcript.append(name, scalar.to_bytes(32, "little"))
    w = _challenge(transcript, b"w")
    transcript.append(b"dom-sep", b"ipp v1")
    transcript.append_u64(b"n", BITS)
    challenges: list[int] = []
    for left, right in zip(rounds[::2], rounds[1::2], strict=True):
        _append(transcript, (b"L", left), (b"R", right))
        challenges.append(_challenge(transcript, b"u"))

    inverses = [pow(u, -1, ORDER) for u in challenges]
    s = [1] * BITS  # s[i]: product of the challenges whose bit is set in i, and of the inverses of the others
    for i in range(BITS):
        for bit in range(ROUNDS):
            chosen = challenges if i >> (ROUNDS - 1 - bit) & 1 else inverses
            s[i] = s[i] * chosen[bit] % ORDER
    y_inverse, weight = pow(y, -1, ORDER), secrets.randbelow(ORDER)
    zz = z * z % ORDER
    delta = (z - zz) * sum(pow(y, i, ORDER) for i in range(BITS)) - zz * z * (2**BITS - 1)
    terms = [
        (1, a_point),
        (x, s_point),
        (weight * zz, commitment),
        (weight * x, t1),
        (weight * x * x, t2),
        (w * (t_x - a * b) + weight * (delta - t_x), bases.quantity),
        (-e_blinding - weight * t_x_blinding, bases.blinding),
    ]
    for u, inverse, left, right in zip(challenges, inverses, rounds[::2], rounds[1::2], strict=True):
        terms += [(u * u, left), (inverse * inverse, right)]
    y_power = 1
    for i, (g, h) in enumerate(zip(_vector(b"G"), _vector(b"H"), strict=True)):
        terms += [(-z - a * s[i], g), (z + y_power * (zz * 2**i - b * s[BITS - 1 - i]), h)]
        y_power = y_power * y_inverse % ORDER
    return _sum(terms) == IDENTITY


def _append(transcript: Transcript, *points: tuple[bytes, bytes]) -> None:
    for label, point in points:
        transcript.append(label, point)


def _challenge(transcript: Transcript, label: bytes) -> int:
    return int.from_bytes(transcript.challenge(label, 64), "little") % ORDER


def _sum(terms: list[tuple[int, bytes]]) -> bytes:
    total = IDENTITY
    for scalar, point in terms:
        factor = (scalar % ORDER).to_bytes(32, "little")
        product = rbcl.crypto_scalarmult_ristretto255_allow_scalar_zero(factor, point)
        total = rbcl.crypto_core_ristretto255_add(total, product)
    return total


@cache
def _vector(letter: bytes) -> tuple[bytes, ...]:
    """The vector generators of the dalek crate for one party."""
    stream = hashlib.shake_256(b"GeneratorsChain" + letter + bytes(4)).digest(64 * BITS)
    return tuple(rbcl.crypto_core_ristretto255_from_hash(stream[i : i + 64]) for i in range(0, 64 * BITS, 64))
