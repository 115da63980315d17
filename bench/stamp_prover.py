"""Range proofs a second on one core: the service's prover against the straightforward one, and the batched verifier.

The straightforward prover multiplies by libsodium and folds the generators' scalars in Python, with the transcript in
Python: what one writes first from the paper. Figures are per second of processor time, so that a busy machine does not
change them. The issue's promise is a faster prover, not a figure: the goal asks for five times.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from statistics import median
from unittest import mock

import rbcl
from sealwright_sandbox.registry.transcript import Transcript as PlainTranscript
from sealwright_stamp.adapters.proofs import bases, prover
from sealwright_stamp.adapters.proofs.verifier import Claim, verify

from bench.framework import Row

BATCH = 32
ROUNDS = 5
LABEL = b"0192f0c1-7c1e-7d4f-8e2a-3b1f6c9d5e70"
_POINTS = (bases.VALUE_BASE, bases.BLINDING_BASE, *bases.G_VECTOR, *bases.H_VECTOR)


class _Plain(PlainTranscript):
    """The sandbox's transcript, in pure Python, under the names that the prover calls."""

    append_number = PlainTranscript.append_u64

    def challenge(self, label: bytes, length: int = 64) -> int:  # type: ignore[override]
        """A scalar."""
        return int.from_bytes(super().challenge(label, length), "little") % bases.ORDER


def _plain_multiply(places: Iterator[int], scalars: list[int]) -> bytes:
    """A sum of multiples, one libsodium multiplication after the other."""
    total = bytes(32)
    for place, scalar in zip(places, scalars, strict=True):
        if scalar:
            term = rbcl.crypto_scalarmult_ristretto255(scalar.to_bytes(32, "little"), _POINTS[place])
            total = rbcl.crypto_core_ristretto255_add(total, term)
    return total


def _claim() -> Claim:
    quantity, blinding = secrets.randbits(32), secrets.randbelow(bases.ORDER)
    commitment = prover.commit(quantity, blinding)
    return Claim(commitment, prover.prove(quantity, blinding, commitment, LABEL), LABEL)


def _rate(work: Callable[[], object], count: int) -> float:
    """``count`` things done by ``work`` over the processor time it takes; the median of some rounds."""
    rates: list[float] = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        rates.append(count / (time.process_time() - started))
    return median(rates)


def bench() -> Iterator[Row]:
    """The rows of the README."""
    claims = [_claim() for _ in range(BATCH)]
    assert verify(claims)
    fast = _rate(lambda: [_claim() for _ in range(BATCH)], BATCH)
    with (
        mock.patch.object(prover, "multiply", _plain_multiply),
        mock.patch.object(prover, "Transcript", _Plain),
    ):
        assert verify([_claim()])
        slow = _rate(lambda: [_claim() for _ in range(4)], 4)
    yield Row(
        name="stamp: commitments with range proofs, one core",
        ours=fast,
        against="libsodium and Python",
        figure=slow,
        goal=5.0,
        unit="proofs/s",
    )
    batched = _rate(lambda: verify(claims), BATCH)
    single = _rate(lambda: [verify([claim]) for claim in claims[:8]], 8)
    yield Row(
        name="stamp: range proofs verified 32 at a time, one core",
        ours=batched,
        against="one at a time",
        figure=single,
        goal=2.0,
        unit="proofs/s",
    )
