"""The unit of work with certify's repositories."""

from __future__ import annotations

from sealwright_common.runtime.db import UnitOfWork

from sealwright_certify.adapters.postgres.attestations import AttestationRows
from sealwright_certify.adapters.postgres.certificates import CertificateRows
from sealwright_certify.adapters.postgres.credentials import CredentialRows
from sealwright_certify.adapters.postgres.definitions import DefinitionRows
from sealwright_certify.adapters.postgres.holders import HolderRows
from sealwright_certify.adapters.postgres.processes import ProcessRows
from sealwright_certify.adapters.postgres.status import StatusRows
from sealwright_certify.adapters.postgres.tenants import KeyRows, TenantRows
from sealwright_certify.adapters.postgres.tokens import TokenRows


class CertifyUnitOfWork(UnitOfWork):
    """One transaction over certify's tables."""

    @property
    def tenants(self) -> TenantRows:
        return TenantRows(self.connection)

    @property
    def keys(self) -> KeyRows:
        return KeyRows(self.connection)

    @property
    def definitions(self) -> DefinitionRows:
        return DefinitionRows(self.connection, self.now)

    @property
    def attestations(self) -> AttestationRows:
        return AttestationRows(self.connection, self.now)

    @property
    def holders(self) -> HolderRows:
        return HolderRows(self.connection, self.now)

    @property
    def processes(self) -> ProcessRows:
        return ProcessRows(self.connection)

    @property
    def credentials(self) -> CredentialRows:
        return CredentialRows(self.connection)

    @property
    def status(self) -> StatusRows:
        return StatusRows(self.connection)

    @property
    def certificates(self) -> CertificateRows:
        return CertificateRows(self.connection, self.now)

    @property
    def tokens(self) -> TokenRows:
        return TokenRows(self.connection)
