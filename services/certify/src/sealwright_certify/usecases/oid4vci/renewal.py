"""Certificates follow the keys: a key that comes after a certified one gets a certificate before it is needed.

With a development authority certify asks for it by itself. With an authority outside it tells that one is due, once a
day and key, with the request signed by the key; a key signs no request before its window opens, so schedules with an
overlap leave time: until the new key's certificate is imported, the old key signs on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Problem
from sealwright_common.domain.formats import IssuerKey

from sealwright_certify.ports import DueCertificate
from sealwright_certify.usecases.oid4vci.certificates import CERTIFIABLE, pem
from sealwright_certify.usecases.oid4vci.events import CertificateDue, CertificatesStored
from sealwright_certify.usecases.oid4vci.ports import (
    CertificateAuthority,
    CertificateWriter,
    Oid4vciStore,
    SigningKeys,
)

ASK_AGAIN = timedelta(days=1)
"""How often an operator is told of the same missing certificate."""

_MOST = 200

Alarm = Callable[[int, float | None], None]
"""Told how many certificates are due, and in how many seconds the first issuer would have none (None: none is due)."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """Renews what it may, and says what it may not."""

    store: Oid4vciStore
    keys: SigningKeys
    writer: CertificateWriter
    authority: CertificateAuthority | None
    clock: Clock
    alarm: Alarm

    async def run(self) -> None:
        """One round over all issuers that use certificates. One key's problem does not stop the others'; the first
        one is raised at the end."""
        now = self.clock.now()
        async with self.store.read() as work:
            due = await work.certificates.due(now, _MOST)
        problems: list[Problem] = []
        left: list[DueCertificate] = []
        for item in due:
            try:
                if not await self._renew(item, now):
                    left.append(item)
            except Problem as problem:
                problems.append(problem)
                left.append(item)
        seconds = min(((item.covered - now).total_seconds() for item in left), default=None)
        self.alarm(len(left), seconds)
        if problems:
            raise problems[0]

    async def _renew(self, due: DueCertificate, now: datetime) -> bool:
        """Whether the key has its certificate now."""
        scheduled = due.key
        self.keys.forget()
        published = await self.keys.published(scheduled.tenant, scheduled.issuer, now)
        key = next((key for key in published if key.key_id == scheduled.key_id), None)
        if key is None or key.algorithm not in CERTIFIABLE:
            return True
        if self.authority is None:
            await self._ask(due, key, now)
            return False
        chain, expires = self.authority.certify(key, due.predecessor)
        async with self.store.begin_system("certificate renewal", scheduled.tenant) as work:
            await work.certificates.put(scheduled.tenant, key.key_id, chain, expires)
            work.emit(CertificatesStored(scheduled.issuer, key.key_id, expires))
            work.audit("oid4vci.certificates.renew", key.key_id, certificates=len(chain))
        self.keys.forget()
        return True

    async def _ask(self, due: DueCertificate, key: IssuerKey, now: datetime) -> None:
        """Tells that a certificate is due, unless it was told within a day; again once the key can sign the request."""
        scheduled, request = due.key, ""
        signs = scheduled.window.start <= now
        if due.told is not None and now - due.told < ASK_AGAIN and (not signs or due.told >= scheduled.window.start):
            return
        if signs:
            body = self.writer.request_like(key, due.predecessor)
            [signature] = await self.keys.sign(scheduled.tenant, key, [body])
            request = pem("CERTIFICATE REQUEST", self.writer.signed(body, key.algorithm, signature))
        async with self.store.begin_system("certificate renewal", scheduled.tenant) as work:
            if await work.certificates.tell(scheduled.tenant, key.key_id, now, due.told):
                work.emit(CertificateDue(scheduled.issuer, key.key_id, request, due.covered))
                work.audit("oid4vci.certificates.due", key.key_id, request=bool(request))
