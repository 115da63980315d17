"""Events certify listens to: the rotator's keys, and its own of other instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.protobuf.message import DecodeError
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.runtime.events import BeginWork, Event, Subscription
from sealwright_common.runtime.events.hints import Heard

from sealwright_certify.codec.events import KEY_EVENTS, PROCESS_EVENTS, keys_of
from sealwright_certify.codec.oid4vci_events import issuer_path
from sealwright_certify.ports import IssuerKey, Wake
from sealwright_certify.usecases.catalogue import Catalogue
from sealwright_certify.usecases.events import KeysChanged
from sealwright_certify.usecases.keys import KeyCopy, apply_keys
from sealwright_certify.usecases.reissue import Reissues
from sealwright_certify.usecases.watch import Bell

Forget = Callable[[], None]
ForgetPath = Callable[[str], None]


def key_events(keys: KeyCopy, reissues: Reissues, changed_keys: Wake, noted: Wake) -> Subscription:
    """Keeps the copy of the schedule, and notes whose holders need new credentials.

    ``changed_keys`` is told after each change, for those who keep keys in memory; ``noted`` after each note.
    """

    async def handle(events: list[Event], begin: BeginWork) -> None:
        named = [key for event in events for key in _keys(event)]
        async with begin() as work:
            changed = await apply_keys(work, named)
            issuers = sorted({(key.tenant, key.issuer) for key in changed})
            # The other instances hear of it, too: this event reached one of them only.
            work.emit(*(KeysChanged(tenant, issuer) for tenant, issuer in issuers))
            # Of all keys named, not only those that are news to the copy: it may have asked the rotator meanwhile.
            await reissues.note(work, named)
        for key in changed:
            keys.forget(key.tenant)
        changed_keys()
        noted()

    return Subscription(durable="certify-keys", stream="rotator", types=sorted(KEY_EVENTS), handler=handle)


def forgetting(keys: KeyCopy, catalogue: Catalogue, certified_keys: Forget, issuers: ForgetPath) -> Mapping[str, Heard]:
    """What every instance drops from memory when another one changed it."""

    def keys_changed(event: Event) -> None:
        keys.forget(event.tenant)
        certified_keys()

    def issuer_stored(event: Event) -> None:
        issuers(issuer_path(event.payload))

    def offers_changed(_: Event) -> None:
        catalogue.forget()

    return {
        "sealwright.certify.v1.DefinitionStored": offers_changed,
        "sealwright.certify.v1.DefinitionDeleted": offers_changed,
        "sealwright.certify.v1.TenantStored": keys_changed,
        "sealwright.certify.v1.IssuerKeysChanged": keys_changed,
        "sealwright.certify.v1.IssuerCertificatesStored": keys_changed,
        "sealwright.certify.v1.CredentialIssuerStored": issuer_stored,
    }


def process_changes(bell: Bell) -> Mapping[str, Heard]:
    """Tells those who watch processes, whichever instance changed them."""

    def changed(event: Event) -> None:
        bell.ring(event.tenant, event.aggregate_id)

    return dict.fromkeys(PROCESS_EVENTS, changed)


def _keys(event: Event) -> list[IssuerKey]:
    try:
        return keys_of(event.type, event.payload)
    except DecodeError:
        raise InvalidArgument.of("payload", f"a {event.type}") from None
