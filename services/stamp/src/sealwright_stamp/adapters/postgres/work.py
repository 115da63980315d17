"""The unit of work with stamp's repositories."""

from __future__ import annotations

from sealwright_common.domain.certificates import CertificatesChanged
from sealwright_common.runtime.db import UnitOfWork

from sealwright_stamp.adapters.metrics import count_steps
from sealwright_stamp.adapters.postgres.certificates import PostgresCertificates
from sealwright_stamp.adapters.postgres.chain import PostgresChain
from sealwright_stamp.adapters.postgres.feed import PostgresWithdrawals
from sealwright_stamp.adapters.postgres.imports import PostgresImports
from sealwright_stamp.adapters.postgres.recipients import PostgresRecipients

SESSION = {"enable_seqscan": "off"}
"""Every statement finds its rows by an index. The planner thinks otherwise while a table is small or without
statistics, reads it whole, and keeps that plan while the table grows."""
EVENT_SIZE = 250
"""Most certificates one event carries."""


class PostgresWork(UnitOfWork):
    """One transaction."""

    @property
    def recipients(self) -> PostgresRecipients:
        """Stored recipients."""
        return PostgresRecipients(self.connection)

    @property
    def certificates(self) -> PostgresCertificates:
        """Stored certificates."""
        return PostgresCertificates(self.connection, self.now)

    @property
    def chain(self) -> PostgresChain:
        """Certificates on their way."""
        return PostgresChain(self.connection, self.now)

    @property
    def withdrawals(self) -> PostgresWithdrawals:
        """The withdrawn feed."""
        return PostgresWithdrawals(self.connection, self.now)

    @property
    def imports(self) -> PostgresImports:
        """Progress of imports."""
        return PostgresImports(self.connection, self.now)

    def emit(self, *events: object, trace: str | None = None) -> None:
        """Tells events when the transaction commits; a step of more certificates than one event carries in several,
        a step of none not at all."""
        for event in events:
            if isinstance(event, CertificatesChanged):
                count_steps(event.step, len(event.changes))
                for start in range(0, len(event.changes), EVENT_SIZE):
                    part = event.changes[start : start + EVENT_SIZE]
                    super().emit(CertificatesChanged(event.step, part, event.tenant), trace=trace)
            else:
                super().emit(event, trace=trace)
