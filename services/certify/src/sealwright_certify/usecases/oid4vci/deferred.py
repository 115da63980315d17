"""Deferred issuance: the wallet polls, an operator decides, the credentials are handed over once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import FailedPrecondition, NotFound, Reason
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.domain.oid4vci_grants import Access, Transaction, TransactionState, secret_hash

from sealwright_certify.usecases.oid4vci.authorize import Presented, authorize, foreign_access
from sealwright_certify.usecases.oid4vci.errors import ProtocolError, invalid_credential_request, request_denied
from sealwright_certify.usecases.oid4vci.events import DeferralDecided
from sealwright_certify.usecases.oid4vci.issue import Finished, Issuance, Order
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.ports import ForeignTokens, Issued, Oid4vciStore, Oid4vciWork
from sealwright_certify.usecases.oid4vci.request import check_encryption, make_or_audit


def _unknown() -> ProtocolError:
    return ProtocolError("invalid_transaction_id", "the transaction id is unknown or was used already")


@dataclass(frozen=True, slots=True)
class RequestDeferred:
    """Answers deferred credential requests."""

    store: Oid4vciStore
    issuance: Issuance
    foreign: ForeignTokens
    public_url: str

    async def __call__(
        self,
        call: Call,
        issuer: Issuer,
        presented: Presented,
        transaction_id: object,
        encrypted: tuple[bool, bool],
        now: datetime,
    ) -> Issued:
        """The credentials, or the same transaction id while nobody decided. ``encrypted``: request, response."""
        if not isinstance(transaction_id, str) or not transaction_id:
            raise invalid_credential_request("transaction_id is missing")
        check_encryption(issuer, *encrypted)
        identifier = issuer_identifier(self.public_url, issuer.path)
        foreign = await foreign_access(self.foreign, issuer, identifier, presented, now)
        async with self.store.begin(call) as work:
            access = await authorize(work, issuer, presented, foreign)
            transaction = await self._open(work, issuer, access, transaction_id)
            if transaction.state is TransactionState.PENDING:
                return Issued(transaction_id=transaction_id, interval=int(issuer.deferred_interval.total_seconds()))
            configuration = issuer.configurations.get(transaction.configuration_id)
            if transaction.state is TransactionState.DENIED or configuration is None:
                raise request_denied("the issuer decided not to issue this credential")
            holders = transaction.keys or (None,)
            offer = transaction.access.offer_id
            pushed = None if offer is None else await work.offers.claims(offer)
        reserved = await self.issuance.reserve(issuer, configuration, len(holders), now)
        order = Order(issuer, configuration, transaction.access, holders, reserved, pushed)
        made = await make_or_audit(self.store, self.issuance, call, order, now)
        async with self.store.begin(call) as work:
            # Of two polls at once, the second finds the transaction delivered.
            await self._open(work, issuer, access, transaction_id)
            await work.transactions.set_state(transaction.id, TransactionState.DELIVERED)
            [issued] = await self.issuance.record(work, [Finished(call, order, made)])
            return issued

    async def _open(self, work: Oid4vciWork, issuer: Issuer, access: Access, transaction_id: str) -> Transaction:
        transaction = await work.transactions.lock(secret_hash(transaction_id))
        if transaction is None or transaction.issuer != issuer.path or transaction.grant != access.grant:
            raise _unknown()
        if transaction.state is TransactionState.DELIVERED or transaction.expires <= work.now:
            raise _unknown()
        return transaction


@dataclass(frozen=True, slots=True)
class DecideDeferred:
    """Approves or denies a deferred issuance."""

    store: Oid4vciStore

    async def __call__(self, call: Call, id_: UUID, approve: bool) -> Transaction:
        """The transaction as decided; the same decision twice changes nothing. FailedPrecondition for another one."""
        wanted = TransactionState.APPROVED if approve else TransactionState.DENIED
        async with self.store.begin(call) as work:
            transaction = await work.transactions.get(call.tenant, id_, lock=True)
            if transaction is None:
                raise NotFound(
                    Reason.PROCESS_NOT_FOUND, f"deferred issuance {id_} does not exist; list them with ListDeferred"
                )
            if transaction.state is not wanted:
                if transaction.state is not TransactionState.PENDING:
                    raise FailedPrecondition(
                        Reason.PROCESS_STATE_CONFLICT, f"the deferred issuance is {transaction.state}; it cannot change"
                    )
                await work.transactions.set_state(id_, wanted)
                work.emit(DeferralDecided(id_, transaction.issuer, transaction.configuration_id, wanted.value))
                work.audit("oid4vci.deferred.decide", str(id_), approved=approve)
            decided = await work.transactions.get(call.tenant, id_)
            assert decided is not None
            return work.answer(decided)
