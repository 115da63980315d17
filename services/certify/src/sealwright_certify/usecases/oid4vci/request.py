"""The credential endpoint: token, proofs and nonce in, credentials or a transaction id out.

A bad proof refuses the whole request, and nothing is used up: proofs are checked before the nonce is claimed, in
one transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sealwright_common.domain.call import Call
from sealwright_common.domain.formats import HolderKey
from sealwright_common.domain.ids import new_id
from sealwright_common.domain.oid4vci import Configuration, Issuer
from sealwright_common.domain.oid4vci_grants import Access, Transaction, secret_hash

from sealwright_certify.usecases.oid4vci.authorize import Presented, authorize, chosen_configuration, foreign_access
from sealwright_certify.usecases.oid4vci.errors import ProtocolError, invalid_nonce, invalid_proof
from sealwright_certify.usecases.oid4vci.events import DeferralDecided
from sealwright_certify.usecases.oid4vci.issue import Issuance, Made, Order
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.ports import (
    ForeignTokens,
    Issued,
    Nonces,
    Oid4vciStore,
    Oid4vciWork,
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
class RequestCredential:
    """Answers credential requests."""

    store: Oid4vciStore
    issuance: Issuance
    proofs: ProofChecker
    nonces: Nonces
    foreign: ForeignTokens
    public_url: str

    async def __call__(self, call: Call, issuer: Issuer, request: CredentialRequest, now: datetime) -> Issued:
        """Credentials, or a transaction id when an operator must approve. ProtocolError otherwise."""
        check_encryption(issuer, request.encrypted, request.response_encrypted)
        identifier = issuer_identifier(self.public_url, issuer.path)
        foreign = await foreign_access(self.foreign, issuer, identifier, request.presented, now)
        async with self.store.begin(call) as work:
            access = await authorize(work, issuer, request.presented, foreign)
            configuration = chosen_configuration(
                issuer,
                access,
                request.body.get("credential_identifier"),
                request.body.get("credential_configuration_id"),
            )
            holders = await self._holders(work, issuer, configuration, access, request.body.get("proofs"), identifier)
            if issuer.datasets[configuration.dataset].approval:
                return await self._defer(work, issuer, configuration, access, holders)
        reserved = await self.issuance.reserve(issuer, configuration, len(holders), now)
        pushed = access.pushed
        order = Order(issuer, configuration, access, holders, reserved, pushed)
        made = await make_or_audit(self.store, self.issuance, call, order, now)
        async with self.store.begin(call) as work:
            return await self.issuance.record(work, order, made)

    async def _holders(
        self,
        work: Oid4vciWork,
        issuer: Issuer,
        configuration: Configuration,
        access: Access,
        proofs: object,
        identifier: str,
    ) -> tuple[HolderKey | None, ...]:
        if not configuration.proofs:
            return (None,)
        if proofs is None:
            raise invalid_proof("proofs are missing; this credential is bound to a key")
        expected = ProofExpectation(
            identifier, access.client_id, work.now, issuer.attestation_keys, issuer.attestation_anchors
        )
        proven = self.proofs.check(proofs, configuration, expected, max(1, issuer.batch_size))
        await self._claim_nonces(work, proven)
        return proven.keys

    async def _claim_nonces(self, work: Oid4vciWork, proven: Proven) -> None:
        """Uses up the one nonce of the request, or refuses it."""
        if not proven.nonces or len(set(proven.nonces)) != 1:
            raise invalid_proof("every proof must carry the same nonce of the nonce endpoint")
        nonce = proven.nonces[0]
        until = self.nonces.expiry(nonce, work.now)
        if until is None or not await work.once.use("nonce", [secret_hash(nonce)], until):
            raise invalid_nonce()

    async def _defer(
        self,
        work: Oid4vciWork,
        issuer: Issuer,
        configuration: Configuration,
        access: Access,
        holders: tuple[HolderKey | None, ...],
    ) -> Issued:
        secret = secrets.token_urlsafe(32)
        transaction = Transaction(
            hash=secret_hash(secret),
            id=new_id(work.now),
            tenant=issuer.tenant,
            issuer=issuer.path,
            grant=access.grant,
            configuration_id=configuration.id,
            keys=tuple(holder for holder in holders if holder is not None),
            access=access,
            created=work.now,
            expires=work.now + DEFERRED_LIFETIME,
        )
        await work.transactions.insert(transaction)
        work.emit(DeferralDecided(transaction.id, issuer.path, configuration.id, transaction.state.value))
        work.audit("oid4vci.credential.defer", str(transaction.id), configuration=configuration.id)
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
