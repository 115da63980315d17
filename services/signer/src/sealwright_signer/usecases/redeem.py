"""Redemption: a token is checked against the key that made it, bound to a payload and spent once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.clock import Clock
from sealwright_common.domain.errors import Problem, Reason
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.keys import KeyAlgorithm, KeySlot, KeyState

from sealwright_signer.ports import Redemption, Store, StoredKey, TokenClaim, Vault, Work

RECORD_MARGIN = timedelta(days=2)
"""How much longer than its key's end a record is kept: more than the largest leeway the settings allow."""

TOKEN_TYPES: Mapping[int, tuple[KeyAlgorithm, int]] = {
    0x0001: (KeyAlgorithm.VOPRF_P384, 48),
    0x0002: (KeyAlgorithm.RSABSSA_DETERMINISTIC, 256),
    0x0005: (KeyAlgorithm.VOPRF_RISTRETTO255, 64),
}
"""Privacy Pass token types (RFC 9578) with algorithm and length of the authenticator."""
_TOKEN_INPUT_LENGTH = 98


class RedeemStatus(StrEnum):
    """What became of a token."""

    VERIFIED = "VERIFIED"
    DUPLICATE = "DUPLICATE"
    REFUSED = "REFUSED"
    UNVERIFIED = "UNVERIFIED"
    EXPIRED = "EXPIRED"
    UNKNOWN_ISSUER = "UNKNOWN_ISSUER"
    MALFORMED = "MALFORMED"


@dataclass(frozen=True, slots=True)
class PrivacyPassToken:
    """The Token structure of RFC 9577."""

    data: bytes


@dataclass(frozen=True, slots=True)
class ProtocolToken:
    """Input and output of RFC 9474 or RFC 9497, with the key's id."""

    key_id: UUID
    input: bytes
    output: bytes


@dataclass(frozen=True, slots=True)
class LegacyToken:
    """A challenge-bypass token: preimage and MAC of the payload."""

    preimage: bytes
    signature: bytes
    element: bytes
    """What the preimage maps to; empty if it is none that a token can be made of. Several map to the same, and who has
    one of them has all: this tells tokens apart, not the preimage."""


Token: TypeAlias = PrivacyPassToken | ProtocolToken | LegacyToken


@dataclass(frozen=True, slots=True)
class RedeemItem:
    """One token to redeem."""

    issuer_type: str
    cohort: int
    """0 for any."""
    token: Token
    payload: bytes
    associated_data: bytes = b""
    unreadable: Problem | None = None
    """Why the token could not be read at all."""


@dataclass(frozen=True, slots=True)
class RedeemOutcome:
    """What became of one token."""

    status: RedeemStatus
    associated_data: bytes
    redemption: Redemption | None = None
    """The record that holds, for VERIFIED and DUPLICATE."""
    reason: Reason | None = None
    message: str = ""


class _Refusal(Exception):
    """Why a token is not even checked against a key."""

    def __init__(self, status: RedeemStatus, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message


class Redeem:
    """Looks keys up set-wise, checks tokens outside the transaction, spends them in it."""

    def __init__(self, store: Store, vault: Vault, leeway: timedelta, clock: Clock) -> None:
        self._store = store
        self._vault = vault
        self._leeway = leeway
        self._clock = clock

    async def __call__(self, call: Call, items: Sequence[RedeemItem]) -> list[RedeemOutcome]:
        """One outcome per item, in order."""
        checked = await self.check(call.tenant, items)
        async with self._store.begin(call) as work:
            return work.answer(await spend(work, call.tenant, items, checked))

    async def check(self, tenant: str, items: Sequence[RedeemItem]) -> list[Redemption | RedeemOutcome]:
        """For each item the redemption to record, or the outcome if there is none."""
        now = self._clock.now()
        claims: dict[int, list[TokenClaim]] = {}
        results: dict[int, Redemption | RedeemOutcome] = {}
        async with self._store.read() as work:
            keys = await _Lookup.read(work, tenant, items, now, self._leeway)
        for number, item in enumerate(items):
            try:
                claims[number] = keys.claims(item)
            except _Refusal as refusal:
                results[number] = RedeemOutcome(
                    refusal.status, item.associated_data, None, refusal.reason, refusal.message
                )
        flat = [(number, claim) for number, part in claims.items() for claim in part]
        good = await self._vault.verify_tokens([claim for _, claim in flat])
        for (number, claim), verified in zip(flat, good, strict=True):
            if verified and number not in results:
                results[number] = _redemption(items[number], claim, now)
        for number in claims:
            results.setdefault(
                number,
                RedeemOutcome(
                    RedeemStatus.UNVERIFIED,
                    items[number].associated_data,
                    None,
                    Reason.TOKEN_UNVERIFIED,
                    "the token was not made by a key of this issuer that is valid now",
                ),
            )
        return [results[number] for number in range(len(items))]


async def spend(
    work: Work, tenant: str, items: Sequence[RedeemItem], checked: Sequence[Redemption | RedeemOutcome]
) -> list[RedeemOutcome]:
    """Records what was checked, in one statement, and tells the outcomes."""
    wanted = [result for result in checked if isinstance(result, Redemption)]
    held = iter(await work.redemptions.spend(tenant, wanted) if wanted else ())
    outcomes = [
        _outcome(item, result, next(held)) if isinstance(result, Redemption) else result
        for item, result in zip(items, checked, strict=True)
    ]
    spent: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.status is RedeemStatus.VERIFIED and outcome.redemption is not None:
            spent[str(outcome.redemption.key_id)] = spent.get(str(outcome.redemption.key_id), 0) + 1
    for key_id, count in spent.items():
        work.audit("token.redeem", key_id, count=count)
    return outcomes


def token_id(key_id: UUID, unique: bytes) -> bytes:
    """What makes a token unique: its key and its input, or a legacy one's element. The same however it is written."""
    return sha256(b"sealwright token" + key_id.bytes + unique).digest()


def _redemption(item: RedeemItem, claim: TokenClaim, now: datetime) -> Redemption:
    key = claim.key.key
    slot = key.slot
    assert slot is not None
    unique = item.token.element if isinstance(item.token, LegacyToken) else claim.input
    return Redemption(
        id=new_id(now),
        token_id=token_id(key.id, unique),
        key_id=key.id,
        issuer_type=slot.issuer_type,
        cohort=slot.cohort,
        binding=sha256(item.payload).digest(),
        time=now,
        keep_until=slot.window.end + RECORD_MARGIN,
    )


def _outcome(item: RedeemItem, mine: Redemption, held: Redemption) -> RedeemOutcome:
    if held.id == mine.id:
        return RedeemOutcome(RedeemStatus.VERIFIED, item.associated_data, held)
    if held.binding == mine.binding:
        return RedeemOutcome(RedeemStatus.DUPLICATE, item.associated_data, held)
    return RedeemOutcome(
        RedeemStatus.REFUSED,
        item.associated_data,
        None,
        Reason.TOKEN_SPENT,
        "the token was spent before, bound to another payload",
    )


@dataclass(frozen=True, slots=True)
class _Lookup:
    """The keys that a batch of items names."""

    now: datetime
    leeway: timedelta
    by_token_key_id: Mapping[bytes, StoredKey]
    by_id: Mapping[UUID, StoredKey]
    legacy: Mapping[tuple[str, int], Sequence[StoredKey]]
    legacy_allowed: Mapping[str, bool]

    @classmethod
    async def read(
        cls, work: Work, tenant: str, items: Sequence[RedeemItem], now: datetime, leeway: timedelta
    ) -> _Lookup:
        """Three reads at most for Privacy Pass and protocol tokens, one per issuer for legacy ones."""
        hashes = {i.token.data[66:98] for i in items if isinstance(i.token, PrivacyPassToken)}
        ids = {i.token.key_id for i in items if isinstance(i.token, ProtocolToken)}
        issuers = sorted({(i.issuer_type, i.cohort) for i in items if isinstance(i.token, LegacyToken)})
        allowed: dict[str, bool] = {}
        legacy: dict[tuple[str, int], list[StoredKey]] = {}
        for name, cohort in issuers:
            issuer = await work.schedule.issuer(tenant, name)
            if issuer is not None:
                allowed[name] = issuer.allow_legacy_protocol
                if issuer.allow_legacy_protocol:
                    legacy[name, cohort] = await work.keys.redeemable(tenant, name, cohort, now, leeway)
        return cls(
            now,
            leeway,
            await work.keys.by_token_key_id(tenant, sorted(hashes)) if hashes else {},
            await work.keys.get(tenant, sorted(ids)) if ids else {},
            legacy,
            allowed,
        )

    def claims(self, item: RedeemItem) -> list[TokenClaim]:
        """What is to be checked: one key, or every legacy key that may have made the token. Raises _Refusal."""
        if item.unreadable is not None:
            raise _Refusal(RedeemStatus.MALFORMED, item.unreadable.reason, item.unreadable.message)
        match item.token:
            case PrivacyPassToken(data):
                return [self._privacy_pass(item, data)]
            case ProtocolToken(key_id, token_input, output):
                stored = self._usable(item, self.by_id.get(key_id))
                return [TokenClaim(stored, token_input, output, item.payload)]
            case LegacyToken() as token:
                return self._legacy(item, token)

    def _privacy_pass(self, item: RedeemItem, data: bytes) -> TokenClaim:
        kind = TOKEN_TYPES.get(int.from_bytes(data[:2])) if len(data) >= _TOKEN_INPUT_LENGTH else None
        if kind is None or len(data) != _TOKEN_INPUT_LENGTH + kind[1]:
            raise _malformed("not a token of type 0x0001, 0x0002 or 0x0005 in its full length")
        stored = self._usable(item, self.by_token_key_id.get(data[66:98]))
        if stored.key.algorithm is not kind[0]:
            raise _malformed("the token's type is not that of the key it names")
        return TokenClaim(stored, data[:_TOKEN_INPUT_LENGTH], data[_TOKEN_INPUT_LENGTH:], item.payload)

    def _legacy(self, item: RedeemItem, token: LegacyToken) -> list[TokenClaim]:
        if item.issuer_type not in self.legacy_allowed:
            raise _unknown(item)
        if not self.legacy_allowed[item.issuer_type]:
            raise _Refusal(
                RedeemStatus.MALFORMED,
                Reason.LEGACY_PROTOCOL_OFF,
                f"issuer {item.issuer_type} does not allow the challenge-bypass protocol",
            )
        if not token.element or len(token.signature) != 64:
            raise _malformed("a legacy token has a preimage of 64 bytes, not all zero, and a signature of 64 bytes")
        keys = [
            stored
            for stored in self.legacy[item.issuer_type, item.cohort]
            if stored.key.algorithm is KeyAlgorithm.CBP_RISTRETTO255
        ]
        if not keys:
            raise _expired("no key of the issuer is valid now")
        return [TokenClaim(stored, token.preimage, token.signature, item.payload) for stored in keys]

    def _usable(self, item: RedeemItem, stored: StoredKey | None) -> StoredKey:
        """The key, if it is the issuer's, redeems at all and its window, widened by the leeway, holds now."""
        slot: KeySlot | None = None if stored is None else stored.key.slot
        if stored is None or slot is None or slot.issuer_type != item.issuer_type:
            raise _unknown(item)
        if item.cohort and slot.cohort != item.cohort:
            raise _unknown(item)
        if not stored.key.algorithm.blind:
            raise _malformed("the key it names makes no tokens")
        if stored.key.algorithm is KeyAlgorithm.CBP_RISTRETTO255:
            raise _malformed("challenge-bypass tokens are redeemed as legacy tokens")
        if stored.key.disabled:
            raise _Refusal(RedeemStatus.UNVERIFIED, Reason.KEY_DISABLED, "the token's key is disabled")
        if stored.key.state is KeyState.COMPROMISED:
            raise _Refusal(RedeemStatus.UNVERIFIED, Reason.KEY_COMPROMISED, "the token's key is compromised")
        if not slot.window.widened(self.leeway).contains(self.now) or not stored.signing_key:
            raise _expired("the window of the token's key is over, or has not begun")
        return stored


def _malformed(message: str) -> _Refusal:
    return _Refusal(RedeemStatus.MALFORMED, Reason.TOKEN_MALFORMED, message)


def _expired(message: str) -> _Refusal:
    return _Refusal(RedeemStatus.EXPIRED, Reason.KEY_OUT_OF_WINDOW, message)


def _unknown(item: RedeemItem) -> _Refusal:
    return _Refusal(RedeemStatus.UNKNOWN_ISSUER, Reason.ISSUER_UNKNOWN, f"issuer {item.issuer_type} has no such key")
