"""What happens to a signature that does not check: it is counted, logged and never released."""

from __future__ import annotations

import structlog
from sealwright_common.domain.errors import Internal, Problem, Reason
from sealwright_common.domain.keys import KeyAlgorithm

from sealwright_signer.adapters import metrics

log = structlog.get_logger(__name__)


def withheld(key_id: str, algorithm: KeyAlgorithm) -> Problem:
    """Raise it: Internal SIGNATURE_FAULTY."""
    metrics.FAULTY.labels(algorithm).inc()
    log.error("faulty signature withheld", key_id=key_id, algorithm=algorithm.value, blind=algorithm.blind)
    return Internal(
        Reason.SIGNATURE_FAULTY,
        f"key {key_id} made a signature that does not verify; it was withheld, nothing was signed",
    )
