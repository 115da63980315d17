"""Certify's events as messages, and the rotator's key events as keys."""

from __future__ import annotations

from sealwright.certify.v1 import events_pb2 as pb
from sealwright.rotator.v1 import events_pb2 as rotator
from sealwright_common.domain.credentials import CredentialState
from sealwright_common.domain.issuance import IssuanceProcess, IssuanceState
from sealwright_common.runtime.db import EventRecord

from sealwright_certify.codec.definitions import ref_message
from sealwright_certify.codec.issuance import protocol_number
from sealwright_certify.codec.oid4vci_events import encode_oid4vci_event
from sealwright_certify.codec.peers import assertion_keys
from sealwright_certify.codec.values import timestamp
from sealwright_certify.ports import IssuerKey
from sealwright_certify.usecases import events

KEY_EVENTS = {
    message.DESCRIPTOR.full_name: message
    for message in (
        rotator.KeyPublished,
        rotator.KeyActivated,
        rotator.KeyRetired,
        rotator.KeyCompromised,
        rotator.KeyDestructionScheduled,
        rotator.KeyDestructionCancelled,
        rotator.KeyDestroyed,
    )
}
"""The rotator's events that change certify's copy of the schedule."""


PROCESS_EVENTS = tuple(
    message.DESCRIPTOR.full_name
    for message in (
        pb.IssuanceSubmitted,
        pb.IssuanceApproved,
        pb.IssuanceGenerated,
        pb.IssuanceDelivered,
        pb.IssuanceErrored,
    )
)
"""Certify's own events that tell a process's steps."""


def keys_of(type_: str, payload: bytes) -> list[IssuerKey]:
    """The key a rotator event is about, if it signs assertions. google DecodeError for bytes that are no such event."""
    return assertion_keys([KEY_EVENTS[type_].FromString(payload).key])


def encode_event(event: object) -> EventRecord:
    """An event of the use cases as it is published."""
    match event:
        case events.TenantStored(tenant):
            message = pb.TenantStored(tenant=tenant.name, did=tenant.did, key_issuer=tenant.key_issuer)
            return EventRecord(message, tenant.name, tenant.version)
        case events.KeysChanged(tenant, key_issuer):
            return EventRecord(pb.IssuerKeysChanged(key_issuer=key_issuer), key_issuer, 1, tenant)
        case events.DefinitionStored(ref):
            return EventRecord(pb.DefinitionStored(definition=ref_message(ref)), ref.id, ref.version)
        case events.DefinitionDeleted(ref):
            return EventRecord(pb.DefinitionDeleted(definition=ref_message(ref)), ref.id, ref.version)
        case events.ProcessMoved(process, ids):
            ids_text = [str(id_) for id_ in ids]
            return EventRecord(_moved(process, ids_text), str(process.id), process.version, process.tenant)
        case events.ProcessGenerated(process, ids):
            message = pb.IssuanceGenerated(
                process_id=str(process.id),
                credential_ids=[str(id_) for id_ in ids],
                time=timestamp(process.update_time),
            )
            return EventRecord(message, str(process.id), process.version, process.tenant)
        case events.CredentialStatusChanged(credential, state, time):
            kinds = {
                CredentialState.REVOKED: pb.CredentialRevoked,
                CredentialState.SUSPENDED: pb.CredentialSuspended,
                CredentialState.VALID: pb.CredentialResumed,
            }
            message = kinds[state](credential_id=str(credential.id), time=timestamp(time))
            return EventRecord(message, str(credential.id), credential.version)
        case events.OfferQueued(id_, definition_ids):
            return EventRecord(pb.OfferQueued(offer_id=str(id_), definition_ids=definition_ids), str(id_), 1)
        case events.OfferSettled(id_, delivered):
            return EventRecord(pb.OfferSettled(offer_id=str(id_), delivered=delivered), str(id_), 2)
        case _:
            encoded = encode_oid4vci_event(event)
            if encoded is None:
                raise TypeError(f"{type(event).__name__} is no event of certify")
            return encoded


def _moved(
    process: IssuanceProcess, ids: list[str]
) -> pb.IssuanceSubmitted | pb.IssuanceApproved | pb.IssuanceDelivered | pb.IssuanceErrored:
    id_, time = str(process.id), timestamp(process.update_time)
    match process.state:
        case IssuanceState.SUBMITTED | IssuanceState.APPROVED:
            kind = pb.IssuanceSubmitted if process.state is IssuanceState.SUBMITTED else pb.IssuanceApproved
            return kind(
                process_id=id_,
                definitions=[ref_message(ref) for ref in process.definitions],
                protocol=protocol_number(process.protocol),
                time=time,
            )
        case IssuanceState.DELIVERED:
            return pb.IssuanceDelivered(process_id=id_, credential_ids=ids, attempts=process.attempts, time=time)
        case IssuanceState.ERRORED:
            return pb.IssuanceErrored(process_id=id_, error=f"ISSUANCE_ERROR_{process.error}", time=time)
