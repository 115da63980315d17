"""The OpenID4VCI door's events as messages."""

from __future__ import annotations

from sealwright.certify.v1 import events_pb2 as pb
from sealwright_common.runtime.db import EventRecord

from sealwright_certify.codec.values import timestamp
from sealwright_certify.usecases.oid4vci import events


def issuer_path(payload: bytes) -> str:
    """Whose document a CredentialIssuerStored is about. google DecodeError for bytes that are no such event."""
    return pb.CredentialIssuerStored.FromString(payload).path


def encode_oid4vci_event(event: object) -> EventRecord | None:
    """An event of this door as it is published; None if it is none of its own."""
    match event:
        case events.IssuerStored(path, version):
            return EventRecord(pb.CredentialIssuerStored(path=path, version=version), path or "/", version)
        case events.CertificatesStored(key_issuer, key_id, expires):
            stored = pb.IssuerCertificatesStored(key_issuer=key_issuer, key_id=key_id, expire_time=timestamp(expires))
            return EventRecord(stored, key_id, int(expires.timestamp()))
        case events.CertificateDue(key_issuer, key_id, request_pem, needed):
            due = pb.IssuerCertificateDue(
                key_issuer=key_issuer,
                key_id=key_id,
                certificate_request_pem=request_pem,
                needed_time=timestamp(needed),
            )
            return EventRecord(due, key_id, int(needed.timestamp()))
        case events.OfferCreated(id_, issuer, configuration_ids):
            message = pb.CredentialOfferChanged(
                offer_id=str(id_),
                state=pb.CREDENTIAL_OFFER_STATE_PENDING,
                issuer=issuer,
                configuration_ids=configuration_ids,
            )
            return EventRecord(message, str(id_), 1)
        case events.OfferSettled(id_, state):
            message = pb.CredentialOfferChanged(offer_id=str(id_), state=f"CREDENTIAL_OFFER_STATE_{state.value}")
            return EventRecord(message, str(id_), 2)
        case events.CredentialsIssued(id_, issuer, configuration_id, ids):
            issued = pb.WalletCredentialsIssued(
                issuance_id=str(id_),
                issuer=issuer,
                configuration_id=configuration_id,
                credential_ids=[str(id_) for id_ in ids],
            )
            return EventRecord(issued, str(id_), 1)
        case events.DeferralDecided(id_, issuer, configuration_id, state):
            changed = pb.DeferredIssuanceChanged(
                transaction_id=str(id_), issuer=issuer, configuration_id=configuration_id, state=state
            )
            return EventRecord(changed, str(id_), 1 if state == "PENDING" else 2)
        case events.WalletNotified(ids, name):
            notified = pb.WalletNotified(credential_ids=[str(id_) for id_ in ids], event=name)
            return EventRecord(notified, str(ids[0]), 2)
        case _:
            return None
