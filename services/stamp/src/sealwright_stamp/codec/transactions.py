"""The registry's wire format: events, canonical headers, sealed transactions and their ids."""

from __future__ import annotations

import base64
import hashlib
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from project_origin.common.v1 import common_pb2 as common
from project_origin.electricity.v1 import electricity_pb2 as electricity
from project_origin.registry.v1 import registry_pb2 as registry
from sealwright_common.domain.certificates import CertificateRef, CertificateType, HashedAttribute

from sealwright_stamp.ports import Draft, Item, Material, RegistryState, RegistryStatus

_TYPES = {
    CertificateType.CONSUMPTION: electricity.GranularCertificateType.CONSUMPTION,
    CertificateType.PRODUCTION: electricity.GranularCertificateType.PRODUCTION,
}
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
        order = item.order
        event = electricity.IssuedEvent(
            certificate_id=stream_id(item.ref),
            type=_TYPES[order.type],
            period=electricity.DateInterval(
                start=Timestamp(seconds=int(order.start.timestamp())), end=Timestamp(seconds=int(order.end.timestamp()))
            ),
            grid_area=order.grid_area,
            quantity_commitment=electricity.Commitment(content=material.commitment, range_proof=material.range_proof),
            owner_public_key=electricity.PublicKey(content=material.owner_key, type=electricity.KeyType.Secp256k1),
            attributes=[
                *(
                    electricity.Attribute(key=a.key, value=a.value, type=electricity.AttributeType.CLEARTEXT)
                    for a in order.clear_text
                ),
                *(_hashed(a, item.ref.certificate_id) for a in item.hashed),
            ],
        )
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


def stream_id(ref: CertificateRef) -> common.FederatedStreamId:
    """A certificate's name as the registry writes it."""
    return common.FederatedStreamId(registry=ref.registry, stream_id=common.Uuid(value=str(ref.certificate_id)))


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


def _draft(ref: CertificateRef, event: electricity.IssuedEvent | electricity.WithdrawnEvent, nonce: str) -> Draft:
    payload = event.SerializeToString(deterministic=True)
    header = registry.TransactionHeader(
        federated_stream_id=stream_id(ref),
        payload_type=event.DESCRIPTOR.full_name,
        payload_sha512=hashlib.sha512(payload).digest(),
        nonce=nonce,
    )
    return Draft(header.SerializeToString(deterministic=True), payload)


def _hashed(attribute: HashedAttribute, certificate_id: UUID) -> electricity.Attribute:
    return electricity.Attribute(
        key=attribute.key, value=attribute.digest(certificate_id), type=electricity.AttributeType.HASHED
    )
