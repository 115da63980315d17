"""The unit of work of the whole service: certify's own rows and those of the OpenID4VCI door, in one transaction."""

from __future__ import annotations

from sealwright_certify.adapters.postgres.oid4vci import (
    AccessRows,
    IssuerRows,
    NotificationRows,
    OfferRows,
    OnceRows,
    TransactionRows,
)
from sealwright_certify.adapters.postgres.work import CertifyUnitOfWork


class Oid4vciUnitOfWork(CertifyUnitOfWork):
    """Certify's unit of work with this door's repositories."""

    @property
    def issuers(self) -> IssuerRows:
        """Issuer documents."""
        return IssuerRows(self.connection, self.now)

    @property
    def offers(self) -> OfferRows:
        """Offers."""
        return OfferRows(self.connection)

    @property
    def access(self) -> AccessRows:
        """Access tokens."""
        return AccessRows(self.connection)

    @property
    def once(self) -> OnceRows:
        """What may be used once."""
        return OnceRows(self.connection)

    @property
    def transactions(self) -> TransactionRows:
        """Deferred issuances."""
        return TransactionRows(self.connection)

    @property
    def notifications(self) -> NotificationRows:
        """What wallets said."""
        return NotificationRows(self.connection)
