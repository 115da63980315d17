"""Reading certificates: one, a page, a history, and following one as it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import (
    Certificate,
    CertificateRef,
    CertificateState,
    DeliveryState,
    HistoryEntry,
    certificate_not_found,
)

from sealwright_stamp.ports import CertificateFilter, StampWork, Storage


@dataclass(frozen=True, slots=True)
class GetCertificate:
    """Reads one certificate."""

    storage: Storage

    async def __call__(self, call: Call, ref: CertificateRef) -> Certificate:
        """The certificate; NotFound otherwise."""
        async with self.storage.read() as work:
            return await current(work, call.tenant, ref)


async def current(work: StampWork, tenant: str, ref: CertificateRef) -> Certificate:
    """The certificate as this transaction sees it; NotFound otherwise."""
    certificate = await work.certificates.get(tenant, ref)
    if certificate is None:
        raise certificate_not_found(ref)
    return certificate


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which certificates, after which row, how many."""

    wanted: CertificateFilter
    after: int
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """Certificates, and the row the next page begins after (0 on the last)."""

    certificates: list[Certificate]
    next_after: int


@dataclass(frozen=True, slots=True)
class ListCertificates:
    """Lists certificates by filters, oldest first."""

    storage: Storage

    async def __call__(self, call: Call, request: PageRequest) -> Page:
        """One page."""
        async with self.storage.read() as work:
            found = await work.certificates.page(call.tenant, request.wanted, request.after, request.size + 1)
        more = len(found) > request.size
        page = found[: request.size]
        return Page([certificate for _, certificate in page], page[-1][0] if more else 0)


@dataclass(frozen=True, slots=True)
class GetHistory:
    """Tells every step of a certificate."""

    storage: Storage

    async def __call__(self, call: Call, ref: CertificateRef) -> Sequence[HistoryEntry]:
        """Oldest first; NotFound if there is no such certificate."""
        async with self.storage.read() as work:
            history = await work.certificates.history(call.tenant, ref)
        if not history:
            raise certificate_not_found(ref)
        return history


@dataclass(frozen=True, slots=True)
class Watch:
    """Follows a certificate until nothing more is to come."""

    storage: Storage
    interval: timedelta = timedelta(milliseconds=250)
    """Between two looks; steps made by any instance are seen."""

    async def __call__(self, call: Call, ref: CertificateRef) -> AsyncIterator[tuple[HistoryEntry, DeliveryState]]:
        """Its past steps, then each further one; ends when it has come to rest. NotFound if there is none."""
        seen = 0
        while True:
            async with self.storage.read() as work:
                certificate = await work.certificates.get(call.tenant, ref)
                if certificate is None:
                    raise certificate_not_found(ref)
                entries = await work.certificates.history(call.tenant, ref, seen) if certificate.version > seen else []
            for entry in entries:
                yield entry, certificate.delivery
                seen = entry.version
            if at_rest(certificate) and seen >= certificate.version:
                return
            await asyncio.sleep(self.interval.total_seconds())


def at_rest(certificate: Certificate) -> bool:
    """Whether nothing more happens to it unless somebody asks for it."""
    if certificate.state is CertificateState.ISSUED:
        return certificate.delivery in (DeliveryState.DELIVERED, DeliveryState.UNDELIVERABLE)
    return certificate.state in (CertificateState.FAILED, CertificateState.WITHDRAWN)
