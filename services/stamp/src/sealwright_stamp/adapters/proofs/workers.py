"""Worker processes that make owner keys, commitments and range proofs; started once, fed batches."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import structlog
from sealwright_common.domain.errors import Reason, Unavailable
from sealwright_common.runtime.faults import fault_point

from sealwright_stamp.ports import Item, Material

log = structlog.get_logger(__name__)

SHARE = 32
"""Most proofs one task makes: small enough to spread a batch, large enough to verify them together."""
RESTART_SECONDS = 1.0
"""Pause before provers that could not start are started anew."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know of a certificate."""

    endpoint_key: bytes
    position: int
    quantity: int
    blinding: bytes
    label: str


class ProofWorkers:
    """A pool of processes. A part of the app: the first proofs need not wait for the workers to warm up."""

    def __init__(self, processes: int = 0) -> None:
        self.name = "provers"
        self._processes = processes or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._warm = False
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the processes; they load their tables while the service already serves."""
        self._open()

    async def stop(self) -> None:
        """Ends them; what they were at is made again by whoever asks."""
        if self._warming is not None:
            self._warming.cancel()
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    def ready(self) -> str | None:
        """None once a worker can prove."""
        return None if self._warm else "the provers are loading their tables"

    async def make(self, items: Sequence[Item]) -> list[Material]:
        """Owner keys, commitments and verified range proofs, in the order of the items."""
        jobs = [
            Job(
                item.endpoint.key.raw,
                item.position,
                item.order.quantity,
                item.blinding,
                str(item.ref.certificate_id),
            )
            for item in items
        ]
        if not jobs:
            return []
        share = max(1, min(SHARE, -(-len(jobs) // self._processes)))
        parts = [jobs[start : start + share] for start in range(0, len(jobs), share)]
        made = await asyncio.gather(*(self._run(part) for part in parts))
        fault_point("stamp.proved")
        return [material for part in made for material in part]

    async def _run(self, jobs: Sequence[Job]) -> list[Material]:
        from sealwright_stamp.adapters.proofs import worker

        pool = self._pool
        if pool is None:
            raise Unavailable(Reason.STOPPING, "the provers are stopped; the certificates are taken up again later")
        try:
            made = await asyncio.get_running_loop().run_in_executor(pool, worker.make, list(jobs))
        except BrokenProcessPool as error:
            if self._pool is pool:
                log.error("a prover process died; starting new ones")
                pool.shutdown(wait=False, cancel_futures=True)
                self._open()
            raise Unavailable(Reason.PEER_UNAVAILABLE, "a prover process died; the batch is made again") from error
        return [Material(*parts) for parts in made]

    def _open(self) -> None:
        from sealwright_stamp.adapters.proofs import worker

        # Spawned, not forked: the gRPC core does not survive a fork.
        self._pool = ProcessPoolExecutor(
            self._processes, multiprocessing.get_context("spawn"), initializer=worker.settle
        )
        self._warm = False
        self._warming = asyncio.create_task(self._warm_up(self._pool), name="warm up the provers")

    async def _warm_up(self, pool: ProcessPoolExecutor) -> None:
        """One worker first: where the code is not compiled yet it compiles it (some 25 s) and the others find it."""
        from sealwright_stamp.adapters.proofs import worker

        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(pool, worker.warm_up)
            self._warm = True
            await asyncio.gather(*(loop.run_in_executor(pool, worker.warm_up) for _ in range(self._processes)))
        except (BrokenProcessPool, worker.FaultyProof) as error:
            log.error("a prover could not start; starting new ones", exc_info=error)
            await asyncio.sleep(RESTART_SECONDS)
            if self._pool is pool:
                pool.shutdown(wait=False, cancel_futures=True)
                self._open()
