"""Wrapped keys: made here, encrypted by the token's AES key at once, opened only into a bounded cache.

The blob is bound to the key's id, tenant, algorithm and purpose, so that no row can lend its key to another.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any
from uuid import UUID

from sealwright_common.domain.keys import Key

from sealwright_signer.crypto import signatures
from sealwright_signer.ports import Hsm, NewKey


def context(key: Key | NewKey) -> bytes:
    """What the wrapping is bound to."""
    return f"sealwright key {key.id} {key.tenant} {key.algorithm} {key.purpose}".encode()


class WrappedKeys:
    """Open wrapped keys of this process: at most ``limit``, the one unused for longest goes first."""

    def __init__(self, hsm: Hsm, limit: int) -> None:
        self._hsm = hsm
        self._limit = limit
        self._open: OrderedDict[UUID, Any] = OrderedDict()
        self._lock = threading.Lock()

    def make(self, new: NewKey) -> tuple[bytes, bytes]:
        """A new key: its public half and the wrapped private one. Blocking."""
        public_key, private = signatures.make(new.algorithm, new.rsa_bits)
        return public_key, self._hsm.wrap(private, context(new))

    def cached(self, key: Key) -> signatures.Signer | None:
        """The signing function if the key is open."""
        with self._lock:
            signer = self._open.get(key.id)
            if signer is not None:
                self._open.move_to_end(key.id)
            return signer

    def open_signer(self, key: Key, blob: bytes) -> signatures.Signer:
        """The signing function, opened by the token if need be. Blocking. DataLoss if the blob is not this key's."""
        signer = self.cached(key)
        if signer is None:
            signer = signatures.load_signer(key.algorithm, self._hsm.unwrap(blob, context(key)))
            with self._lock:
                self._open[key.id] = signer
                while len(self._open) > self._limit:
                    self._open.popitem(last=False)
        return signer

    def evict(self, key: Key) -> None:
        """Forgets an open key."""
        with self._lock:
            self._open.pop(key.id, None)
