"""Wrapped keys: made here, encrypted by the token's AES key at once, opened only into a bounded cache.

The blob is bound to the key's id, tenant, algorithm and purpose, so that no row can lend its key to another. Scalars
are overwritten when they leave the cache; OpenSSL does the same with its own keys.
"""

from __future__ import annotations

import base64
import ctypes
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from sealwright_common.domain.errors import FailedPrecondition, Reason
from sealwright_common.domain.keys import Key, KeyAlgorithm

from sealwright_signer.crypto import p384, signatures
from sealwright_signer.crypto.groups import Group
from sealwright_signer.crypto.p384 import P384_SHA384
from sealwright_signer.crypto.ristretto import RISTRETTO255
from sealwright_signer.ports import Hsm, NewKey, StoredKey

_WRAPPED = "wrapped:"

GROUPS: dict[KeyAlgorithm, Group] = {
    KeyAlgorithm.VOPRF_RISTRETTO255: RISTRETTO255,
    KeyAlgorithm.CBP_RISTRETTO255: RISTRETTO255,
    KeyAlgorithm.VOPRF_P384: P384_SHA384,
}
"""Groups of the algorithms whose key is a scalar."""


def context(key: Key | NewKey) -> bytes:
    """What the wrapping is bound to."""
    return f"sealwright key {key.id} {key.tenant} {key.algorithm} {key.purpose}".encode()


class _Open:
    """One open key: a signing function or a scalar, and how many threads use the scalar now."""

    def __init__(self, signer: signatures.Signer | None, scalar: bytes) -> None:
        self.signer = signer
        self.scalar = scalar
        self.users = 0
        self.evicted = False

    def wipe(self) -> None:
        """Overwrites the scalar in place; nobody may use it any more."""
        if self.scalar:
            ctypes.memset(ctypes.c_char_p(self.scalar), 0, len(self.scalar))
            p384.forget_scalars()


class WrappedKeys:
    """Open wrapped keys of this process: at most ``limit``, the one unused for longest goes first."""

    def __init__(self, hsm: Hsm, limit: int) -> None:
        self._hsm = hsm
        self._limit = limit
        self._open: OrderedDict[UUID, _Open] = OrderedDict()
        self._lock = threading.Lock()

    def make(self, new: NewKey) -> tuple[bytes, str]:
        """A new key: its public half and, as it is stored, the wrapped private one. Blocking."""
        group = GROUPS.get(new.algorithm)
        if group is None:
            public_key, private = signatures.make(new.algorithm, new.rsa_bits)
        else:
            # 16 bytes more than the order has make the bias of the reduction negligible; zero does not happen.
            private = group.scalar(int.from_bytes(os.urandom(group.scalar_length + 16)))
            public_key = group.multiply_base(private)
        return public_key, _WRAPPED + base64.b64encode(self._hsm.wrap(private, context(new))).decode()

    def cached_signer(self, key: Key) -> signatures.Signer | None:
        """The signing function if the key is open."""
        with self._lock:
            found = self._open.get(key.id)
            if found is None:
                return None
            self._open.move_to_end(key.id)
            return found.signer

    def open_signer(self, key: StoredKey) -> signatures.Signer:
        """The signing function, opened by the token if need be. Blocking. DataLoss if the blob is not this key's."""
        algorithm = key.key.algorithm
        signer = self._opened(key, lambda plain: _Open(signatures.load_signer(algorithm, plain), b"")).signer
        assert signer is not None
        return signer

    @contextmanager
    def scalar(self, key: StoredKey) -> Iterator[bytes]:
        """The secret scalar for the length of a with block. Blocking. DataLoss if the blob is not this key's."""
        found = self._opened(key, lambda plain: _Open(None, plain), using=True)
        try:
            yield found.scalar
        finally:
            with self._lock:
                found.users -= 1
                if found.evicted and not found.users:
                    found.wipe()

    def evict(self, key: Key) -> None:
        """Forgets an open key."""
        with self._lock:
            found = self._open.pop(key.id, None)
            if found is not None:
                self._dropped(found)

    def evict_all(self) -> None:
        """Forgets every open key."""
        with self._lock:
            while self._open:
                self._dropped(self._open.popitem()[1])

    def _opened(self, stored: StoredKey, load: Callable[[bytes], _Open], *, using: bool = False) -> _Open:
        key = stored.key
        with self._lock:
            found = self._open.get(key.id)
            if found is not None:
                self._open.move_to_end(key.id)
                found.users += using
                return found
        fresh = load(self._hsm.unwrap(_blob(stored), context(key)))
        with self._lock:
            found = self._open.setdefault(key.id, fresh)
            found.users += using
            while len(self._open) > self._limit:
                self._dropped(self._open.popitem(last=False)[1])
        return found

    @staticmethod
    def _dropped(found: _Open) -> None:
        found.evicted = True
        if not found.users:
            found.wipe()


def _blob(key: StoredKey) -> bytes:
    if not key.signing_key.startswith(_WRAPPED):
        raise FailedPrecondition(Reason.KEY_NOT_USABLE, f"key {key.key.id} has no wrapped private key")
    return base64.b64decode(key.signing_key.removeprefix(_WRAPPED))
