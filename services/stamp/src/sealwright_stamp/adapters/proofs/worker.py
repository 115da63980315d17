"""What a prover process does: owner keys, commitments and proofs for a share of a batch, verified before they leave."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from sealwright_common.domain.certificates import EndpointKey

from sealwright_stamp.adapters.proofs import prover
from sealwright_stamp.adapters.proofs.owner_keys import owner_key
from sealwright_stamp.adapters.proofs.verifier import Claim, verify

if TYPE_CHECKING:
    from sealwright_stamp.adapters.proofs.workers import Job


class FaultyProof(RuntimeError):
    """A proof made here does not verify; it is not let out."""


GIVE_WAY = 10
"""Niceness of the provers: the service and its database go first where processors are short, so that a caller waits
for no proof and the provers' queue does not run empty for want of a moment to fill it."""


def settle() -> None:
    """Run first in each worker: gives way to the service, and ends when it does, also when that is killed.

    A worker that waits for jobs would not notice: its siblings hold the other end of its queue, too.
    """
    os.nice(GIVE_WAY)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_after, args=(parent,), name="end with parent", daemon=True).start()


def _leave_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def warm_up() -> None:
    """Loads tables and compiled code, so that the first certificate does not wait for them."""
    commitment = prover.commit(1, 1)
    claim = Claim(commitment, prover.prove(1, 1, commitment, b"warm-up"), b"warm-up")
    if not verify([claim]):
        raise FaultyProof("the prover's own test failed")


def make(jobs: list[Job]) -> list[tuple[bytes, bytes, bytes]]:
    """Owner key, commitment and range proof of each job. Raises FaultyProof if one does not verify."""
    made: list[tuple[bytes, bytes, bytes]] = []
    claims: list[Claim] = []
    for job in jobs:
        blinding = int.from_bytes(job.blinding, "little")
        commitment = prover.commit(job.quantity, blinding)
        label = job.label.encode()
        proof = prover.prove(job.quantity, blinding, commitment, label)
        claims.append(Claim(commitment, proof, label))
        made.append((owner_key(EndpointKey(job.endpoint_key), job.position), commitment, proof))
    if not verify(claims):
        raise FaultyProof("a range proof did not verify; the batch is made again")
    return made
