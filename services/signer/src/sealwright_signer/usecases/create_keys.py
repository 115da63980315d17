"""Making keys, up to a thousand at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import InvalidArgument, Reason, Unavailable
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
from sealwright_common.domain.together import Gather, alone

from sealwright_signer.ports import KeyEvent, KeyEventKind, KeyPair, NewKey, Store, StoredKey, Vault, Work

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


@dataclass(frozen=True, slots=True)
class _Made:
    """Keys of one call whose pairs are made, to be recorded."""

    call: Call
    keys: tuple[StoredKey, ...]

    @property
    def in_token(self) -> list[UUID]:
        """Ids of the pairs that the token has."""
        return [stored.key.id for stored in self.keys if stored.key.protection is Protection.HSM]


class CreateKeys:
    """Notes which pairs the token is to make, makes them, then records all keys of the call in one transaction.

    If the record is not made, the pairs are destroyed again; they were never told to anybody. What a crash leaves in
    the token is found by the note and cleared later. Calls that come at the same time share their transactions.
    """

    def __init__(self, store: Store, vault: Vault, clock: Clock, gather: Gather = alone) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._note = gather("notes of keys", self._note_all)
        self._record = gather("new keys", self._record_all)

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
            await self._note(in_token)
        pairs = await self._pairs(call.tenant, new, in_token)
        made = _Made(call, tuple(_stored(call, *each, self._clock) for each in zip(new, specs, pairs, strict=True)))
        # From here on a caller that gives up changes nothing: the commit it shares with others may be under way.
        return await asyncio.shield(asyncio.ensure_future(self._recorded(made)))

    async def _pairs(self, tenant: str, new: Sequence[NewKey], in_token: Sequence[UUID]) -> list[KeyPair]:
        """The key pairs; a caller that gives up meanwhile leaves none behind."""
        making = asyncio.ensure_future(self._vault.create(new))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            # The token cannot be interrupted: wait for what it makes and take it back.
            await asyncio.shield(self._take_back(tenant, in_token, making))
            raise

    async def _recorded(self, made: _Made) -> list[Key]:
        try:
            return await self._record(made)
        except Exception:
            await self._take_back(made.call.tenant, made.in_token)
            raise

    async def _take_back(
        self, tenant: str, ids: Sequence[UUID], making: asyncio.Future[list[KeyPair]] | None = None
    ) -> None:
        """Destroys pairs that are not recorded. Whether a commit that failed was made after all only the database
        knows; while it is away the pairs stay, to be cleared by their notes later."""
        if making is not None:
            await asyncio.wait([making])
        with suppress(Unavailable):
            async with self._store.begin_system("CreateKeys.take_back") as work:
                await work.keys.give_up(ids)
                recorded = await work.keys.get(tenant, ids)
                await self._vault.discard([key_id for key_id in ids if key_id not in recorded])

    async def _note_all(self, items: Sequence[Sequence[UUID]]) -> list[Exception | None]:
        async with self._store.begin_system("CreateKeys.note") as work:
            await work.keys.begin_making([key_id for ids in items for key_id in ids])
        return [None] * len(items)

    async def _record_all(self, items: Sequence[_Made]) -> list[list[Key] | Exception]:
        """Records the keys of several calls, each wholly or not at all; an answer or a refusal for each."""
        results: list[list[Key] | Exception] = []
        recorded: list[StoredKey] = []
        async with self._store.begin_system("CreateKeys.record") as work:
            refusals = await work.claim([item.call for item in items])
            being_made = await work.keys.being_made([key_id for item in items for key_id in item.in_token])
            for item, refusal in zip(items, refusals, strict=True):
                if refusal is None and not being_made.issuperset(item.in_token):
                    refusal = _given_up()
                if refusal is not None:
                    results.append(refusal)
                    continue
                recorded += item.keys
                with work.acting_for(item.call):
                    results.append(_tell(work, item.keys))
            await work.keys.insert(recorded)
        return results


def _tell(work: Work, keys: Sequence[StoredKey]) -> list[Key]:
    """Events, audit rows and the answer of one call."""
    work.emit(*(KeyEvent(KeyEventKind.CREATED, stored.key) for stored in keys))
    for stored in keys:
        key = stored.key
        work.audit("key.create", str(key.id), algorithm=key.algorithm, purpose=key.purpose, protection=key.protection)
    return work.answer([stored.key for stored in keys])


def _given_up() -> Unavailable:
    return Unavailable(
        Reason.TOKEN_UNAVAILABLE, "the token took too long to make these keys and they were given up; try again"
    )


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
