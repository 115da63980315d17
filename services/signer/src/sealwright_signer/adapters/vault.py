"""The Vault port: keys of the token and wrapped keys behind one face; nothing unverified leaves it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from sealwright_common.domain.keys import Key, KeyAlgorithm, Protection
from sealwright_common.runtime.faults import fault_point

from sealwright_signer.adapters import blind, metrics
from sealwright_signer.adapters.executors import Threads
from sealwright_signer.adapters.token_process.process import TokenProcess
from sealwright_signer.adapters.withheld import withheld
from sealwright_signer.adapters.wrapped import WrappedKeys
from sealwright_signer.crypto import signatures
from sealwright_signer.crypto.privacypass import token_key_id
from sealwright_signer.ports import (
    BlindShare,
    BlindSignatures,
    InputKind,
    KeyPair,
    NewKey,
    SignatureFormat,
    StoredKey,
    TokenClaim,
    TokenKey,
)

Keyed = TypeVar("Keyed", BlindShare, TokenClaim)
R = TypeVar("R")
_QUICK = frozenset({KeyAlgorithm.EDDSA, KeyAlgorithm.ES256})
"""In software these take a tenth of a millisecond, less than the way to a thread and back."""


class KeyVault:
    """Private keys of both protections."""

    def __init__(self, token: TokenProcess, *, threads: int, cached_keys: int, makers: int = 1) -> None:
        """``threads`` sign in software, ``makers`` keys are made at a time; at most ``cached_keys`` wrapped keys are
        open in memory."""
        self._token = token
        self._signing = Threads("signing", threads)
        self._making = Threads("key-making", makers)
        self._makers = asyncio.Semaphore(makers)
        self._wrapped = WrappedKeys(token, decoding=self._signing, making=self._making, limit=cached_keys)

    async def create(self, keys: Sequence[NewKey]) -> list[KeyPair]:
        """New key pairs, made beside signing, which goes on."""
        failures: list[Exception] = []

        async def make(new: NewKey) -> KeyPair | None:
            async with self._makers:
                if failures:
                    return None
                try:
                    return await self._make(new)
                except Exception as failure:  # noqa: BLE001 - raised below, when none is being made any more
                    failures.append(failure)
                    return None

        made = await asyncio.gather(*map(make, keys))
        if failures:
            await self.discard([new.id for new in keys if new.protection is Protection.HSM])
            raise failures[0]
        fault_point("signer.keys_made")
        return [pair for pair in made if pair is not None]

    async def _make(self, new: NewKey) -> KeyPair:
        if new.protection is Protection.HSM:
            made, where = await self._token.generate(str(new.id), new.algorithm, new.rsa_bits)
            public_key = made.public_key
        else:
            public_key, where = await self._wrapped.make(new)
        return KeyPair(public_key, where, token_key_id(new.algorithm, public_key))

    async def sign(
        self, key: StoredKey, inputs: Sequence[bytes], kind: InputKind, form: SignatureFormat
    ) -> list[bytes]:
        """Verified signatures. A batch is split over the threads."""
        algorithm = key.key.algorithm
        signatures.check_format(algorithm, form)
        prepared = signatures.prepare(algorithm, inputs, kind)
        if key.key.protection is Protection.HSM:
            raw = await self._token.sign(_token_key(key.key), prepared)
        else:
            signer = self._wrapped.cached_signer(key.key) or await self._wrapped.open_signer(key)
            work = _checked(key.key, signer)
            quick = len(prepared) == 1 and algorithm in _QUICK
            raw = work(prepared) if quick else await self._signing.run_split(work, prepared)
        metrics.signatures(algorithm, key.key.protection).inc(len(raw))
        return list(signatures.write(algorithm, raw, form))

    async def check_blinded(self, shares: Sequence[BlindShare]) -> None:
        """Return if every token is one that its key signs."""
        await self._signing.run(lambda: blind.check(shares))

    async def blind_sign(self, shares: Sequence[BlindShare]) -> list[BlindSignatures]:
        """The shares' signatures; the shares are split over the threads."""
        by_scalar = [share for share in shares if share.key.key.algorithm.scalar]
        by_token = [share for share in shares if not share.key.key.algorithm.scalar]
        evaluated, signed = await asyncio.gather(
            self._with_scalars(by_scalar, blind.sign), asyncio.gather(*map(self._blind_sign_rsa, by_token))
        )
        made: Counter[KeyAlgorithm] = Counter()
        for share in shares:
            made[share.key.key.algorithm] += len(share.blinded_tokens)
        for algorithm, count in made.items():
            metrics.BLIND_SIGNATURES.labels(algorithm).inc(count)
        of_scalars, of_token = iter(evaluated), iter(signed)
        return [next(of_scalars if share.key.key.algorithm.scalar else of_token) for share in shares]

    async def verify_tokens(self, claims: Sequence[TokenClaim]) -> list[bool]:
        """Whether each token was made with its key; the claims are split over the threads."""
        return await self._with_scalars(claims, blind.verify)

    @property
    def root(self) -> str:
        """The root of trust, for people."""
        return self._token.root

    @property
    def token_ended(self) -> asyncio.Event:
        """Set whenever the process that holds the token has ended unasked."""
        return self._token.ended

    async def self_test(self) -> None:
        """One signature of the token; raises what signing would."""
        await self._token.check()

    async def close(self) -> None:
        """Ends the threads and forgets the keys that are open."""
        self._signing.close()
        self._making.close()
        self._wrapped.evict_all()

    async def destroy(self, key: StoredKey) -> None:
        """Removes a token's key; a wrapped key is gone with its blob, and from memory here."""
        if key.key.protection is Protection.HSM:
            await self.discard([key.key.id])
        else:
            self._wrapped.evict(key.key)

    async def discard(self, key_ids: Sequence[UUID]) -> None:
        """Removes whatever pairs of these ids the token has."""
        await self._token.destroy([str(key_id) for key_id in key_ids])

    async def _blind_sign_rsa(self, share: BlindShare) -> BlindSignatures:
        return BlindSignatures(tuple(await self._token.sign(_token_key(share.key.key), share.blinded_tokens)), b"")

    async def _with_scalars(self, items: Sequence[Keyed], work: Callable[[Keyed, bytes], R]) -> list[R]:
        """``work`` on each item and its key's scalar, split over the threads."""
        if not items:
            return []
        held = await self._wrapped.hold(item.key for item in items if item.key.key.algorithm.scalar)

        def part_work(part: Sequence[Keyed]) -> list[R]:
            return [work(item, held.scalar(item.key.key) if item.key.key.algorithm.scalar else b"") for item in part]

        # A caller that gives up does not stop the threads: what they use is wiped when they are done with it.
        working = asyncio.ensure_future(self._signing.run_split(part_work, items))
        working.add_done_callback(lambda _: held.release())
        return await asyncio.shield(working)


def _token_key(key: Key) -> TokenKey:
    return TokenKey(str(key.id), key.algorithm, key.public_key)


def _checked(key: Key, sign: signatures.Signer) -> Callable[[Sequence[bytes]], list[bytes]]:
    """``sign`` followed by verification with the public key on record: a faulty signature could give the key away."""
    check = signatures.checker(key.algorithm, key.public_key)

    def work(prepared: Sequence[bytes]) -> list[bytes]:
        raw = [sign(data) for data in prepared]
        if not all(map(check, prepared, raw)):
            raise withheld(str(key.id), key.algorithm)
        return raw

    return work
