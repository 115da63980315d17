"""Wrapped keys: made here, encrypted by the token's AES key at once, opened only into a bounded cache.

The blob is bound to the key's id, tenant, algorithm and purpose, so that no row can lend its key to another. Scalars
are overwritten when they leave the cache; OpenSSL does the same with its own keys.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import os
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from uuid import UUID

from sealwright_common.domain.errors import FailedPrecondition, Reason
from sealwright_common.domain.keys import Key, KeyAlgorithm

from sealwright_signer.adapters.executors import Threads
from sealwright_signer.adapters.token_process.process import TokenProcess
from sealwright_signer.crypto import p384, signatures
from sealwright_signer.crypto.groups import Group
from sealwright_signer.crypto.p384 import P384_SHA384
from sealwright_signer.crypto.ristretto import RISTRETTO255
from sealwright_signer.ports import NewKey, StoredKey

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
    """One open key: a signing function or a scalar, and how many use the scalar now."""

    def __init__(self, signer: signatures.Signer | None, scalar: bytes) -> None:
        self.signer = signer
        self.scalar = scalar
        self.users = 0
        self.dropped = False

    def drop(self) -> None:
        """It is open no more: the scalar is overwritten once nobody uses it."""
        self.dropped = True
        if not self.users:
            self._wipe()

    def let_go(self) -> None:
        """One user less."""
        self.users -= 1
        if self.dropped and not self.users:
            self._wipe()

    def _wipe(self) -> None:
        if self.scalar:
            ctypes.memset(ctypes.c_char_p(self.scalar), 0, len(self.scalar))
            p384.forget_scalars()


class Held:
    """Secret scalars that are not wiped before they are released."""

    def __init__(self) -> None:
        self._held: dict[UUID, _Open] = {}

    def add(self, key_id: UUID, key: _Open) -> None:
        """Holds one more."""
        key.users += 1
        self._held[key_id] = key

    def scalar(self, key: Key) -> bytes:
        """The scalar of a key that was asked for."""
        return self._held[key.id].scalar

    def release(self) -> None:
        """Nobody uses them any more."""
        while self._held:
            self._held.popitem()[1].let_go()


class WrappedKeys:
    """Open wrapped keys of this process: at most ``limit``, the one unused for longest goes first.

    Used on the event loop alone.
    """

    def __init__(self, token: TokenProcess, *, decoding: Threads, making: Threads, limit: int) -> None:
        """``decoding`` are the threads that read private keys, ``making`` those that make them."""
        self._token = token
        self._decoding = decoding
        self._making = making
        self._limit = limit
        self._open: OrderedDict[UUID, _Open] = OrderedDict()

    async def make(self, new: NewKey) -> tuple[bytes, str]:
        """A new key: its public half and, as it is stored, the wrapped private one."""
        public_key, private = await self._making.run(partial(_make, new))
        return public_key, _WRAPPED + base64.b64encode(await self._token.wrap(private, context(new))).decode()

    def cached_signer(self, key: Key) -> signatures.Signer | None:
        """The signing function if the key is open."""
        found = self._found(key)
        return None if found is None else found.signer

    async def open_signer(self, key: StoredKey) -> signatures.Signer:
        """The signing function, opened by the token if need be. DataLoss if the blob is not this key's."""
        found = self._found(key.key)
        if found is None:
            plain = await self._unwrap(key)
            signer = await self._decoding.run(lambda: signatures.load_signer(key.key.algorithm, plain))
            found = self._keep(key.key, _Open(signer, b""))
        assert found.signer is not None
        return found.signer

    async def hold(self, keys: Iterable[StoredKey]) -> Held:
        """The secret scalars of keys, opened by the token if need be. DataLoss if a blob is not its key's."""
        held, closed = Held(), list[StoredKey]()
        try:
            for stored in {stored.key.id: stored for stored in keys}.values():
                found = self._found(stored.key)
                if found is None:
                    closed.append(stored)
                else:
                    held.add(stored.key.id, found)
            for stored, plain in zip(closed, await asyncio.gather(*map(self._unwrap, closed)), strict=True):
                held.add(stored.key.id, self._keep(stored.key, _Open(None, plain)))
        except BaseException:
            held.release()
            raise
        return held

    def evict(self, key: Key) -> None:
        """Forgets an open key."""
        found = self._open.pop(key.id, None)
        if found is not None:
            found.drop()

    def evict_all(self) -> None:
        """Forgets every open key."""
        while self._open:
            self._open.popitem()[1].drop()

    async def _unwrap(self, key: StoredKey) -> bytes:
        return await self._token.unwrap(_blob(key), context(key.key))

    def _found(self, key: Key) -> _Open | None:
        found = self._open.get(key.id)
        if found is not None:
            self._open.move_to_end(key.id)
        return found

    def _keep(self, key: Key, fresh: _Open) -> _Open:
        kept = self._open.setdefault(key.id, fresh)
        if kept is not fresh:
            fresh.drop()  # Another call opened it meanwhile.
        while len(self._open) > self._limit:
            self._open.popitem(last=False)[1].drop()
        return kept


def _make(new: NewKey) -> tuple[bytes, bytes]:
    """Public and private half of a new key."""
    group = GROUPS.get(new.algorithm)
    if group is None:
        return signatures.make(new.algorithm, new.rsa_bits)
    # 16 bytes more than the order has make the bias of the reduction negligible; zero does not happen.
    private = group.scalar(int.from_bytes(os.urandom(group.scalar_length + 16)))
    return group.multiply_base(private), private


def _blob(key: StoredKey) -> bytes:
    if not key.signing_key.startswith(_WRAPPED):
        raise FailedPrecondition(Reason.KEY_NOT_USABLE, f"key {key.key.id} has no wrapped private key")
    return base64.b64decode(key.signing_key.removeprefix(_WRAPPED))
