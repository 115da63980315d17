"""Issuance processes: one request for credentials and what becomes of it.

``SUBMITTED`` (waits for approval) to ``APPROVED`` (is generated and delivered) to ``DELIVERED``; ``ERRORED`` from
either. DELIVERED and ERRORED are terminal: delivering again makes a child process. Every change
grows ``version`` by one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sealwright_common.domain.credentials import CredentialDefinition, DefinitionRef
from sealwright_common.domain.errors import FailedPrecondition, PermissionDenied, Reason
from sealwright_common.domain.json_values import JsonObject


class IssuanceState(StrEnum):
    """Where a process stands."""

    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    DELIVERED = "DELIVERED"
    ERRORED = "ERRORED"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows."""
        return self in (IssuanceState.DELIVERED, IssuanceState.ERRORED)


class Protocol(StrEnum):
    """The door a process came through, and by which its credentials leave."""

    GRPC = "grpc"
    DCP = "dcp"
    OPENID4VCI = "openid4vci"


class IssuanceError(StrEnum):
    """Why a process is ERRORED."""

    REJECTED = "REJECTED"
    APPROVAL_EXPIRED = "APPROVAL_EXPIRED"
    GENERATION_FAILED = "GENERATION_FAILED"
    DELIVERY_REFUSED = "DELIVERY_REFUSED"
    DELIVERY_EXPIRED = "DELIVERY_EXPIRED"


class Phase(StrEnum):
    """What a worker has to do next for a process."""

    GENERATE = "generate"
    """Make, sign and store its credentials."""
    DELIVER = "deliver"
    """Hand the stored credentials to the holder."""
    REFUSE = "refuse"
    """Tell the holder that there will be none."""


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's yes."""

    approver: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuanceProcess:
    """One request for credentials."""

    id: UUID
    tenant: str
    state: IssuanceState
    protocol: Protocol
    protocol_version: str
    holder_did: str
    holder_pid: str
    """The holder's own id of the request, unique among its running requests."""
    definitions: tuple[DefinitionRef, ...]
    """Pinned when the request was accepted: an edited definition never changes a running process."""
    claims: JsonObject
    """Claims per attestation id, as the request met them."""
    create_time: datetime
    update_time: datetime
    version: int = 1
    parent_id: UUID | None = None
    access_token: bytes | None = None
    """The holder's token, encrypted; it goes back with the delivery."""
    error: IssuanceError | None = None
    error_detail: str = ""
    """For operators; never sent to the holder."""
    rejection_reason: str = ""
    """What the holder may know."""
    phase: Phase | None = None
    """What is to be done next; None when nothing is."""
    attempts: int = 0
    next_attempt_time: datetime | None = None
    """When the next attempt of the phase is due."""
    approvals: tuple[Approval, ...] = ()
    approvals_required: int = 0
    approval_deadline: datetime | None = None
    delivery_deadline: datetime | None = None
    """Until when generating and delivering, or telling of a refusal, is tried; None while it waits for approval."""
    outcome_unknown: bool = False
    """Whether an earlier delivery may have arrived although no answer came."""
    submitter: str = ""
    """Caller that asked on the holder's behalf; it may not approve what it asked for."""

    def approve(self, approver: str, now: datetime) -> IssuanceProcess:
        """One more approval; APPROVED once enough different people approved.

        Raises FailedPrecondition outside SUBMITTED or past the deadline, PermissionDenied for a second approval by the
        same approver, or by the submitter where more than one approval is needed (four eyes).
        """
        self._demand_submitted("approve")
        if self.approval_deadline is not None and now >= self.approval_deadline:
            raise FailedPrecondition(
                Reason.PROCESS_STATE_CONFLICT,
                f"process {self.id} could be approved until {self.approval_deadline}; ask again",
            )
        if any(approval.approver == approver for approval in self.approvals):
            raise PermissionDenied(
                Reason.CALLER_NOT_ALLOWED, "you approved this process already; another person has to"
            )
        if self.approvals_required > 1 and approver == self.submitter:
            raise PermissionDenied(
                Reason.CALLER_NOT_ALLOWED, "you submitted this process; other people have to approve it"
            )
        approvals = (*self.approvals, Approval(approver, now))
        if len(approvals) < self.approvals_required:
            return replace(self, approvals=approvals, update_time=now, version=self.version + 1)
        return self._next(IssuanceState.APPROVED, now, approvals=approvals, phase=Phase.GENERATE, next_attempt_time=now)

    def reject(self, reason: str, now: datetime) -> IssuanceProcess:
        """ERRORED with REJECTED; FailedPrecondition outside SUBMITTED."""
        self._demand_submitted("reject")
        return self.fail(IssuanceError.REJECTED, "rejected by an approver", now, rejection_reason=reason)

    def expire(self, now: datetime) -> IssuanceProcess:
        """ERRORED with APPROVAL_EXPIRED; FailedPrecondition outside SUBMITTED."""
        self._demand_submitted("expire")
        return self.fail(IssuanceError.APPROVAL_EXPIRED, "nobody approved it in time", now)

    def tried_until(self, deadline: datetime) -> IssuanceProcess:
        """With the deadline of what comes next; a process that still waits for approval stays without one."""
        return self if self.state is IssuanceState.SUBMITTED else replace(self, delivery_deadline=deadline)

    def generated(self, now: datetime) -> IssuanceProcess:
        """Its credentials are stored and go out next; FailedPrecondition outside APPROVED."""
        if self.state is not IssuanceState.APPROVED:
            raise self._conflict("generate")
        return replace(
            self, phase=Phase.DELIVER, attempts=0, next_attempt_time=now, update_time=now, version=self.version + 1
        )

    def delivered(self, now: datetime) -> IssuanceProcess:
        """DELIVERED; FailedPrecondition outside APPROVED."""
        if self.state is not IssuanceState.APPROVED:
            raise self._conflict("deliver")
        done = self._next(IssuanceState.DELIVERED, now, outcome_unknown=False)
        return replace(done, attempts=self.attempts + 1)

    def fail(self, error: IssuanceError, detail: str, now: datetime, rejection_reason: str = "") -> IssuanceProcess:
        """ERRORED; FailedPrecondition if it is terminal already."""
        if self.state.terminal:
            raise self._conflict("fail")
        told = self.protocol is Protocol.DCP and self.parent_id is None
        failed = self._next(IssuanceState.ERRORED, now, error=error, error_detail=detail[:1000])
        return replace(
            failed,
            rejection_reason=rejection_reason,
            phase=Phase.REFUSE if told else None,
            next_attempt_time=now if told else None,
            attempts=0,
        )

    def postponed(self, until: datetime, now: datetime, *, unknown: bool) -> IssuanceProcess:
        """One more attempt failed; the next is due at ``until``. No change of state, hence no new version."""
        return replace(
            self,
            attempts=self.attempts + 1,
            next_attempt_time=until,
            update_time=now,
            outcome_unknown=self.outcome_unknown or unknown,
        )

    def _next(
        self,
        state: IssuanceState,
        now: datetime,
        *,
        approvals: tuple[Approval, ...] | None = None,
        error: IssuanceError | None = None,
        error_detail: str = "",
        phase: Phase | None = None,
        next_attempt_time: datetime | None = None,
        outcome_unknown: bool | None = None,
    ) -> IssuanceProcess:
        return replace(
            self,
            state=state,
            update_time=now,
            version=self.version + 1,
            approvals=self.approvals if approvals is None else approvals,
            error=error,
            error_detail=error_detail,
            phase=phase,
            next_attempt_time=next_attempt_time,
            outcome_unknown=self.outcome_unknown if outcome_unknown is None else outcome_unknown,
        )

    def _demand_submitted(self, verb: str) -> None:
        if self.state is not IssuanceState.SUBMITTED:
            raise self._conflict(verb)

    def _conflict(self, verb: str) -> FailedPrecondition:
        return FailedPrecondition(
            Reason.PROCESS_STATE_CONFLICT, f"cannot {verb} process {self.id} in state {self.state}; see GetIssuance"
        )


def approvals_needed(definitions: tuple[CredentialDefinition, ...]) -> tuple[int, timedelta | None]:
    """The external approval predicate: how many approvals ``definitions`` need, and for how long they wait.

    The strictest definition decides. 0, the default, means none: the process starts APPROVED.
    """
    required = max(definition.approvals_required for definition in definitions)
    windows = [definition.approval_window for definition in definitions if definition.approval_window is not None]
    return required, min(windows, default=None)
