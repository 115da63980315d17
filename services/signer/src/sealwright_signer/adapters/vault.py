"""The Vault port: keys of the token and wrapped keys behind one face; nothing unverified leaves it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import structlog
from sealwright_common.domain.errors import Internal, Reason
from sealwright_common.domain.keys import Key, KeyAlgorithm, Protection
from sealwright_common.runtime.faults import fault_point

from sealwright_signer.adapters import metrics
from sealwright_signer.adapters.blind import BlindSigning
from sealwright_signer.adapters.executors import Threads
from sealwright_signer.adapters.wrapped import WrappedKeys
from sealwright_signer.crypto import signatures
from sealwright_signer.crypto.privacypass import token_key_id
from sealwright_signer.ports import (
    BlindShare,
    BlindSignatures,
    Hsm,
    InputKind,
    KeyPair,
    NewKey,
    SignatureFormat,
    StoredKey,
    TokenClaim,
    TokenKey,
)

log = structlog.get_logger(__name__)
_QUICK = frozenset({KeyAlgorithm.EDDSA, KeyAlgorithm.ES256})
"""In software these take a tenth of a millisecond, less than the way to a thread and back."""


class KeyVault:
    """Private keys of both protections."""

    def __init__(self, hsm: Hsm, *, threads: int, cached_keys: int, makers: int = 1) -> None:
        """``threads`` sign, ``makers`` make keys; ``cached_keys`` wrapped keys at most are open in memory."""
        self._hsm = hsm
        self._signing = Threads("signing", threads)
        self._making = Threads("key-making", makers)
        self._wrapped = WrappedKeys(hsm, cached_keys)
        self._blind = BlindSigning(hsm, self._wrapped)

    async def create(self, keys: Sequence[NewKey]) -> list[KeyPair]:
        """New key pairs, made by threads of their own, so that signing goes on."""
        failures: list[Exception] = []

        def make(new: NewKey) -> KeyPair | None:
            if failures:
                return None
            try:
                return self._make(new)
            except Exception as failure:  # noqa: BLE001 - raised below, when no thread is at it any more
                failures.append(failure)
                return None

        made = await asyncio.gather(*(self._making.run(partial(make, new)) for new in keys))
        if failures:
            await self.discard([new.id for new in keys if new.protection is Protection.HSM])
            raise failures[0]
        fault_point("signer.keys_made")
        return [pair for pair in made if pair is not None]

    def _make(self, new: NewKey) -> KeyPair:
        if new.protection is Protection.HSM:
            made = self._hsm.generate(str(new.id), new.algorithm, new.rsa_bits)
            public_key, where = made.public_key, self._hsm.uri(made)
        else:
            public_key, where = self._wrapped.make(new)
        return KeyPair(public_key, where, token_key_id(new.algorithm, public_key))

    async def sign(
        self, key: StoredKey, inputs: Sequence[bytes], kind: InputKind, form: SignatureFormat
    ) -> list[bytes]:
        """Verified signatures. One waiting call shares a thread hop with others; a batch is split over the threads."""
        algorithm = key.key.algorithm
        signatures.check_format(algorithm, form)
        prepared = signatures.prepare(algorithm, inputs, kind)
        if key.key.protection is Protection.HSM:
            work = self._token_work(key.key)
        else:
            signer = self._wrapped.cached_signer(key.key)
            if signer is None:
                signer = await self._signing.run(lambda: self._wrapped.open_signer(key))
            work = _checked(key.key, lambda data: [signer(item) for item in data])
        if len(prepared) > 1:
            raw = await self._signing.run_split(work, prepared)
        elif key.key.protection is Protection.WRAPPED and algorithm in _QUICK:
            raw = work(prepared)
        else:
            raw = [await self._signing.run_together(key.key.id, work, prepared[0])]
        metrics.signatures(algorithm, key.key.protection).inc(len(raw))
        return list(signatures.write(algorithm, raw, form))

    async def check_blinded(self, shares: Sequence[BlindShare]) -> None:
        """Return if every token is one that its key signs."""
        await self._signing.run(lambda: self._blind.check(shares))

    async def blind_sign(self, shares: Sequence[BlindShare]) -> list[BlindSignatures]:
        """The shares' signatures; the shares are split over the threads."""
        signed = await self._signing.run_split(lambda part: [self._blind.sign(share) for share in part], shares)
        made: Counter[KeyAlgorithm] = Counter()
        for share in shares:
            made[share.key.key.algorithm] += len(share.blinded_tokens)
        for algorithm, count in made.items():
            metrics.BLIND_SIGNATURES.labels(algorithm).inc(count)
        return signed

    async def verify_tokens(self, claims: Sequence[TokenClaim]) -> list[bool]:
        """Whether each token was made with its key; the claims are split over the threads."""
        return await self._signing.run_split(lambda part: [self._blind.verify(claim) for claim in part], claims)

    @property
    def root(self) -> str:
        """The root of trust, for people."""
        return self._hsm.name

    async def self_test(self) -> None:
        """One signature of the token; raises what signing would."""
        await self._signing.run(self._hsm.check)

    async def close(self) -> None:
        """Ends the threads and gives the token back."""
        self._signing.close()
        self._making.close()
        self._wrapped.evict_all()
        await asyncio.to_thread(self._hsm.close)

    async def destroy(self, key: StoredKey) -> None:
        """Removes a token's key; a wrapped key is gone with its blob, and from memory here."""
        if key.key.protection is Protection.HSM:
            await self.discard([key.key.id])
        else:
            self._wrapped.evict(key.key)

    async def discard(self, key_ids: Sequence[UUID]) -> None:
        """Removes whatever pairs of these ids the token has."""

        def remove() -> None:
            for key_id in key_ids:
                self._hsm.destroy(str(key_id))

        await self._making.run(remove)

    def _token_work(self, key: Key) -> Callable[[Sequence[bytes]], list[bytes]]:
        token_key = _token_key(key)
        return _checked(key, lambda data: self._hsm.sign(token_key, data))


def _token_key(key: Key) -> TokenKey:
    return TokenKey(str(key.id), key.algorithm, key.public_key)


def _checked(key: Key, sign: Callable[[Sequence[bytes]], list[bytes]]) -> Callable[[Sequence[bytes]], list[bytes]]:
    """``sign`` followed by verification with the public key on record: a faulty signature could give the key away."""
    check = signatures.checker(key.algorithm, key.public_key)

    def work(prepared: Sequence[bytes]) -> list[bytes]:
        raw = sign(prepared)
        for data, signature in zip(prepared, raw, strict=True):
            if not check(data, signature):
                metrics.FAULTY.labels(key.algorithm).inc()
                log.error("faulty signature withheld", key_id=str(key.id), algorithm=key.algorithm.value)
                raise Internal(
                    Reason.SIGNATURE_FAULTY,
                    f"key {key.id} made a signature that does not verify; it was withheld, nothing was signed",
                )
        return raw

    return work
