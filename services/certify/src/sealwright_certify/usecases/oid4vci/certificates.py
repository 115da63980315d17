"""Certificates of issuing keys: a request signed by the key itself, and the import of what an authority made of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, InvalidArgument, NotFound, Reason
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.domain.keys import KeyAlgorithm

from sealwright_certify.usecases.oid4vci.events import CertificatesStored
from sealwright_certify.usecases.oid4vci.ports import CertificateWriter, Oid4vciStore, SigningKeys

CERTIFIABLE = frozenset({KeyAlgorithm.ES256, KeyAlgorithm.ES384, KeyAlgorithm.EDDSA})
"""What certificates are asked for: what mdoc signers may have."""


@dataclass(frozen=True, slots=True)
class CertificateRequestCommand:
    """For which key, in whose name."""

    key_issuer: str
    key_id: str
    """Empty: the key that signs now."""
    common_name: str
    organization: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Makes requests and takes certificates in."""

    store: Oid4vciStore
    keys: SigningKeys
    writer: CertificateWriter

    async def request(self, call: Call, command: CertificateRequestCommand, now: datetime) -> tuple[str, str]:
        """PKCS#10 as PEM, and the id of its key. NotFound without such a key; FailedPrecondition for an RSA key and for
        one whose window has not begun: it signs nothing yet."""
        key = await self._key(call.tenant, command.key_issuer, command.key_id, now)
        body = self.writer.request_body(key, command.common_name, command.organization, command.country)
        [signature] = await self.keys.sign(call.tenant, key, [body])
        return pem("CERTIFICATE REQUEST", self.writer.signed(body, key.algorithm, signature)), key.key_id

    async def import_chain(self, call: Call, key_issuer: str, chain_pem: str, now: datetime) -> tuple[str, datetime]:
        """Stores a chain for the key its leaf is of: the key's id, and when the first certificate expires."""
        chain, thumbprint, expires = self.writer.read_chain(chain_pem, now)
        published = await self.keys.published(call.tenant, key_issuer, now)
        key = next((key for key in published if self.writer.thumbprint(key) == thumbprint), None)
        if key is None:
            raise InvalidArgument.of("chain_pem", f"a certificate for a published key of {key_issuer}")
        async with self.store.begin(call) as work:
            await work.certificates.put(call.tenant, key.key_id, chain, expires)
            work.emit(CertificatesStored(key_issuer, key.key_id, expires))
            work.audit("oid4vci.certificates.import", key.key_id, certificates=len(chain))
            answer = work.answer((key.key_id, expires))
        self.keys.forget()
        return answer

    async def _key(self, tenant: str, key_issuer: str, key_id: str, now: datetime) -> IssuerKey:
        if not key_id:
            return await self.keys.active(tenant, key_issuer, CERTIFIABLE, now)
        for key in await self.keys.published(tenant, key_issuer, now):
            if key.key_id == key_id:
                if key.algorithm not in CERTIFIABLE:
                    raise FailedPrecondition(
                        Reason.KEY_ALGORITHM_MISMATCH, "only ES256, ES384 and EdDSA keys are certified"
                    )
                return key
        raise NotFound(Reason.KEY_NOT_FOUND, f"{key_issuer} has no published key {key_id}; look at its schedule")


def pem(label: str, der: bytes) -> str:
    """DER as PEM."""
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join((f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""))
