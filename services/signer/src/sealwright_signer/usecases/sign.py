"""Signing messages and digests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import FailedPrecondition, Reason
from sealwright_common.domain.keys import Key, KeyAlgorithm, KeyPurpose

from sealwright_signer.ports import InputKind, KeyBook, Ledger, SignatureFormat, Store, StoredKey, Vault


@dataclass(frozen=True, slots=True)
class IssuerName:
    """A time-aware issuer and its cohort."""

    issuer_type: str
    cohort: int


@dataclass(frozen=True, slots=True)
class SignCommand:
    """What to sign, by whom, for what."""

    signer: UUID | IssuerName
    purpose: KeyPurpose
    inputs: Sequence[bytes]
    algorithm: KeyAlgorithm | None = None
    kind: InputKind = InputKind.MESSAGE
    form: SignatureFormat = SignatureFormat.RAW


@dataclass(frozen=True, slots=True)
class Signed:
    """The signatures and the key that made them."""

    key: Key
    signatures: list[bytes]


class Sign:
    """Signs with a named key or an issuer's active key.

    With a request id the answer is recorded before it is released, so that a repeat gets the same bytes; without one no
    row is written, only the ledger is told.
    """

    def __init__(self, store: Store, book: KeyBook, vault: Vault, ledger: Ledger, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._vault = vault
        self._ledger = ledger
        self._clock = clock

    async def __call__(self, call: Call, command: SignCommand) -> Signed:
        """Verified signatures, all or none. FailedPrecondition tells why a key does not sign."""
        stored = await self._key(call, command)
        signatures = await self._vault.sign(stored, command.inputs, command.kind, command.form)
        signed = Signed(stored.key, signatures)
        if call.request_id is None:
            self._ledger.note(call, stored.key, len(signatures))
            return signed
        async with self._store.begin(call) as work:
            work.audit("key.sign", str(stored.key.id), count=len(signatures))
            return work.answer(signed)

    async def _key(self, call: Call, command: SignCommand) -> StoredKey:
        now = self._clock.now()
        if isinstance(command.signer, IssuerName):
            name = command.signer
            stored = await self._book.active(call.tenant, name.issuer_type, name.cohort, now)
        else:
            stored = await self._book.key(call.tenant, command.signer)
        stored.key.check_signs(now, command.purpose)
        if command.algorithm is not None and command.algorithm is not stored.key.algorithm:
            raise FailedPrecondition(
                Reason.KEY_ALGORITHM_MISMATCH,
                f"key {stored.key.id} signs {stored.key.algorithm}, not {command.algorithm}; name another key",
            )
        return stored
