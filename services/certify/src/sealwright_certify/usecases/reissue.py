"""Offers of new credentials to the holders of those a key signed.

Always when the key is compromised; when it merely retires, where the tenant says so. What is to be done is written down
in the transaction that takes the news of the key in, and worked off page by page: a crash loses no holder.
"""

from __future__ import annotations

from collections.abc import Sequence

from sealwright_common.domain.ids import new_id
from sealwright_common.domain.issuing import Reissue
from sealwright_common.domain.keys import KeyState

from sealwright_certify.ports import CertifyWork, IssuerKey, Offer, Store, Tenant, Wake
from sealwright_certify.usecases.events import OfferQueued
from sealwright_certify.usecases.holders import OFFER_WINDOW
from sealwright_certify.usecases.keys import method_of

COMPROMISED = "proof-key-revocation"
ROTATED = "reissue"

PAGE = 200
"""Holders that are offered new credentials in one transaction."""


class Reissues:
    """Notes keys whose holders need new credentials, and offers these."""

    def __init__(self, store: Store, queued: Wake) -> None:
        self._store = store
        self._queued = queued

    async def note(self, work: CertifyWork, keys: Sequence[IssuerKey]) -> None:
        """Writes down what the news of ``keys`` ask for."""
        ended = [key for key in keys if key.state in (KeyState.COMPROMISED, KeyState.VERIFY_ONLY)]
        if not ended:
            return
        tenants = {tenant.name: tenant for tenant in await work.tenants.by_key_issuer([key.tenant for key in ended])}
        noted = [_reissue(tenants[key.tenant], key) for key in ended if key.tenant in tenants]
        await work.holders.queue_reissues([reissue for reissue in noted if reissue is not None])

    async def run(self) -> bool:
        """Makes the offers of one page of holders; True if there may be more."""
        async with self._store.begin_system("reissue") as work:
            reissue = await work.holders.claim_reissue()
            if reissue is None:
                return False
            held = await work.credentials.holders_of(reissue.tenant, reissue.method, work.now, reissue.after_did, PAGE)
            offers = [
                Offer(
                    id=new_id(work.now),
                    tenant=reissue.tenant,
                    holder_did=did,
                    definition_ids=definitions,
                    reason=reissue.reason,
                    attempts=0,
                    deadline=work.now + OFFER_WINDOW,
                )
                for did, definitions in held
            ]
            await work.holders.queue_offers(offers)
            work.emit(*(OfferQueued(offer.id, offer.definition_ids) for offer in offers))
            await work.holders.advance_reissue(reissue, held[-1][0] if len(held) == PAGE else None)
        self._queued()
        return True


def _reissue(tenant: Tenant, key: IssuerKey) -> Reissue | None:
    """What one key asks for; None if it is not the tenant's, or retires where nobody wants offers."""
    if tenant.key_issuer != key.issuer:
        return None
    if key.state is KeyState.COMPROMISED:
        return Reissue(tenant.name, method_of(tenant, key.key_id), COMPROMISED)
    return Reissue(tenant.name, method_of(tenant, key.key_id), ROTATED) if tenant.dcp.offer_on_rotation else None
