"""A process that verifies signatures and does nothing else: ``python -m sealwright_common.verify.checker``.

It reads batches from its standard input and answers each on its standard output, in order; it ends with its input, so
that it never outlives its parent. A batch is its length (4 bytes, big-endian) and a marshalled list of :data:`Signed`;
the answer is as many bytes as the batch has signatures, 1 for a good one and 0 for a bad one.
"""

from __future__ import annotations

import marshal
import os
import signal
import sys
from collections.abc import Sequence
from typing import TypeAlias

from sealwright_common.verify.keys import from_encoded
from sealwright_common.verify.outcome import NotVerified

Signed: TypeAlias = tuple[str, bytes, bytes, bytes]
"""Algorithm, public key as the signer encodes it, message, and signature (r || s for ECDSA)."""


def verdicts(batch: Sequence[Signed]) -> bytes:
    """For each signature 1 if it is its key's over its message, else 0."""
    return bytes(_good(*signed) for signed in batch)


def _good(algorithm: str, public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        from_encoded(algorithm, public_key).verify(message, signature)
    except NotVerified:
        return False
    return True


def main() -> None:
    """Answers until the input ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the parent, which ends us when it is done
    batches = sys.stdin.buffer
    while size := batches.read(4):
        batch: list[Signed] = marshal.loads(batches.read(int.from_bytes(size, "big")))  # noqa: S302 - our parent's
        os.write(1, verdicts(batch))


if __name__ == "__main__":
    main()
