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
    attempts: int = 0
    next_attempt_time: datetime | None = None
    approvals: tuple[Approval, ...] = ()
    approvals_required: int = 0
    approval_deadline: datetime | None = None
    delivery_deadline: datetime | None = None
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
        return self._next(IssuanceState.APPROVED, now, approvals=approvals)

    def reject(self, reason: str, now: datetime) -> IssuanceProcess:
        """ERRORED with REJECTED; FailedPrecondition outside SUBMITTED."""
        self._demand_submitted("reject")
        return self.fail(IssuanceError.REJECTED, "rejected by an approver", now, rejection_reason=reason)

    def expire(self, now: datetime) -> IssuanceProcess:
        """ERRORED with APPROVAL_EXPIRED; FailedPrecondition outside SUBMITTED."""
        self._demand_submitted("expire")
        return self.fail(IssuanceError.APPROVAL_EXPIRED, "nobody approved it in time", now)

    def delivered(self, now: datetime) -> IssuanceProcess:
        """DELIVERED; FailedPrecondition outside APPROVED."""
        if self.state is not IssuanceState.APPROVED:
            raise self._conflict("deliver")
        return self._next(IssuanceState.DELIVERED, now, outcome_unknown=False)

    def fail(self, error: IssuanceError, detail: str, now: datetime, rejection_reason: str = "") -> IssuanceProcess:
        """ERRORED; FailedPrecondition if it is terminal already."""
        if self.state.terminal:
            raise self._conflict("fail")
        return self._next(
            IssuanceState.ERRORED, now, error=error, error_detail=detail[:1000], rejection_reason=rejection_reason
        )

    def _next(self, state: IssuanceState, now: datetime, **changes: object) -> IssuanceProcess:
        moved = replace(self, state=state, update_time=now, version=self.version + 1, next_attempt_time=None)
        return replace(moved, **changes)  # pyright: ignore[reportArgumentType]

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
