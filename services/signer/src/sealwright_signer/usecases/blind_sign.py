"""Blind signing: each of an issuer's n unexpired keys signs its share of the blinded tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    Problem,
    Reason,
    Unavailable,
)
from sealwright_common.domain.keys import Key, KeyAlgorithm, KeyPurpose

from sealwright_signer.ports import (
    BlindShare,
    BlindSignatures,
    Freshness,
    Issuer,
    KeyBook,
    Store,
    StoredKey,
    Vault,
    Work,
)


@dataclass(frozen=True, slots=True)
class BlindItem:
    """Blinded tokens for one issuer."""

    issuer_type: str
    cohort: int
    blinded_tokens: Sequence[bytes]
    associated_data: bytes
    unreadable: Problem | None = None
    """Why the tokens could not be read at all (bad base64)."""


@dataclass(frozen=True, slots=True)
class SignedShare:
    """What one key signed."""

    item: int
    """Number of the item in the request."""
    key: Key
    blinded_tokens: Sequence[bytes]
    signatures: BlindSignatures
    associated_data: bytes


@dataclass(frozen=True, slots=True)
class RefusedItem:
    """Why an item was not signed; None if only because of another item."""

    item: int
    problem: Problem | None
    associated_data: bytes


@dataclass(frozen=True, slots=True)
class BlindAnswer:
    """The single answer to a request: shares in the order of items and windows, or refusals."""

    request_id: str
    results: Sequence[SignedShare | RefusedItem]


_REFUSALS = (InvalidArgument, FailedPrecondition, NotFound, AlreadyExists)
"""What is an answer to an item; anything else is an outage and must never be answered as permanent."""


class BlindSign:
    """All items of a request or none. Signing needs no transaction; its answer is recorded before it leaves."""

    def __init__(self, store: Store, book: KeyBook, vault: Vault, freshness: Freshness, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._vault = vault
        self._freshness = freshness
        self._clock = clock

    async def __call__(self, call: Call, items: Sequence[BlindItem]) -> BlindAnswer:
        """The answer, recorded under the call's request id."""
        answer = await self.sign(call.tenant, call.request_id or "", items)
        async with self._store.begin(call) as work:
            audit_answer(work, answer)
            return work.answer(answer)

    async def sign(self, tenant: str, request_id: str, items: Sequence[BlindItem]) -> BlindAnswer:
        """The answer, not recorded yet. Raises Unavailable while keys or schedule are away or behind."""
        self._freshness.check()
        shares: list[list[BlindShare]] = []
        problems: dict[int, Problem] = {}
        for number, item in enumerate(items):
            try:
                shares.append(await self._shares(tenant, item))
            except _REFUSALS as problem:
                problems[number] = problem
        results: list[SignedShare | RefusedItem] = []
        if not problems:
            for number, (item, part) in enumerate(zip(items, shares, strict=True)):
                try:
                    signed = await self._vault.blind_sign(part)
                except _REFUSALS as problem:
                    problems[number] = problem
                    break
                results += [
                    SignedShare(number, share.key.key, share.blinded_tokens, signatures, item.associated_data)
                    for share, signatures in zip(part, signed, strict=True)
                ]
        if problems:
            results = [RefusedItem(n, problems.get(n), item.associated_data) for n, item in enumerate(items)]
        return BlindAnswer(request_id, results)

    async def _shares(self, tenant: str, item: BlindItem) -> list[BlindShare]:
        """Which key signs what, every token checked. Raises one of the refusals, or Unavailable if keys are missing."""
        if item.unreadable is not None:
            raise item.unreadable
        issuer = await self._book.issuer(tenant, item.issuer_type)
        keys = await self._keys(tenant, issuer, item.cohort)
        tokens, n = item.blinded_tokens, issuer.modulus
        if not tokens:
            raise InvalidArgument.of("blinded_tokens", f"at least {n} tokens", reason=Reason.BLINDED_TOKENS_MISSING)
        if len(tokens) % n:
            raise InvalidArgument.of(
                "blinded_tokens",
                f"a positive multiple of {n} tokens for issuer {item.issuer_type}, not {len(tokens)}",
                reason=Reason.BLINDED_TOKENS_MODULUS,
            )
        if len(tokens) > n * issuer.max_tokens:
            raise InvalidArgument.of(
                "blinded_tokens",
                f"at most {n * issuer.max_tokens} tokens ({n} keys of {issuer.max_tokens}), not {len(tokens)}",
                reason=Reason.BLINDED_TOKENS_LIMIT,
            )
        if len(set(tokens)) != len(tokens):
            raise InvalidArgument.of("blinded_tokens", "each token once", reason=Reason.BLINDED_TOKEN_DUPLICATE)
        size = len(tokens) // n
        shares = [BlindShare(key, tuple(tokens[i * size : (i + 1) * size])) for i, key in enumerate(keys)]
        await self._vault.check_blinded(shares)
        return shares

    async def _keys(self, tenant: str, issuer: Issuer, cohort: int) -> list[StoredKey]:
        """The issuer's n unexpired keys with the earliest windows, each fit to sign."""
        now = self._clock.now()
        name = issuer.issuer_type
        if not issuer.signing or (issuer.expires_at is not None and issuer.expires_at <= now):
            raise FailedPrecondition(Reason.NO_ACTIVE_KEY, f"issuer {name} has ended and signs no more")
        keys = (await self._book.unexpired(tenant, name, cohort, now))[: issuer.modulus]
        for stored in keys:
            stored.key.check_signs(now, KeyPurpose.BLIND_SIGNATURE)
            if stored.key.algorithm is KeyAlgorithm.CBP_RISTRETTO255 and not issuer.allow_legacy_protocol:
                raise FailedPrecondition(
                    Reason.LEGACY_PROTOCOL_OFF,
                    f"issuer {name} does not allow the challenge-bypass protocol; see allow_legacy_protocol",
                )
        if len(keys) < issuer.modulus:
            if issuer.expires_at is not None:
                last = keys[-1].key.slot if keys else None
                if last is None or last.window.end >= issuer.expires_at:
                    raise FailedPrecondition(
                        Reason.NO_ACTIVE_KEY,
                        f"issuer {name} ends at {issuer.expires_at.isoformat()} and has {len(keys)} of"
                        f" {issuer.modulus} keys left, too few to sign",
                    )
            raise Unavailable(
                Reason.NO_ACTIVE_KEY,
                f"issuer {name} cohort {cohort} has {len(keys)} of {issuer.modulus} unexpired keys; repeat the call",
            )
        return keys


def audit_answer(work: Work, answer: BlindAnswer) -> None:
    """One audit row per signed item, with the slots of its issuer's cohort whose keys signed."""
    signed: dict[int, list[SignedShare]] = {}
    for result in answer.results:
        if isinstance(result, SignedShare):
            signed.setdefault(result.item, []).append(result)
    for shares in signed.values():
        slots = [share.key.slot for share in shares if share.key.slot is not None]
        work.audit(
            "issuer.blind_sign",
            slots[0].issuer_type,
            cohort=slots[0].cohort,
            slots=",".join(str(slot.slot) for slot in slots),
            count=sum(len(share.blinded_tokens) for share in shares),
            request=answer.request_id,
        )
