"""Withdrawals: asked for here, carried out by the same hops as issuing, listed once the registry has committed them."""

from __future__ import annotations

from dataclasses import dataclass

from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import (
    Certificate,
    CertificateRef,
    CertificatesChanged,
    CertificateState,
    DoorRules,
    Step,
    Withdrawn,
    certificate_not_found,
)
from sealwright_common.domain.errors import AlreadyExists, FailedPrecondition, PermissionDenied, Problem, Reason

from sealwright_stamp.ports import Move, Storage
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.look import current


@dataclass(frozen=True, slots=True)
class Withdraw:
    """ISSUED becomes WITHDRAWING; the registry decides about the rest."""

    storage: Storage
    rules: DoorRules
    patience: Patience

    async def __call__(self, call: Call, ref: CertificateRef) -> Certificate:
        """The certificate, WITHDRAWING. NotFound, AlreadyExists when it is withdrawn already or about to be,
        FailedPrecondition while it is being issued or when it never was."""
        async with self.storage.begin(call) as work:
            rows = await work.certificates.rows(call.tenant, [ref])
            certificate = await work.certificates.get(call.tenant, ref)
            if certificate is None:
                raise certificate_not_found(ref)
            allowed = self.rules.grid_areas.get(certificate.order.grid_area, frozenset())
            if allowed and call.caller not in allowed and "operator" not in call.roles:
                raise PermissionDenied(
                    Reason.CALLER_NOT_ALLOWED,
                    f"{call.caller} may not withdraw in grid area {certificate.order.grid_area}; "
                    "ask its operator to list the identity",
                )
            if (problem := _refusal(certificate)) is not None:
                raise problem
            await work.chain.forget_withdrawal([rows[ref]])
            (moved,) = await work.chain.move(
                [rows[ref]],
                Move(
                    Step.WITHDRAWING,
                    frozenset({CertificateState.ISSUED}),
                    CertificateState.WITHDRAWING,
                    work.now + self.patience.event,
                ),
            )
            work.emit(CertificatesChanged(Step.WITHDRAWING, (moved,)))
            work.audit("certificate.withdraw", f"{ref.registry}/{ref.certificate_id}")
            return work.answer(await current(work, call.tenant, ref))


def _refusal(certificate: Certificate) -> Problem | None:
    name = f"certificate {certificate.ref.certificate_id}"
    match certificate.state:
        case CertificateState.ISSUED:
            return None
        case CertificateState.WITHDRAWN:
            return AlreadyExists(Reason.CERTIFICATE_WITHDRAWN, f"{name} is withdrawn already; see ListWithdrawn")
        case CertificateState.WITHDRAWING:
            return AlreadyExists(
                Reason.CERTIFICATE_WITHDRAWN, f"{name} is being withdrawn already; watch it with WatchCertificate"
            )
        case CertificateState.FAILED:
            return FailedPrecondition(
                Reason.CERTIFICATE_STATE_CONFLICT,
                f"{name} was refused by the registry and never issued; its period may be issued under a new id",
            )
        case CertificateState.STUCK:
            return FailedPrecondition(
                Reason.CERTIFICATE_STATE_CONFLICT, f"{name} is stuck; resume it, then withdraw it once it is issued"
            )
        case _:
            return FailedPrecondition(
                Reason.CERTIFICATE_STATE_CONFLICT, f"{name} is still being issued; withdraw it once it is ISSUED"
            )


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A page of the withdrawn feed, and how many rows lie after the cursor in all."""

    rows: list[Withdrawn]
    total: int


@dataclass(frozen=True, slots=True)
class ListWithdrawn:
    """Reads the withdrawn feed."""

    storage: Storage

    async def __call__(self, call: Call, page: tuple[int, int, int | None]) -> FeedPage:
        """Rows after an id, without the first few, at most so many (None: all)."""
        after, skip, size = page
        async with self.storage.read() as work:
            rows, total = await work.withdrawals.page(call.tenant, after, skip, size)
        return FeedPage(rows, total)


@dataclass(frozen=True, slots=True)
class FindWithdrawn:
    """The feed's row of a certificate."""

    storage: Storage

    async def __call__(self, call: Call, ref: CertificateRef) -> Withdrawn | None:
        """The row, or None while the withdrawal is not committed."""
        async with self.storage.read() as work:
            return await work.withdrawals.find(call.tenant, ref)
