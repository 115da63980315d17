"""What people do when something does not move: resume what is stuck, redeliver what a wallet refused."""

from __future__ import annotations

from dataclasses import dataclass

from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import (
    Certificate,
    CertificateRef,
    CertificatesChanged,
    CertificateState,
    DeliveryState,
    Step,
    certificate_not_found,
)
from sealwright_common.domain.errors import FailedPrecondition, Reason

from sealwright_stamp.ports import Move, Storage
from sealwright_stamp.usecases.backoff import Patience
from sealwright_stamp.usecases.look import current


@dataclass(frozen=True, slots=True)
class Resume:
    """STUCK goes back to the state it stuck in and is due at once."""

    storage: Storage

    async def __call__(self, call: Call, ref: CertificateRef) -> Certificate:
        """The certificate as it goes on. NotFound; FailedPrecondition if it is not STUCK."""
        async with self.storage.begin(call) as work:
            resumed = await work.chain.resume(call.tenant, ref, work.now)
            if resumed is None:
                if await work.certificates.get(call.tenant, ref) is None:
                    raise certificate_not_found(ref)
                raise FailedPrecondition(
                    Reason.CERTIFICATE_STATE_CONFLICT,
                    f"certificate {ref.certificate_id} is not stuck; list stuck ones with ListCertificates",
                )
            work.emit(CertificatesChanged(Step.RESUMED, (resumed,)))
            work.audit("certificate.resume", f"{ref.registry}/{ref.certificate_id}")
            return work.answer(await current(work, call.tenant, ref))


@dataclass(frozen=True, slots=True)
class Redeliver:
    """UNDELIVERABLE becomes PENDING with a new deadline and is due at once."""

    storage: Storage
    patience: Patience

    async def __call__(self, call: Call, ref: CertificateRef) -> Certificate:
        """The certificate, its delivery PENDING. NotFound; FailedPrecondition unless UNDELIVERABLE."""
        async with self.storage.begin(call) as work:
            rows = await work.certificates.rows(call.tenant, [ref])
            certificate = await work.certificates.get(call.tenant, ref)
            if certificate is None:
                raise certificate_not_found(ref)
            undeliverable = certificate.delivery is DeliveryState.UNDELIVERABLE
            if not undeliverable or certificate.state is not CertificateState.ISSUED:
                raise FailedPrecondition(
                    Reason.CERTIFICATE_STATE_CONFLICT,
                    f"the slice of certificate {ref.certificate_id} is {certificate.delivery} and the certificate "
                    f"{certificate.state}; only an UNDELIVERABLE slice of an ISSUED one can be posted again",
                )
            (moved,) = await work.chain.move(
                [rows[ref]],
                Move(
                    Step.REDELIVERY,
                    frozenset({CertificateState.ISSUED}),
                    None,
                    work.now,
                    DeliveryState.PENDING,
                    work.now + self.patience.deliver_for,
                ),
            )
            work.emit(CertificatesChanged(Step.REDELIVERY, (moved,)))
            work.audit("slice.redeliver", f"{ref.registry}/{ref.certificate_id}")
            return work.answer(await current(work, call.tenant, ref))
