"""A certificate authority of one's own, for development: certificates follow the keys without anybody's doing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from sealwright_common.domain.formats import IssuerKey
from sealwright_common.runtime.issuing_ca import IssuingCa
from sealwright_common.verify.keys import from_jwk

_SPAN = timedelta(days=90)


class DevelopmentAuthority:
    """Certifies the keys of the schedule, in the name of the certificate before."""

    def __init__(self, folder: Path) -> None:
        self._authority = IssuingCa.open(folder)

    def certify(self, key: IssuerKey, predecessor: bytes) -> tuple[list[bytes], datetime]:
        """The chain (DER, leaf first) and when it expires."""
        subject = x509.load_der_x509_certificate(predecessor).subject
        public = from_jwk({**key.jwk, "alg": key.algorithm.value})
        leaf = self._authority.certify_key(public.material, subject, _SPAN)
        return [leaf], x509.load_der_x509_certificate(leaf).not_valid_after_utc
