"""Approving, rejecting and redelivering processes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, Reason
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState, Protocol

from sealwright_certify.ports import CertifyWork, Store, Wake
from sealwright_certify.usecases.events import ProcessMoved
from sealwright_certify.usecases.request_issuance import child_of, not_found


class Steering:
    """What an external approval system, or an operator, does to a process."""

    def __init__(self, store: Store, *, approved: Wake, settled: Wake, delivery_window: timedelta) -> None:
        self._store = store
        self._approved = approved
        self._settled = settled
        self._delivery_window = delivery_window

    async def approve(self, call: Call, id_: UUID) -> IssuanceProcess:
        """The process with the caller's approval; APPROVED once there are enough."""
        async with self._store.begin(call) as work:
            process = (await _locked(work, call, id_)).approve(call.caller, work.now)
            process = process.tried_until(work.now + self._delivery_window)
            await work.processes.save([process])
            if process.state is IssuanceState.APPROVED:
                work.emit(ProcessMoved(process))
            work.audit("issuance.approve", str(id_), approvals=len(process.approvals), state=process.state)
            work.answer(process)
        self._approved()
        return process

    async def reject(self, call: Call, id_: UUID, reason: str) -> IssuanceProcess:
        """The process in ERRORED; the holder is told ``reason``."""
        async with self._store.begin(call) as work:
            process = (await _locked(work, call, id_)).reject(reason, work.now)
            process = process.tried_until(work.now + self._delivery_window)
            await work.processes.save([process])
            work.emit(ProcessMoved(process))
            work.audit("issuance.reject", str(id_))
            work.answer(process)
        self._settled()
        return process

    async def redeliver(self, call: Call, id_: UUID) -> IssuanceProcess:
        """A child process that hands the same credentials over again.

        Raises FailedPrecondition if the process still runs, has no credentials, or its holder fetches them itself.
        """
        async with self._store.begin(call) as work:
            parent = await _locked(work, call, id_)
            if not parent.state.terminal:
                raise _conflict(f"process {id_} still runs; wait until it ended")
            if parent.protocol is not Protocol.DCP:
                raise _conflict(f"process {id_} is not delivered by certify; its credentials can be fetched")
            if not await work.credentials.of_processes(call.tenant, [parent.parent_id or parent.id]):
                raise _conflict(f"process {id_} has no credentials; the holder has to ask again")
            child = child_of(parent, work, call, self._delivery_window)
            if not await work.processes.insert([child]):
                raise _conflict("the holder has a running process for the same holderPid; wait until it ended")
            work.emit(ProcessMoved(child))
            work.audit("issuance.redeliver", str(child.id), parent=str(id_))
            work.answer(child)
        self._settled()
        return child


async def _locked(work: CertifyWork, call: Call, id_: UUID) -> IssuanceProcess:
    process = await work.processes.get(call.tenant, id_, lock=True)
    if process is None:
        raise not_found(id_)
    return process


def _conflict(message: str) -> FailedPrecondition:
    return FailedPrecondition(Reason.PROCESS_STATE_CONFLICT, message)
