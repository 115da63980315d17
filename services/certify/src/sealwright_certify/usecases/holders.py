"""Holders, and offers to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.errors import NotFound, Problem, Reason
from sealwright_common.domain.ids import new_id

from sealwright_certify.ports import (
    Delivered,
    DeliveryOutcome,
    Holder,
    HolderGateway,
    Offer,
    Store,
    TryAgain,
    Wake,
)
from sealwright_certify.usecases.evaluate import definitions_for
from sealwright_certify.usecases.events import OfferQueued, OfferSettled
from sealwright_certify.usecases.settle import backoff
from sealwright_certify.usecases.tenants import tenant_of

OFFER_WINDOW = timedelta(hours=24)
"""How long an offer is tried to be sent."""

_LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class OfferCredentials:
    """What is offered to whom, and why."""

    holder_did: str
    definition_ids: tuple[str, ...]
    reason: str


class Holders:
    """Stores holders and offers them credentials."""

    def __init__(self, store: Store, gateway: HolderGateway, queued: Wake) -> None:
        self._store = store
        self._gateway = gateway
        self._queued = queued

    async def store(self, call: Call, holder: Holder) -> Holder:
        """The holder as it is stored, replacing what was there for its DID."""
        async with self._store.begin(call) as work:
            stored = await work.holders.put(call.tenant, holder)
            work.audit("holder.store", call.tenant)
            return work.answer(stored)

    async def get(self, call: Call, did: str) -> Holder:
        """One holder; NotFound."""
        async with self._store.read() as work:
            holder = await work.holders.get(call.tenant, did)
        if holder is None:
            raise _unknown()
        return holder

    async def page(self, call: Call, after: str, limit: int) -> list[Holder]:
        """Holders by DID, those after ``after``."""
        async with self._store.read() as work:
            return await work.holders.page(call.tenant, after, limit)

    async def delete(self, call: Call, did: str) -> None:
        """Deletes a holder; NotFound."""
        async with self._store.begin(call) as work:
            if not await work.holders.delete(call.tenant, did):
                raise _unknown()
            work.audit("holder.delete", call.tenant)
            work.answer(None)

    async def offer(self, call: Call, command: OfferCredentials) -> UUID:
        """Queues an offer and returns its id; NotFound for unknown definitions. A prompt only: the holder asks (R2)."""
        async with self._store.begin(call) as work:
            await tenant_of(work, call.tenant)
            await definitions_for(work, call.tenant, command.definition_ids)
            offer = Offer(
                id=new_id(work.now),
                tenant=call.tenant,
                holder_did=command.holder_did,
                definition_ids=command.definition_ids,
                reason=command.reason,
                attempts=0,
                deadline=work.now + OFFER_WINDOW,
            )
            await work.holders.queue_offers([offer])
            work.emit(OfferQueued(offer.id, offer.definition_ids))
            work.audit("offer.queue", str(offer.id))
            work.answer(offer.id)
        self._queued()
        return offer.id

    async def send(self) -> bool:
        """Sends one batch of due offers; True if there may be more."""
        async with self._store.begin_system("offers") as work:
            offers = await work.holders.claim_offers(work.now, _LEASE, 20)
        for offer in offers:
            await self._send(offer)
        return len(offers) == 20

    async def _send(self, offer: Offer) -> None:
        try:
            async with self._store.read() as work:
                issuer = await tenant_of(work, offer.tenant)
            outcome: DeliveryOutcome = await self._gateway.offer(issuer, offer)
        except Problem as problem:
            outcome = TryAgain(problem.message, unknown=False)
        async with self._store.begin_system("offers", offer.tenant) as work:
            next_time = work.now + backoff(offer.attempts)
            if isinstance(outcome, TryAgain) and next_time < offer.deadline:
                await work.holders.postpone_offer(offer.id, next_time)
                return
            delivered = isinstance(outcome, Delivered)
            await work.holders.settle_offer(offer.id, delivered)
            work.emit(OfferSettled(offer.id, delivered))


def _unknown() -> NotFound:
    return NotFound(Reason.HOLDER_UNKNOWN, "no holder of this DID is stored; StoreHolder adds it")
