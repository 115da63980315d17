"""Recipients: create, get, list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sealwright_common.domain.call import Call
from sealwright_common.domain.certificates import Recipient, RecipientCreated, WalletEndpoint
from sealwright_common.domain.errors import InvalidArgument, NotFound, Reason
from sealwright_common.domain.ids import new_id

from sealwright_stamp.ports import Storage

CheckUrl = Callable[[str], str | None]
"""Says what is wrong with a wallet's URL, None if it may be called."""


@dataclass(frozen=True, slots=True)
class CreateRecipient:
    """Stores a recipient; the same endpoint and key again gives the one that exists."""

    storage: Storage
    check_url: CheckUrl

    async def __call__(self, call: Call, endpoint: WalletEndpoint) -> Recipient:
        """The recipient. Raises InvalidArgument if slices may not be posted to its URL."""
        if (expected := self.check_url(endpoint.url)) is not None:
            raise InvalidArgument.of("wallet_endpoint.endpoint", expected)
        async with self.storage.begin(call) as work:
            wanted = Recipient(new_id(work.now), endpoint, work.now)
            recipient = await work.recipients.add(call.tenant, wanted)
            if recipient.id == wanted.id:
                work.emit(RecipientCreated(recipient))
                work.audit("recipient.create", str(recipient.id))
            return work.answer(recipient)


@dataclass(frozen=True, slots=True)
class GetRecipient:
    """Reads one recipient."""

    storage: Storage

    async def __call__(self, call: Call, recipient_id: UUID) -> Recipient:
        """The recipient; NotFound otherwise."""
        async with self.storage.read() as work:
            recipient = await work.recipients.get(call.tenant, recipient_id)
        if recipient is None:
            raise recipient_not_found(recipient_id)
        return recipient


@dataclass(frozen=True, slots=True)
class ListRecipients:
    """Lists recipients, oldest first."""

    storage: Storage

    async def __call__(self, call: Call, page: tuple[UUID | None, int]) -> tuple[list[Recipient], UUID | None]:
        """The page after an id, and the id the next page begins after (None on the last)."""
        after, size = page
        async with self.storage.read() as work:
            found = await work.recipients.page(call.tenant, after, size + 1)
        return found[:size], found[size - 1].id if len(found) > size else None


def recipient_not_found(recipient_id: UUID) -> NotFound:
    """The refusal of a recipient that is not there."""
    return NotFound(
        Reason.RECIPIENT_NOT_FOUND,
        f"recipient {recipient_id} does not exist; create one with CreateRecipient",
    )
