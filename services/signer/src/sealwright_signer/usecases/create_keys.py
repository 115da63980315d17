"""Making keys, up to a thousand at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.keys import (
    RSA_ALGORITHMS,
    Key,
    KeyAlgorithm,
    KeyPurpose,
    KeySlot,
    KeyState,
    Protection,
    check_combination,
)

from sealwright_signer.ports import KeyEvent, KeyEventKind, KeyPair, NewKey, Store, StoredKey, Vault

_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What one new key shall be."""

    algorithm: KeyAlgorithm
    purpose: KeyPurpose
    protection: Protection = Protection.HSM
    state: KeyState = KeyState.PENDING
    slot: KeySlot | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    rsa_bits: int = 0
    """Modulus length; 0 means 2048 for RSA algorithms and is the only choice for others."""


class CreateKeys:
    """Notes which pairs the token is to make, makes them, then records all keys in one transaction.

    If the record is not made, the pairs are destroyed again; they were never told to anybody. What a crash leaves in
    the token is found by the note and cleared later.
    """

    def __init__(self, store: Store, vault: Vault, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock

    async def __call__(self, call: Call, specs: Sequence[KeySpec]) -> list[Key]:
        """The new keys, in order. InvalidArgument for impossible ones, AlreadyExists SLOT_TAKEN for a taken slot."""
        _check(specs)
        now = self._clock.now()
        new = [
            NewKey(new_id(now), call.tenant, s.algorithm, s.purpose, s.protection, s.rsa_bits or _RSA_BITS)
            for s in specs
        ]
        in_token = [n.id for n in new if n.protection is Protection.HSM]
        if in_token:
            async with self._store.begin(replace(call, request_id=None)) as work:
                await work.keys.begin_making(in_token)
        keys = await self._made(call, new, specs)
        complete = False
        try:
            async with self._store.begin(call) as work:
                await work.keys.insert(keys)
                work.emit(*(KeyEvent(KeyEventKind.CREATED, stored.key) for stored in keys))
                for stored in keys:
                    work.audit(
                        "key.create",
                        str(stored.key.id),
                        algorithm=stored.key.algorithm,
                        purpose=stored.key.purpose,
                        protection=stored.key.protection,
                    )
                answer = work.answer([stored.key for stored in keys])
                complete = True
        except BaseException:
            # Once the commit was tried its outcome is the database's: only what surely was not recorded is destroyed.
            if not complete:
                await asyncio.shield(self._vault.discard(in_token))
            raise
        return answer

    async def _made(self, call: Call, new: Sequence[NewKey], specs: Sequence[KeySpec]) -> list[StoredKey]:
        """The key pairs; a caller that gives up meanwhile leaves none behind."""

        async def make() -> list[StoredKey]:
            pairs = await self._vault.create(new)
            return [_stored(call, n, s, p, self._clock) for n, s, p in zip(new, specs, pairs, strict=True)]

        making = asyncio.ensure_future(make())
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            # The token cannot be interrupted: wait for what it makes and take it back.
            await asyncio.shield(self._discard_made(making))
            raise

    async def _discard_made(self, making: asyncio.Future[list[StoredKey]]) -> None:
        keys = await making
        await self._vault.discard([s.key.id for s in keys if s.key.protection is Protection.HSM])


def _check(specs: Sequence[KeySpec]) -> None:
    slots: set[tuple[str, int, int]] = set()
    for position, spec in enumerate(specs):
        path = f"keys[{position}]"
        check_combination(spec.algorithm, spec.purpose, spec.protection, path)
        if spec.rsa_bits and spec.algorithm not in RSA_ALGORITHMS:
            raise InvalidArgument.of(f"{path}.rsa_bits", f"0 for {spec.algorithm}, which is not RSA")
        if spec.state is KeyState.PUBLISHED and spec.slot is None:
            raise InvalidArgument.of(f"{path}.slot", "a slot for a key that is PUBLISHED ahead of its window")
        if spec.slot is not None:
            slot = (spec.slot.issuer_type, spec.slot.cohort, spec.slot.slot)
            if slot in slots:
                raise InvalidArgument.of(f"{path}.slot", "each slot once in a request")
            slots.add(slot)


def _stored(call: Call, new: NewKey, spec: KeySpec, pair: KeyPair, clock: Clock) -> StoredKey:
    key = Key(
        id=new.id,
        tenant=call.tenant,
        algorithm=spec.algorithm,
        purpose=spec.purpose,
        protection=spec.protection,
        state=spec.state,
        public_key=pair.public_key,
        created_time=clock.now(),
        slot=spec.slot,
        labels=dict(spec.labels),
        token_key_id=pair.token_key_id,
    )
    return StoredKey(key, pair.signing_key)
