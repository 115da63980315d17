import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from project_origin.common.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransactionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UNKNOWN: _ClassVar[TransactionState]
    PENDING: _ClassVar[TransactionState]
    FAILED: _ClassVar[TransactionState]
    COMMITTED: _ClassVar[TransactionState]
    FINALIZED: _ClassVar[TransactionState]
UNKNOWN: TransactionState
PENDING: TransactionState
FAILED: TransactionState
COMMITTED: TransactionState
FINALIZED: TransactionState

class SendTransactionsRequest(_message.Message):
    __slots__ = ("transactions",)
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    transactions: _containers.RepeatedCompositeFieldContainer[Transaction]
    def __init__(self, transactions: _Optional[_Iterable[_Union[Transaction, _Mapping]]] = ...) -> None: ...

class SubmitTransactionResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTransactionStatusRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetTransactionStatusResponse(_message.Message):
    __slots__ = ("status", "message")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    status: TransactionState
    message: str
    def __init__(self, status: _Optional[_Union[TransactionState, str]] = ..., message: _Optional[str] = ...) -> None: ...

class GetStreamTransactionsRequest(_message.Message):
    __slots__ = ("stream_id",)
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    stream_id: _common_pb2.Uuid
    def __init__(self, stream_id: _Optional[_Union[_common_pb2.Uuid, _Mapping]] = ...) -> None: ...

class GetStreamTransactionsResponse(_message.Message):
    __slots__ = ("transactions",)
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    transactions: _containers.RepeatedCompositeFieldContainer[Transaction]
    def __init__(self, transactions: _Optional[_Iterable[_Union[Transaction, _Mapping]]] = ...) -> None: ...

class GetTransactionProofRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class GetBlocksRequest(_message.Message):
    __slots__ = ("skip", "limit", "include_transactions")
    SKIP_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    skip: int
    limit: int
    include_transactions: bool
    def __init__(self, skip: _Optional[int] = ..., limit: _Optional[int] = ..., include_transactions: _Optional[bool] = ...) -> None: ...

class GetBlocksResponse(_message.Message):
    __slots__ = ("blocks",)
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    blocks: _containers.RepeatedCompositeFieldContainer[Block]
    def __init__(self, blocks: _Optional[_Iterable[_Union[Block, _Mapping]]] = ...) -> None: ...

class TransactionHeader(_message.Message):
    __slots__ = ("federated_stream_id", "payload_type", "payload_sha512", "nonce")
    FEDERATED_STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_TYPE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_SHA512_FIELD_NUMBER: _ClassVar[int]
    NONCE_FIELD_NUMBER: _ClassVar[int]
    federated_stream_id: _common_pb2.FederatedStreamId
    payload_type: str
    payload_sha512: bytes
    nonce: str
    def __init__(self, federated_stream_id: _Optional[_Union[_common_pb2.FederatedStreamId, _Mapping]] = ..., payload_type: _Optional[str] = ..., payload_sha512: _Optional[bytes] = ..., nonce: _Optional[str] = ...) -> None: ...

class Transaction(_message.Message):
    __slots__ = ("header", "header_signature", "payload")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    HEADER_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    header: TransactionHeader
    header_signature: bytes
    payload: bytes
    def __init__(self, header: _Optional[_Union[TransactionHeader, _Mapping]] = ..., header_signature: _Optional[bytes] = ..., payload: _Optional[bytes] = ...) -> None: ...

class MerkleProof(_message.Message):
    __slots__ = ("transaction", "leaf_index", "hashes", "block_id")
    TRANSACTION_FIELD_NUMBER: _ClassVar[int]
    LEAF_INDEX_FIELD_NUMBER: _ClassVar[int]
    HASHES_FIELD_NUMBER: _ClassVar[int]
    BLOCK_ID_FIELD_NUMBER: _ClassVar[int]
    transaction: Transaction
    leaf_index: int
    hashes: _containers.RepeatedScalarFieldContainer[bytes]
    block_id: bytes
    def __init__(self, transaction: _Optional[_Union[Transaction, _Mapping]] = ..., leaf_index: _Optional[int] = ..., hashes: _Optional[_Iterable[bytes]] = ..., block_id: _Optional[bytes] = ...) -> None: ...

class BlockHeader(_message.Message):
    __slots__ = ("previous_header_hash", "previous_publication_hash", "merkle_root_hash", "created_at")
    PREVIOUS_HEADER_HASH_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_PUBLICATION_HASH_FIELD_NUMBER: _ClassVar[int]
    MERKLE_ROOT_HASH_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    previous_header_hash: bytes
    previous_publication_hash: bytes
    merkle_root_hash: bytes
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, previous_header_hash: _Optional[bytes] = ..., previous_publication_hash: _Optional[bytes] = ..., merkle_root_hash: _Optional[bytes] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("height", "header", "publication", "transactions")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    PUBLICATION_FIELD_NUMBER: _ClassVar[int]
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    height: int
    header: BlockHeader
    publication: BlockPublication
    transactions: _containers.RepeatedCompositeFieldContainer[Transaction]
    def __init__(self, height: _Optional[int] = ..., header: _Optional[_Union[BlockHeader, _Mapping]] = ..., publication: _Optional[_Union[BlockPublication, _Mapping]] = ..., transactions: _Optional[_Iterable[_Union[Transaction, _Mapping]]] = ...) -> None: ...

class BlockPublication(_message.Message):
    __slots__ = ("log_entry", "concordium")
    class LogEntry(_message.Message):
        __slots__ = ("block_header_hash",)
        BLOCK_HEADER_HASH_FIELD_NUMBER: _ClassVar[int]
        block_header_hash: bytes
        def __init__(self, block_header_hash: _Optional[bytes] = ...) -> None: ...
    class Concordium(_message.Message):
        __slots__ = ("transaction_hash", "block_hash")
        TRANSACTION_HASH_FIELD_NUMBER: _ClassVar[int]
        BLOCK_HASH_FIELD_NUMBER: _ClassVar[int]
        transaction_hash: bytes
        block_hash: bytes
        def __init__(self, transaction_hash: _Optional[bytes] = ..., block_hash: _Optional[bytes] = ...) -> None: ...
    LOG_ENTRY_FIELD_NUMBER: _ClassVar[int]
    CONCORDIUM_FIELD_NUMBER: _ClassVar[int]
    log_entry: BlockPublication.LogEntry
    concordium: BlockPublication.Concordium
    def __init__(self, log_entry: _Optional[_Union[BlockPublication.LogEntry, _Mapping]] = ..., concordium: _Optional[_Union[BlockPublication.Concordium, _Mapping]] = ...) -> None: ...
