"""The credential endpoint: token, proofs and nonce in, credentials or a transaction id out.

A bad proof refuses the whole request, and nothing is used up: proofs are checked before the nonce is claimed, in
one transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sealwright_common.domain.call import Call
from sealwright_common.domain.formats import HolderKey
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.oid4vci import Configuration, Issuer
from sealwright_common.domain.oid4vci_grants import Access, Transaction, secret_hash

from sealwright_certify.usecases.oid4vci.authorize import (
    Presented,
    checked_access,
    chosen_configuration,
    foreign_access,
    proof_used,
)
from sealwright_certify.usecases.oid4vci.errors import ProtocolError, invalid_nonce, invalid_proof
from sealwright_certify.usecases.oid4vci.events import DeferralDecided
from sealwright_certify.usecases.oid4vci.issue import Finished, Issuance, Made, Order
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.ports import (
    ForeignTokens,
    Issued,
    Nonces,
    Oid4vciStore,
    Oid4vciWork,
    OnceClaim,
    ProofChecker,
    ProofExpectation,
    Proven,
)

DEFERRED_LIFETIME = timedelta(days=30)
"""How long a deferred issuance waits for its decision and its wallet."""


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """A credential request, decrypted if it was encrypted."""

    presented: Presented
    body: Mapping[str, Any]
    encrypted: bool
    """Whether it came as a JWE."""
    response_encrypted: bool
    """Whether it asks for an encrypted response (whose parameters the door has checked)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A credential request on its way to be claimed."""

    call: Call
    issuer: Issuer
    presented: Presented
    body: Mapping[str, Any]
    foreign: Access | None
    """What an external server's token allows; None for tokens of ours."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A credential request that is good: nonce and DPoP proof are used up."""

    access: Access
    configuration: Configuration
    holders: tuple[HolderKey | None, ...]
    nonce: OnceClaim | None
    deferred: Issued | None = None
    """The answer, if an operator must approve first."""


@dataclass(frozen=True, slots=True)
class ClaimRequests:
    """Checks requests and uses up what may be used once, several requests in one transaction."""

    store: Oid4vciStore
    proofs: ProofChecker
    nonces: Nonces
    public_url: str

    async def __call__(self, items: Sequence[Asked]) -> list[Claimed | Exception]:
        """What each request is good for, or its refusal. A refused request uses up nothing but, when its nonce was
        used before, its DPoP proof."""
        async with self.store.begin_system("oid4vci claims") as work:
            found = await work.access.get([secret_hash(i.presented.token) for i in items if i.foreign is None])
            results: list[Claimed | Exception] = []
            for item in items:
                try:
                    results.append(self._checked(item, found, work.now))
                except ProtocolError as refusal:
                    results.append(refusal)
            await self._use_up(work, items, results)
            for number, (item, result) in enumerate(zip(items, results, strict=True)):
                if isinstance(result, Claimed) and item.issuer.datasets[result.configuration.dataset].approval:
                    with work.acting_for(item.call):
                        results[number] = replace(result, deferred=await _defer(work, item.issuer, result))
            return results

    async def _use_up(self, work: Oid4vciWork, items: Sequence[Asked], results: list[Claimed | Exception]) -> None:
        """Claims DPoP proofs and nonces of the good requests; those that come second become refusals."""
        wanted: list[tuple[int, OnceClaim]] = []
        for number, (item, result) in enumerate(zip(items, results, strict=True)):
            if isinstance(result, Claimed):
                once = (item.presented.dpop.once if item.presented.dpop else None, result.nonce)
                wanted += [(number, claim) for claim in once if claim is not None]
        if not wanted:
            return
        for (number, claim), fresh in zip(wanted, await work.once.use([claim for _, claim in wanted]), strict=True):
            if not fresh and isinstance(results[number], Claimed):
                results[number] = proof_used() if claim.kind == "dpop" else invalid_nonce()

    def _checked(self, item: Asked, found: Mapping[bytes, Access], now: datetime) -> Claimed:
        issuer, body = item.issuer, item.body
        access = checked_access(
            issuer, item.presented, item.foreign or found.get(secret_hash(item.presented.token)), unexpired_at=now
        )
        configuration = chosen_configuration(
            issuer, access, body.get("credential_identifier"), body.get("credential_configuration_id")
        )
        if not configuration.proofs:
            return Claimed(access, configuration, (None,), None)
        if body.get("proofs") is None:
            raise invalid_proof("proofs are missing; this credential is bound to a key")
        expected = ProofExpectation(
            issuer_identifier(self.public_url, issuer.path),
            access.client_id,
            now,
            issuer.attestation_keys,
            issuer.attestation_anchors,
        )
        proven = self.proofs.check(body["proofs"], configuration, expected, max(1, issuer.batch_size))
        return Claimed(access, configuration, proven.keys, self._nonce(proven, now))

    def _nonce(self, proven: Proven, now: datetime) -> OnceClaim:
        """The one nonce of the request."""
        if not proven.nonces or len(set(proven.nonces)) != 1:
            raise invalid_proof("every proof must carry the same nonce of the nonce endpoint")
        until = self.nonces.expiry(proven.nonces[0], now)
        if until is None:
            raise invalid_nonce()
        return OnceClaim("nonce", secret_hash(proven.nonces[0]), until)


@dataclass(frozen=True, slots=True)
class RequestCredential:
    """Answers credential requests: claim, make, record. Claims and records of several wallets commit together."""

    store: Oid4vciStore
    issuance: Issuance
    foreign: ForeignTokens
    claim: Callable[[Asked], Awaitable[Claimed]]
    record: Callable[[Finished], Awaitable[Issued]]
    public_url: str

    async def __call__(self, call: Call, issuer: Issuer, request: CredentialRequest, now: datetime) -> Issued:
        """Credentials, or a transaction id when an operator must approve. ProtocolError otherwise."""
        check_encryption(issuer, request.encrypted, request.response_encrypted)
        identifier = issuer_identifier(self.public_url, issuer.path)
        foreign = await foreign_access(self.foreign, issuer, identifier, request.presented, now)
        claimed = await self.claim(Asked(call, issuer, request.presented, request.body, foreign))
        if claimed.deferred is not None:
            return claimed.deferred
        access, configuration, holders = claimed.access, claimed.configuration, claimed.holders
        reserved = await self.issuance.reserve(issuer, configuration, len(holders), now)
        order = Order(issuer, configuration, access, holders, reserved, access.pushed)
        made = await make_or_audit(self.store, self.issuance, call, order, now)
        return await self.record(Finished(call, order, made))


@dataclass(frozen=True, slots=True)
class RecordIssued:
    """Records what was made, several requests in one transaction; only then it leaves."""

    store: Oid4vciStore
    issuance: Issuance

    async def __call__(self, items: Sequence[Finished]) -> list[Issued | Exception]:
        """What each wallet gets."""
        async with self.store.begin_system("oid4vci issuance") as work:
            return [*await self.issuance.record(work, items)]


async def _defer(work: Oid4vciWork, issuer: Issuer, claimed: Claimed) -> Issued:
    secret = secrets.token_urlsafe(32)
    transaction = Transaction(
        hash=secret_hash(secret),
        id=new_id(work.now),
        tenant=issuer.tenant,
        issuer=issuer.path,
        grant=claimed.access.grant,
        configuration_id=claimed.configuration.id,
        keys=tuple(holder for holder in claimed.holders if holder is not None),
        access=claimed.access,
        created=work.now,
        expires=work.now + DEFERRED_LIFETIME,
    )
    await work.transactions.insert(transaction)
    work.emit(DeferralDecided(transaction.id, issuer.path, claimed.configuration.id, transaction.state.value))
    work.audit("oid4vci.credential.defer", str(transaction.id), configuration=claimed.configuration.id)
    return Issued(transaction_id=secret, interval=int(issuer.deferred_interval.total_seconds()))


async def make_or_audit(store: Oid4vciStore, issuance: Issuance, call: Call, order: Order, now: datetime) -> Made:
    """Makes an order's credentials; a refusal leaves its audit row too."""
    try:
        return await issuance.make(call, order, now)
    except ProtocolError as refusal:
        async with store.begin(call) as work:
            configuration = order.configuration.id
            work.audit("oid4vci.credential.deny", order.issuer.path, configuration=configuration, error=refusal.code)
        raise


def check_encryption(issuer: Issuer, encrypted: bool, response_encrypted: bool) -> None:
    """No downgrade: what the metadata requires is required, and an encrypted answer needs an encrypted request."""
    if issuer.encryption.request_required and not encrypted:
        raise ProtocolError("invalid_encryption_parameters", "this issuer takes encrypted requests only")
    if issuer.encryption.response_required and not response_encrypted:
        raise ProtocolError("invalid_encryption_parameters", "credential_response_encryption is required here")
    if response_encrypted and not encrypted:
        raise ProtocolError(
            "invalid_encryption_parameters", "a request for an encrypted response must be encrypted itself"
        )
