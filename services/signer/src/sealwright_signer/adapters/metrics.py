"""What the signer counts: signatures, blind signatures, and those that were faulty and withheld."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Gauge
from sealwright_common.domain.keys import KeyAlgorithm, Protection

SIGNATURES = Counter("sealwright_signer_signatures", "Signatures made and verified.", ("algorithm", "protection"))
BLIND_SIGNATURES = Counter("sealwright_signer_blind_signatures", "Blinded tokens signed and checked.", ("algorithm",))
FAULTY = Counter(
    "sealwright_signer_faulty_signatures",
    "Signatures that did not check and were withheld: alarm on any.",
    ("algorithm",),
)
TOKEN_PROCESS_ENDS = Counter(
    "sealwright_signer_token_process_ends", "Times the process that holds the token ended unasked."
)
TOKEN_UP = Gauge("sealwright_signer_token_up", "1 while the token's self-test signs, else 0.")


@cache
def signatures(algorithm: KeyAlgorithm, protection: Protection) -> Counter:
    """The counter of :data:`SIGNATURES` for both, found by its labels but once."""
    return SIGNATURES.labels(algorithm, protection)
