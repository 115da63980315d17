"""The notification endpoint: what a wallet says of credentials it got. The same notification twice is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sealwright_common.domain.call import Call
from sealwright_common.domain.oid4vci import Issuer
from sealwright_common.domain.oid4vci_grants import secret_hash

from sealwright_certify.usecases.oid4vci.authorize import Presented, authorize, foreign_access
from sealwright_certify.usecases.oid4vci.errors import ProtocolError
from sealwright_certify.usecases.oid4vci.events import WalletNotified
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier
from sealwright_certify.usecases.oid4vci.ports import ForeignTokens, Oid4vciStore

EVENTS = ("credential_accepted", "credential_failure", "credential_deleted")


@dataclass(frozen=True, slots=True)
class Notify:
    """Takes notifications."""

    store: Oid4vciStore
    foreign: ForeignTokens
    public_url: str

    async def __call__(
        self, call: Call, issuer: Issuer, presented: Presented, body: Mapping[str, Any], now: datetime
    ) -> None:
        """Records the event. ProtocolError invalid_notification_request or invalid_notification_id."""
        event, id_ = body.get("event"), body.get("notification_id")
        if event not in EVENTS or not isinstance(id_, str):
            raise ProtocolError(
                "invalid_notification_request", f"expected notification_id and event ({', '.join(EVENTS)})"
            )
        identifier = issuer_identifier(self.public_url, issuer.path)
        foreign = await foreign_access(self.foreign, issuer, identifier, presented, now)
        async with self.store.begin(call) as work:
            # A wallet may speak long after its token expired (a credential deleted): the id is the secret here.
            access = await authorize(work, issuer, presented, foreign)
            notification = await work.notifications.lock(secret_hash(id_))
            if notification is None or notification.grant != access.grant or notification.tenant != issuer.tenant:
                raise ProtocolError("invalid_notification_id", "the notification id is unknown")
            if notification.event != event:
                await work.notifications.record(notification.hash, event, work.now)
                work.emit(WalletNotified(notification.credential_ids, event))
                work.audit("oid4vci.notify", str(notification.credential_ids[0]), event=event)
