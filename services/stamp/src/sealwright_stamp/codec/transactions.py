"""The registry's wire format: events, canonical headers, sealed transactions and their ids."""

from __future__ import annotations

import base64
import hashlib
from uuid import UUID

from project_origin.common.v1 import common_pb2 as common
from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry
from sealwright_common.domain.certificates import CertificateRef, CertificateType

from sealwright_stamp.ports import Draft, Item, Material, RegistryState, RegistryStatus

_TYPES = {
    CertificateType.CONSUMPTION: electricity.GranularCertificateType.CONSUMPTION,
    CertificateType.PRODUCTION: electricity.GranularCertificateType.PRODUCTION,
}
# Looked up once: a name of a generated enum costs as much as a field.
_CLEARTEXT, _HASHED = electricity.AttributeType.CLEARTEXT, electricity.AttributeType.HASHED
_SECP256K1 = electricity.KeyType.Secp256k1
_STATES = {
    registry.TransactionState.UNKNOWN: RegistryState.UNKNOWN,
    registry.TransactionState.PENDING: RegistryState.PENDING,
    registry.TransactionState.FAILED: RegistryState.FAILED,
    registry.TransactionState.COMMITTED: RegistryState.COMMITTED,
    registry.TransactionState.FINALIZED: RegistryState.FINALIZED,
}


class RegistryFormat:
    """Builds transactions. Encoding is canonical: fields by number, defaults left out, for the registry re-serialises
    the header before it checks the signature."""

    def issue(self, item: Item, material: Material, nonce: str) -> Draft:
        """The transaction that issues a certificate."""
        # Filled in place: messages made first and copied into others cost twice as much.
        order = item.order
        event = electricity.IssuedEvent(type=_TYPES[order.type], grid_area=order.grid_area)
        _name(event.certificate_id, item.ref)
        event.period.start.seconds = int(order.start.timestamp())
        event.period.end.seconds = int(order.end.timestamp())
        event.quantity_commitment.content = material.commitment
        event.quantity_commitment.range_proof = material.range_proof
        event.owner_public_key.content = material.owner_key
        event.owner_public_key.type = _SECP256K1
        for clear in order.clear_text:
            event.attributes.add(key=clear.key, value=clear.value, type=_CLEARTEXT)
        for hashed in item.hashed:
            event.attributes.add(key=hashed.key, value=hashed.digest(item.ref.certificate_id), type=_HASHED)
        return _draft(item.ref, event, nonce)

    def withdraw(self, item: Item, nonce: str) -> Draft:
        """The transaction that withdraws it."""
        return _draft(item.ref, electricity.WithdrawnEvent(), nonce)

    def seal(self, draft: Draft, signature: bytes) -> tuple[bytes, str]:
        """Transaction bytes and transaction id."""
        transaction = registry.Transaction(
            header=registry.TransactionHeader.FromString(draft.header),
            header_signature=signature,
            payload=draft.payload,
        ).SerializeToString(deterministic=True)
        return transaction, transaction_id(transaction)


def send_request(transactions: list[bytes]) -> registry.SendTransactionsRequest:
    """Many stored transactions in one call, byte for byte as stored."""
    return registry.SendTransactionsRequest(transactions=[registry.Transaction.FromString(t) for t in transactions])


def status_request(transaction_id: str) -> registry.GetTransactionStatusRequest:
    """Asks for one transaction."""
    return registry.GetTransactionStatusRequest(id=transaction_id)


def status(response: registry.GetTransactionStatusResponse) -> RegistryStatus:
    """The registry's answer; a state it may add later counts as still pending."""
    return RegistryStatus(_STATES.get(response.status, RegistryState.PENDING), response.message[:1000])


def blocks_request(skip: int, limit: int, *, whole: bool) -> registry.GetBlocksRequest:
    """Asks for blocks, with their transactions if ``whole``."""
    return registry.GetBlocksRequest(skip=skip, limit=limit, include_transactions=whole)


def blocks(response: registry.GetBlocksResponse) -> list[list[str]]:
    """The ids of each block's transactions."""
    return [
        [transaction_id(transaction.SerializeToString(deterministic=True)) for transaction in block.transactions]
        for block in response.blocks
    ]


def transaction_id(transaction: bytes) -> str:
    """The id a registry knows a transaction by: base64 of SHA-256 over its bytes."""
    return base64.b64encode(hashlib.sha256(transaction).digest()).decode()


def stream_request(certificate_id: UUID) -> registry.GetStreamTransactionsRequest:
    """Asks for a certificate's stream."""
    return registry.GetStreamTransactionsRequest(stream_id=common.Uuid(value=str(certificate_id)))


def stream(response: registry.GetStreamTransactionsResponse) -> list[bytes]:
    """The stream's transactions as bytes."""
    return [transaction.SerializeToString(deterministic=True) for transaction in response.transactions]


def _name(stream_id: common.FederatedStreamId, ref: CertificateRef) -> None:
    """A certificate's name as the registry writes it."""
    stream_id.registry = ref.registry
    stream_id.stream_id.value = str(ref.certificate_id)


def _draft(ref: CertificateRef, event: electricity.IssuedEvent | electricity.WithdrawnEvent, nonce: str) -> Draft:
    payload = event.SerializeToString(deterministic=True)
    header = registry.TransactionHeader(
        payload_type=event.DESCRIPTOR.full_name, payload_sha512=hashlib.sha512(payload).digest(), nonce=nonce
    )
    _name(header.federated_stream_id, ref)
    return Draft(header.SerializeToString(deterministic=True), payload)
